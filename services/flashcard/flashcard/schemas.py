"""What flashcard takes and shows over HTTP."""

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID, uuid4

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from flashcard.catalogue import MOST_AT_ONCE, MOST_TAGS, Action
from flashcard.importing import Preview
from flashcard.memory import Phase
from flashcard.models import DeckImport, ImportStatus, Markup, NoteKind
from flashcard.notes import Shown, Written
from flashcard.ratings import RatingName, rating_named, rating_of
from flashcard.reviewing import Given
from flashcard.scheduling import Choice
from flashcard.search import IN_WORDS, says_nothing

_LONGEST_SIDE, _LONGEST_TAG = 64_000, 100


def storable(text: str) -> str:
    """Text as it is kept, line ends as `\\n`. Raises `ValueError` for a character that cannot be stored."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if any(unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t" for character in text):
        raise ValueError("has a control character; remove it")
    return text


def something(text: str) -> str:
    """Text that is not empty. Raises `ValueError`."""
    if not text.strip():
        raise ValueError("is empty; write something")
    return text


def tag_of(written: str) -> str:
    """A tag in its one form: without white space, as Anki's are. Raises `ValueError`."""
    tag = "_".join(storable(written).split())
    if not tag:
        raise ValueError("a tag is not empty")
    return tag


Side = Annotated[str, Field(max_length=_LONGEST_SIDE), AfterValidator(storable)]
Question = Annotated[Side, AfterValidator(something)]
Tag = Annotated[str, Field(max_length=_LONGEST_TAG), AfterValidator(tag_of)]
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS)]


class Source(BaseModel):
    """The place in a student's document that a card was made from."""

    document_id: UUID
    document_title: Annotated[str, Field(max_length=500)] = ""
    page: int | None = Field(None, ge=1)
    part: int | None = Field(None, ge=1, description="The number that GET /documents/{id}/pages/{n} takes")
    quote: Annotated[str, Field(max_length=2000)] = ""


class SourceOut(Source):
    """Where a card comes from; `available` is false when the document was deleted."""

    available: bool = True


class NewCard(BaseModel):
    """The body of `POST /flashcards`. Without a deck it goes into the deck “Default”."""

    model_config = ConfigDict(extra="forbid")

    question: Question
    answer: Side = ""
    kind: NoteKind = NoteKind.BASIC
    markup: Markup = Field(Markup.MARKDOWN, description="Of question and answer; html is as in Anki")
    tags: Tags = []
    deck_id: UUID | None = None
    source: Source | None = None

    @model_validator(mode="after")
    def refuse_half_a_card(self) -> Self:
        if self.kind != NoteKind.CLOZE and not self.answer.strip():
            raise ValueError("answer is empty; write something")
        return self

    def written(self) -> Written:
        """The note that it makes."""
        source = self.source.model_dump() if self.source else None
        return Written(self.question, self.answer, self.kind, self.markup, self.tags, source)


