"""What notifications say: facts of the mesh in words for a student. Text is plain; titles come from students' files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from contracts.chat import MessageAnswered
from contracts.flashcard import DueDeck
from contracts.ingestion import DocumentFailed, DocumentProcessed

from notifier.kinds import NotificationKind
from notifier.names import looks_like_a_name, shortened

_LONGEST_TITLE, _LONGEST_DECK = 120, 40


@dataclass(frozen=True, slots=True)
class News:
    """A notification that is yet to be kept. `data` are the ids that a frontend opens."""

    kind: NotificationKind
    title: str
    body: str
    data: dict[str, Any]

    @property
    def only_for_who_left(self) -> bool:
        """Whether it is no news to a student with an open tab, who sees it happen."""
        return self.kind is NotificationKind.ANSWER_READY

    @property
    def heeds_quiet_hours(self) -> bool:
        """Whether it is never mailed in the student's quiet hours."""
        return self.kind is NotificationKind.REVIEW_REMINDER


def of_event(event: DocumentProcessed | DocumentFailed | MessageAnswered) -> News | None:
    """What an event is to its student; None where the student saw it happen."""
    match event:
        case DocumentProcessed():
            return document_ready(event)
        case DocumentFailed():
            return document_failed(event)
        case MessageAnswered():
            return None if event.followed else answer_ready(event)


def document_ready(event: DocumentProcessed) -> News:
    """A document can be studied."""
    return News(
        NotificationKind.DOCUMENT_READY,
        f"{_quoted(event.title)} is ready",
        "All of it was read. Ask about it, or be quizzed on it.",
        {"document_id": str(event.document_id)},
    )


def document_failed(event: DocumentFailed) -> News:
    """A document could not be read, with what to do about it."""
    return News(
        NotificationKind.DOCUMENT_FAILED,
        f"{_quoted(event.title)} could not be read",
        event.detail,
        {"document_id": str(event.document_id), "code": event.code},
    )


def answer_ready(event: MessageAnswered) -> News:
    """An answer was finished while nobody was looking."""
    return News(
        NotificationKind.ANSWER_READY,
        "Your answer is ready",
        "It was finished while you were away.",
        {"session_id": str(event.session_id), "message_id": str(event.message_id)},
    )


def reviews_due(
    day: date,
    reviews: int,
    new: int,
    decks: Sequence[DueDeck] = (),
    more_decks: int = 0,
    *,
    since: datetime | None = None,
) -> News:
    """Cards are waiting. The counts are those of the moment when it was told: some may be done by now; and `since` that moment, where
    it was in the course of the day, they are of the first that came, which says nothing of all."""
    parts = [_counted(reviews, "review"), _counted(new, "new card")]
    named = [deck for deck in decks if looks_like_a_name(deck.name)]
    others = more_decks + len(decks) - len(named)
    listed = [f"{shortened(deck.name, _LONGEST_DECK)} {deck.cards}" for deck in named]
    if named and others:
        listed.append(f"{_counted(others, 'other deck')} {reviews + new - sum(deck.cards for deck in named)}")
    due = "is" if reviews + new == 1 else "are"
    counts = (
        f"{' and '.join(part for part in parts if part)} {due} due today{': ' if listed else ''}{', '.join(listed)}."
    )
    return News(
        NotificationKind.REVIEW_REMINDER,
        "Cards are waiting for you",
        f"{counts} Some are still to be done."
        if since is None
        else "Cards came in the course of the day, and some are still to be done.",
        {
            "day": day.isoformat(),
            "reviews": reviews,
            "new": new,
            "decks": [deck.model_dump() for deck in decks],
            "more_decks": more_decks,
        },
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else ""


def _quoted(title: str) -> str:
    return f"“{shortened(title, _LONGEST_TITLE)}”"
