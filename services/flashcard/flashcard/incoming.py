"""Cards from elsewhere, before they are a student's: what a package or a table holds, in our own terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flashcard.media import with_names
from flashcard.memory import Memory
from flashcard.models import Markup, NoteKind
from flashcard.ratings import Rating

_NAMED, _LONGEST_NAMED = 3, 40


@dataclass(frozen=True, slots=True)
class IncomingReview:
    """A review that happened elsewhere. `number` tells it from others of its card; `revlog` is Anki's row as it was. Those that are `replayable`
    are what happened to the card since it was learnt, whole."""

    number: int
    rating: Rating
    at: datetime
    duration_ms: int
    phase: str
    last_interval: int
    revlog: dict[str, Any]
    replayable: bool = False


@dataclass(frozen=True, slots=True)
class IncomingCard:
    """A card of a note, and what was known of it. `position` orders new cards."""

    ordinal: int
    memory: Memory
    suspended: bool
    position: int
    reviews: Sequence[IncomingReview] = ()

    @property
    def has_past(self) -> bool:
        """Whether anything is known of it, as of no new card."""
        return self.suspended or bool(self.reviews) or self.memory != Memory()


@dataclass(frozen=True, slots=True)
class IncomingNote:
    """A note; `deck` is a name. Without `cards` it makes those that its kind makes, all new. `changed` is when its text was, where the
    file says so: what was changed here since is newer."""

    guid: str
    kind: NoteKind
    question: str
    answer: str
    tags: Sequence[str]
    deck: str
    cards: Sequence[IncomingCard] = ()
    markup: Markup = Markup.MARKDOWN
    changed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """What is to be imported. `media` are names that cards may use, `missing` those that they use and the file does not have;
    `warnings` are sentences for the student. `options` are those of its decks, by their names, that are not Anki's defaults."""

    notes: Sequence[IncomingNote]
    media: Sequence[str] = ()
    warnings: Sequence[str] = ()
    decks: Sequence[str] = field(default=())
    missing: Sequence[str] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def counted(number: int, one: str, many: str) -> str:
    """The number, and what is said of one or of many."""
    return f"{number} {one if number == 1 else many}"


def listed(names: Sequence[str]) -> str:
    """The first of these names, of strangers, in a sentence: not long, and without marks that cannot be seen."""
    shown = [
        "".join(mark if mark.isprintable() else "�" for mark in name[:_LONGEST_NAMED])
        + "…" * (len(name) > _LONGEST_NAMED)
        for name in names[:_NAMED]
    ]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def distinct(incoming: Incoming) -> Incoming:
    """The same with each note once: of those with one guid the first."""
    first: dict[str, IncomingNote] = {}
    for note in incoming.notes:
        first.setdefault(note.guid, note)
    again = len(incoming.notes) - len(first)
    if not again:
        return incoming
    told = f"{counted(again, 'note is', 'notes are')} in the file more than once; {'of each ' * (again > 1)}the first is taken."
    return replace(incoming, notes=list(first.values()), warnings=[*incoming.warnings, told])


def renamed(incoming: Incoming, names: Mapping[str, str]) -> Incoming:
    """The same cards, using media by the names that they were given."""
    other = {old: new for old, new in names.items() if old != new}
    if not other:
        return incoming
    notes = [
        replace(note, question=with_names(note.question, other), answer=with_names(note.answer, other))
        for note in incoming.notes
    ]
    return replace(incoming, notes=notes)
