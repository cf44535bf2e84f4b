"""The rows of flashcard: decks, notes and their cards, the log of reviews, and whose they are."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID, uuid4

from chassis.database import table_registry
from chassis.idempotency import idempotency_table
from chassis.personal_data import personal_data_tables
from mesh import tables as mesh_tables
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

SCHEMA = "flashcard"
tables = table_registry()


class Row(SQLModel, registry=tables):
    """Base of this service's tables."""


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class NoteKind(StrEnum):
    """Basic: one card. Reversed: a second one asks for the question. Cloze: a card for each number of `{{c1::…}}`."""

    BASIC = "basic"
    REVERSED = "reversed"
    CLOZE = "cloze"


class Markup(StrEnum):
    """What a note's texts are written in: Markdown, in which HTML may stand, or HTML as Anki has it, in which an asterisk is one."""

    MARKDOWN = "markdown"
    HTML = "html"


class Student(Row, table=True):
    """What auth last said of a user: the day, and where it is.

    `next_day_at` is when the student's next day begins: then it is told what is due. `told_day` is the last day that was told,
    `cleared_day` the last of these on which everything was done, or none since something came after it; `told_version` counts both.
    """

    __tablename__ = "student"
    __table_args__ = (Index("ix_student_next_day_at", "next_day_at"),)

    user_id: UUID = Field(primary_key=True)
    version: int
    time_zone: str = Field(sa_type=Text)
    day_starts_at: int
    next_day_at: datetime = Field(sa_column=_moment())
    told_day: date | None = Field(default=None, sa_column=Column(Date))
    cleared_day: date | None = Field(default=None, sa_column=Column(Date))
    told_version: int = 0


class GoneDocument(Row, table=True):
    """A document that was deleted; its cards stay."""

    __tablename__ = "gone_document"

    document_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)


class Deck(Row, table=True):
    """Cards that are studied together. `Biology::Cells` lies in `Biology`; its row lock serialises changes of its options.

    After such a change the logs of its cards are replayed, in the order of their ids, by whoever finds that `replay_at` has come:
    `replayed_cards` of some `replay_cards`, up to `replayed_to`. Without `replay_at` all cards are scheduled as the options say.
    """

    __tablename__ = "deck"
    __table_args__ = (
        UniqueConstraint("user_id", "name", name="uq_deck_user_id_name"),
        Index("ix_deck_replay_at", "replay_at", postgresql_where=text("replay_at IS NOT NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID
    name: str = Field(sa_type=Text)
    options: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    version: int = 1
    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())
    replay_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    replayed_to: UUID | None = None
    replay_cards: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))
    replayed_cards: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))


class Share(Row, table=True):
    """A deck that whoever has its link may copy. The link's token is kept as SHA-256, and sealed, to be shown to its owner."""

    __tablename__ = "share"

    deck_id: UUID = Field(sa_column=Column(ForeignKey("deck.id", ondelete="CASCADE"), primary_key=True))
    user_id: UUID
    token_digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    token_sealed: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_column=_moment())