class CardChange(BaseModel):
    """What to change of a card and its siblings; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    question: Question | None = None
    answer: Side | None = None
    kind: NoteKind | None = None
    markup: Markup | None = None
    tags: Tags | None = None
    deck_id: UUID | None = None
    suspended: bool | None = Field(None, description="Of this card alone")


class CardOut(BaseModel):
    """A card. `front` and `back` are what this card shows; `question` and `answer` are its note's, which siblings share.

    These four are texts as they were written, in `markup`, scripts included: they are to be shown as text, or edited. What may stand in
    a page are `front_html` and `back_html` of `GET /flashcards/{id}` and `GET /flashcards/due`.
    """

    id: UUID
    note_id: UUID
    deck_id: UUID
    kind: NoteKind
    markup: Markup
    question: str
    answer: str
    front: str
    back: str
    tags: list[str]
    source: SourceOut | None
    suspended: bool
    buried_until: date | None
    phase: Phase
    due_at: datetime | None = Field(description="When it comes back, where that is within the day")
    due_day: date | None = Field(description="The student's day on which it comes back")
    interval: int = Field(description="Days")
    stability: float | None
    difficulty: float | None
    ease: float
    lapses: int
    reviews: int
    created_at: datetime


class ChangedCard(CardOut):
    """A card after a change."""

    alike: Sequence[UUID] = Field(description="Other notes of yours that ask the same, where its question was changed")


class RenderedCard(CardOut):
    """A card to be shown: its sides as HTML, safe to stand in a page.

    Formulas are text between `\\(…\\)`, `\\[…\\]` or `$$…$$` in a `span` of class `math`, for KaTeX or MathJax; what a cloze card hides
    (`[...]` or its hint) and then shows is in one of class `cloze`. Pictures and sounds are paths at the gateway, which want the student's
    token.
    """

    front_html: str
    back_html: str


class NewCardsOut(BaseModel):
    """What a new note made: a card, or several siblings. `alike` are cards that ask the same already."""

    cards: list[CardOut]
    alike: Sequence[UUID] = Field(description="Notes of yours that ask the same")


class RunImport(BaseModel):
    """How an import is done."""

    model_config = ConfigDict(extra="forbid")

    scheduling: bool = Field(True, description="With what is known of the cards, and the log; else all are new")


class ImportOut(BaseModel):
    """An import; `preview` is what it would do, or did."""

    id: UUID
    status: ImportStatus
    filename: str
    preview: Preview
    progress: float = Field(description="From 0 to 1")
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class MediaOut(BaseModel):
    """A picture or sound that cards can use by its name."""

    name: str
    size: int
    content_type: str


class QueuedCard(RenderedCard):
    """A card to study now, and what each button would do."""

    choices: dict[RatingName, Choice]


class QueueOut(BaseModel):
    """What to study now. The counts are of all that is left today, within the day's limits. Where cards of a note stay apart
    (`bury_siblings`), one of them is in it."""

    items: list[QueuedCard]
    learning: int
    due: int
    new: int
    day: date
    next_at: datetime | None = Field(description="When the next step of minutes is over, where none is now")


class NewReview(BaseModel):
    """The body of `POST /flashcards/{id}/review`: a `rating` or a `quality`."""

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = Field(None, description="The device's own; sent twice it counts once")
    rating: RatingName | None = None
    quality: int | None = Field(None, ge=0, le=5, description="SuperMemo's: below 3 it was not recalled")
    duration_ms: int | None = Field(None, ge=0, le=24 * 3600 * 1000)
    reviewed_at: AwareDatetime | None = Field(None, description="When it happened, where that was before now")

    @model_validator(mode="after")
    def expect_one_verdict(self) -> Self:
        if (self.rating is None) == (self.quality is None):
            raise ValueError("say either rating or quality")
        return self

    def given(self, now: datetime) -> Given:
        """The review as it is logged."""
        rating = rating_named(self.rating) if self.rating else rating_of(self.quality or 0)
        quality = rating.quality if self.quality is None else self.quality
        return Given(self.id or uuid4(), rating, quality, self.reviewed_at or now, self.duration_ms)


class ReviewOut(BaseModel):
    """A review that counts, and the card after it."""

    id: UUID
    card: CardOut


class BulkChange(BaseModel):
    """The body of `POST /flashcards/bulk`: these cards, or all that a search finds."""

    model_config = ConfigDict(extra="forbid")

    card_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)] | None = None
    q: Annotated[str, Field(max_length=500, description=IN_WORDS), AfterValidator(storable)] | None = None
    action: Action
    tags: Tags = []
    deck_id: UUID | None = None

    @model_validator(mode="after")
    def expect_what_it_needs(self) -> Self:
        if (self.card_ids is None) == (self.q is None):
            raise ValueError("say either card_ids or q")
        if self.action == "delete" and self.q is not None and says_nothing(self.q):
            # An empty search box finds everything, and nothing brings it back.
            raise ValueError("q is empty and would delete every card; say which, such as deck:Biology")
        if self.action in ("tag", "untag") and not self.tags:
            raise ValueError("tags says which")
        if self.action == "move" and self.deck_id is None:
            raise ValueError("deck_id says where to")
        return self


class BulkOut(BaseModel):
    """How many cards were changed, siblings included."""

    changed: int


def import_out(row: DeckImport) -> ImportOut:
    """An import as it is shown."""
    return ImportOut.model_validate(row, from_attributes=True)


def card_out(shown: Shown) -> CardOut:
    """A card as it is shown."""
    return CardOut.model_validate(card_fields(shown))


def changed_card(shown: Shown, alike: Sequence[UUID]) -> ChangedCard:
    """A card as it is shown after a change."""
    return ChangedCard.model_validate(card_fields(shown) | {"alike": alike})


def rendered_card(shown: Shown) -> RenderedCard:
    """A card as it stands in a page."""
    return RenderedCard.model_validate(rendered_fields(shown))


def rendered_fields(shown: Shown) -> dict[str, object]:
    """The fields of a card as it stands in a page."""
    front, back = shown.html_sides
    return card_fields(shown) | {"front_html": front, "back_html": back}


def card_fields(shown: Shown) -> dict[str, object]:
    """The fields of a card as it is shown."""
    front, back = shown.sides
    note = {name: getattr(shown.note, name) for name in ("kind", "markup", "question", "answer", "tags", "source")}
    return shown.card.model_dump() | note | {"front": front, "back": back}
