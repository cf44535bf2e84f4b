"""A student's notes and their cards: written, changed, moved, removed."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.errors import Invalid, NotFound
from contracts.flashcard import CardCreated
from mesh import Outbox
from sqlalchemy import Uuid, any_, bindparam, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from flashcard.card_html import html_sides
from flashcard.card_text import fingerprint, ordinals, sides
from flashcard.leeches import Leeches
from flashcard.models import SCHEMA, Card, Deck, Markup, Note, NoteKind
from flashcard.patience import impatient
from flashcard.sources import Sources


class NoSuchCard(NotFound):
    type, title = "card-not-found", "No such card"


class NotACloze(Invalid):
    type, title = "not-a-cloze", "This makes no card"


@dataclass(frozen=True, slots=True)
class Written:
    """What is to be known, as a student or a proposal writes it. `guid` is Anki's where it came from there."""

    question: str
    answer: str
    kind: NoteKind = NoteKind.BASIC
    markup: Markup = Markup.MARKDOWN
    tags: Sequence[str] = ()
    source: dict[str, Any] | None = None
    guid: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A card with its note."""

    card: Card
    note: Note

    @property
    def sides(self) -> tuple[str, str]:
        """What it shows first, and then."""
        return sides(self.note.kind, self.note.question, self.note.answer, self.card.ordinal)

    @property
    def html_sides(self) -> tuple[str, str]:
        """The same as HTML that may stand in a page."""
        note = self.note
        return html_sides(NoteKind(note.kind), Markup(note.markup), note.question, note.answer, self.card.ordinal)


_SHOWN = select(Card, Note).join(Note).where(col(Card.id) == bindparam("card"), col(Card.user_id) == bindparam("owner"))
# The note first: whoever waits for it holds no card, and then gets both as they are by now.
_LOCKED = impatient(_SHOWN).with_for_update(of=[Note, Card]).execution_options(populate_existing=True)


class Notes:
    """One student's notes and cards. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def write(self, deck: Deck, written: Written, now: datetime) -> list[Shown]:
        """Keep a note and make its cards. Raises `NotACloze`."""
        document_id = written.source["document_id"] if written.source else None
        note = Note(
            user_id=self._owner,
            guid=written.guid or new_guid(),
            kind=written.kind,
            markup=written.markup,
            question=written.question,
            answer=written.answer,
            tags=list(dict.fromkeys(written.tags)),
            source=await self._source(written.source),
            document_id=document_id,
            fingerprint=fingerprint(written.question),
            created_at=now,
            updated_at=now,
        )
        numbers = expect_cards(NoteKind(note.kind), note.question)
        self._session.add(note)
        await self._session.flush()
        return await self._add_cards(note, deck.id, numbers, now)

    async def get(self, card_id: UUID, *, lock: bool = False) -> Shown:
        """A card and its note; with `lock` both are locked until the transaction ends. Raises `NoSuchCard`.

        The note's lock serialises what happens to siblings: a review of one buries the others.
        """
        asked = {"card": card_id, "owner": self._owner}
        row = (await self._session.execute(_LOCKED if lock else _SHOWN, asked)).one_or_none()
        if row is None:
            raise NoSuchCard("There is no such card of yours. GET /flashcards lists them.")
        return Shown(*row)

    async def lock(self, note_ids: Collection[UUID]) -> None:
        """Lock these notes before whatever is done to their cards.

        A review holds its note while it buries siblings: who took cards without their notes would wait for it crosswise.
        """
        # By their ids and nothing else: `IS true`, or after an import, of which no statistics know yet, all notes of the student would be
        # looked through for each of these.
        owned = (col(Note.user_id) == self._owner).is_(True)
        these = col(Note.id) == any_(literal(list(note_ids), ARRAY(Uuid)))
        # In one order for everybody, so that two of us cannot wait for each other.
        mine = impatient(select(Note.id).where(these, owned)).order_by(col(Note.id))
        await self._session.execute(mine.with_for_update(of=Note))

    async def siblings(self, note: Note) -> Sequence[Card]:
        """All cards of the note, in their order."""
        statement = select(Card).where(Card.note_id == note.id, Card.user_id == self._owner).order_by(col(Card.ordinal))
        return (await self._session.execute(statement)).scalars().all()

    async def rewrite(self, note: Note, change: dict[str, Any], deck: Deck, now: datetime) -> None:
        """Change question, answer, kind, markup or tags of a locked note. Cards that it no longer makes go, new ones come into `deck`,
        which was kept before the note was locked; the others keep what is known of them. Raises `NotACloze`."""
        if "tags" in change:
            await Leeches(self._session, self._owner).tag(note, change["tags"])
        for name, value in change.items():
            setattr(note, name, value)
        note.fingerprint = fingerprint(note.question)
        note.version, note.updated_at = note.version + 1, now
        wanted = set(expect_cards(NoteKind(note.kind), note.question))
        cards = await self.siblings(note)
        for card in cards:
            if card.ordinal not in wanted:
                await self._session.delete(card)
        missing = sorted(wanted - {card.ordinal for card in cards})
        await self._session.flush()
        await self._add_cards(note, deck.id, missing, now)

    async def delete(self, note_ids: Sequence[UUID]) -> None:
        """Remove these locked notes with their cards; the log of their reviews stays."""
        await self._session.execute(delete(Note).where(col(Note.id).in_(note_ids), col(Note.user_id) == self._owner))

    async def alike(self, question: str, besides: UUID | None = None) -> Sequence[UUID]:
        """Notes that ask the same, at most ten, besides this one."""
        same = select(Note.id).where(Note.user_id == self._owner, Note.fingerprint == fingerprint(question))
        return (
            (await self._session.execute(same.where(col(Note.id).is_distinct_from(besides)).limit(10))).scalars().all()
        )

    async def _source(self, source: dict[str, Any] | None) -> dict[str, Any] | None:
        if source is None:
            return None
        gone = await Sources(self._session).is_gone(source["document_id"], owner=self._owner)
        return source | {"document_id": str(source["document_id"]), "available": not gone}

    async def _add_cards(self, note: Note, deck_id: UUID, numbers: Sequence[int], now: datetime) -> list[Shown]:
        cards = [
            Card(user_id=self._owner, note_id=note.id, deck_id=deck_id, ordinal=number, created_at=now)
            for number in numbers
        ]
        self._session.add_all(cards)
        await self._session.flush()
        made = [Shown(card, note) for card in cards]
        await Outbox(self._session, SCHEMA).add(*map(created, made))
        return made


def new_guid() -> str:
    """What tells a note from all others, in Anki too."""
    return secrets.token_urlsafe(9)


def expect_cards(kind: NoteKind, question: str) -> Sequence[int]:
    """The ordinals of the cards that it makes. Raises `NotACloze` where it makes none."""
    try:
        return ordinals(kind, question)
    except ValueError as error:
        raise NotACloze(f"question: {error}.") from error


def created(shown: Shown) -> CardCreated:
    """A student has this card."""
    question, answer = shown.sides
    return CardCreated(
        card_id=shown.card.id,
        note_id=shown.note.id,
        deck_id=shown.card.deck_id,
        user_id=shown.card.user_id,
        question=question,
        answer=answer,
        tags=shown.note.tags,
        document_id=shown.note.document_id,
        version=shown.card.version,
    )