class Note(Row, table=True):
    """What is to be known: one or several cards ask for it. `guid` is Anki's, so that importing again updates.

    `source` is where it was taken from: document_id, document_title, page, part, quote. `fingerprint` finds duplicates.
    """

    __tablename__ = "note"
    __table_args__ = (
        UniqueConstraint("user_id", "guid", name="uq_note_user_id_guid"),
        Index("ix_note_user_id_fingerprint", "user_id", "fingerprint"),
        Index("ix_note_document_id", "document_id", postgresql_where=text("document_id IS NOT NULL")),
        Index("ix_note_tags", "tags", postgresql_using="gin"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID
    guid: str = Field(sa_type=Text)
    kind: NoteKind = Field(sa_type=Text)
    markup: Markup = Field(
        default=Markup.MARKDOWN, sa_column=Column(Text, nullable=False, server_default=Markup.MARKDOWN)
    )
    question: str = Field(sa_type=Text)
    answer: str = Field(sa_type=Text)
    tags: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    source: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    document_id: UUID | None = None
    fingerprint: str = Field(sa_type=Text)
    # Its tag `leech` was not given by hand: it goes when none of its cards is one, or no more than when the student took it off.
    leech_tagged: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    # So many reviews had made leeches of its cards when the student took that tag off; None: never.
    leech_over: int | None = None
    version: int = 1
    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())


DraftStatus = Literal["waiting", "accepted", "rejected"]


class Draft(Row, table=True):
    """A card that was proposed and waits for the student. One that was taken (as `note_id`) or rejected stays, so that it is not
    proposed again; and so does its first `fingerprint` when it is edited."""

    __tablename__ = "draft"
    __table_args__ = (
        UniqueConstraint("user_id", "fingerprint", name="uq_draft_user_id_fingerprint"),
        Index("ix_draft_waiting", "user_id", "place", postgresql_where=text("NOT rejected AND note_id IS NULL")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID
    place: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), nullable=False))
    proposal_id: UUID | None = None
    kind: NoteKind = Field(sa_type=Text)
    question: str = Field(sa_type=Text)
    answer: str = Field(sa_type=Text)
    source: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    document_id: UUID | None = None
    fingerprint: str = Field(sa_type=Text)
    rejected: bool = False
    note_id: UUID | None = None  # no foreign key: a note that is deleted was taken all the same
    created_at: datetime = Field(sa_column=_moment())

    @property
    def status(self) -> DraftStatus:
        """What became of it."""
        return "accepted" if self.note_id is not None else "rejected" if self.rejected else "waiting"


_COUNTED = ("deck_id", "note_id", "buried_until")


class Card(Row, table=True):
    """One question of a note, and what is known of the student's memory of it.

    `base` is the memory before the first review here (empty: a new card; else what was imported). It stands where the deck's algorithm is
    that of `base_options`, the deck's at the import; by another one the imported reviews that can be replayed, `base_reviews` in number,
    are replayed in its place. The columns from `phase` on are what replaying the log from there gives: they can be made anew at any
    time. `missed_at` is when its fact was last missed in a quiz, on `missed_day`: a review of it is due by then. Its row lock
    serialises reviews.
    """

    __tablename__ = "card"
    __table_args__ = (
        Index("ix_card_note_id", "note_id"),
        Index("ix_card_deck_id_id", "deck_id", "id"),
        Index("ix_card_user_id_created_at_id", "user_id", "created_at", "id"),
        # With all that a rollover asks of what is due and new: it counts them for all students of a zone, and would read each card's
        # row, most of them from the disk.
        Index(
            "ix_card_due_day",
            "user_id",
            "due_day",
            *_COUNTED,
            postgresql_where=text("phase = 'review' AND NOT suspended"),
        ),
        Index("ix_card_due_at", "user_id", "due_at", postgresql_where=text("due_at IS NOT NULL AND NOT suspended")),
        Index("ix_card_new", "user_id", *_COUNTED, postgresql_where=text("phase = 'new' AND NOT suspended")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID
    note_id: UUID = Field(sa_column=Column(ForeignKey("note.id", ondelete="CASCADE"), nullable=False))
    deck_id: UUID = Field(sa_column=Column(ForeignKey("deck.id", ondelete="CASCADE"), nullable=False))
    ordinal: int  # 0 is the note's first; of a cloze, c1 is 0
    position: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), nullable=False))
    suspended: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    # So many reviews had made it a leech when the next one suspended it, or when the student freed it; None: the student's word.
    leech_over: int | None = None
    buried_until: date | None = Field(default=None, sa_column=Column(Date))  # the first day on which it is back
    buried_by: UUID | None = None  # the review of a sibling that did it; None: the student, by hand
    version: int = 1
    created_at: datetime = Field(sa_column=_moment())
    base: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    base_options: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    base_reviews: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))
    missed_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    missed_day: date | None = Field(default=None, sa_column=Column(Date))

    phase: str = Field(default="new", sa_type=Text)
    step: int = 0
    due_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    due_day: date | None = Field(default=None, sa_column=Column(Date))
    interval: int = 0
    stability: float | None = None
    difficulty: float | None = None
    ease: float = 2.5
    repetitions: int = 0
    lapses: int = 0
    reviews: int = 0
    last_day: date | None = Field(default=None, sa_column=Column(Date))
    last_reviewed_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class Deletion(Row, table=True):
    """What a student deleted at once and can still take back: a deck by its name with all in it, or else notes."""

    __tablename__ = "deletion"
    __table_args__ = (
        Index("ix_deletion_user_id_deleted_at_id", "user_id", "deleted_at", "id"),
        Index("ix_deletion_deleted_at", "deleted_at"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID
    deleted_at: datetime = Field(sa_column=_moment())
    deck: str | None = Field(default=None, sa_type=Text)
    decks: int = 0
    cards: int = 0


class DeletedRow(Row, table=True):
    """A row of `deck`, `note` or `card` as it was. A migration that gives these a column which may not be empty, gives it to these, too."""

    __tablename__ = "deleted_row"

    deletion_id: UUID = Field(sa_column=Column(ForeignKey("deletion.id", ondelete="CASCADE"), primary_key=True))
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(index=True)
    row: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


class LoggedReview(Row, table=True):
    """A review that happened. The row stays; undoing it only says so. `id` is the client's, so that it counts once.

    `memory_before` and `memory_after` are what the log came to at this place; a review that arrives late changes them for
    those that happened after it. `imported` ones came with a deck and are in the card's `base`; `replayable` are those of them that tell
    what happened since the card was learnt, whole.
    """

    __tablename__ = "review"
    __table_args__ = (
        Index("ix_review_card_id_reviewed_at_id", "card_id", "reviewed_at", "id"),
        Index("ix_review_user_id_day", "user_id", "day"),
        Index("ix_review_user_id_received", "user_id", "received"),
    )

    user_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    card_id: UUID  # no foreign key: what was done stays in the statistics when the card goes
    received: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), nullable=False))
    deck_id: UUID
    rating: int
    quality: int
    reviewed_at: datetime = Field(sa_column=_moment())
    received_at: datetime = Field(sa_column=_moment())
    day: date = Field(sa_column=Column(Date, nullable=False))
    duration_ms: int | None = None
    imported: bool = False
    replayable: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    revlog: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))  # Anki's row of an imported one
    made_leech: bool = False  # one lapse too many, by the deck's options of then
    memory_before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    memory_after: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    undone_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class ImportStatus(StrEnum):
    """Previewed: it waits for the student's word. Queued: a worker will take it, or has it."""

    PREVIEWED = "previewed"
    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"


class DeckImport(Row, table=True):
    """A file that is to become cards. A worker holds it by `lease`; one that dies lets the lease run out."""

    __tablename__ = "deck_import"
    __table_args__ = (
        Index("ix_deck_import_user_id_created_at", "user_id", "created_at"),
        Index("ix_deck_import_lease_until", "lease_until", postgresql_where=text("status = 'queued'")),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID
    status: ImportStatus = Field(sa_type=Text)
    filename: str = Field(sa_type=Text)
    storage_key: str = Field(sa_type=Text)
    scheduling: bool = True
    preview: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    progress: float = 0.0
    error: str | None = Field(default=None, sa_type=Text)
    attempts: int = 0
    lease: UUID | None = None
    lease_until: datetime = Field(sa_column=_moment())
    created_at: datetime = Field(sa_column=_moment())
    finished_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class Media(Row, table=True):
    """A picture or sound that cards use by its name. The file lies in the storage under its SHA-256."""

    __tablename__ = "media"

    user_id: UUID = Field(primary_key=True)
    name: str = Field(sa_column=Column(Text, primary_key=True))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    size: int
    created_at: datetime = Field(sa_column=_moment())


mesh_tables(tables.metadata)
idempotency_table(tables.metadata)
personal_data_tables(tables.metadata)
