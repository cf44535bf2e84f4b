"""What is told of an answer, event by event: its ids, its text in pieces, its citations, its end.

Numbers count from 1 within an attempt, without a gap, wherever the events come from: the process that writes, another one, or the
row. So a reader who comes back with the last number gets what follows, and nothing twice.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from chassis.errors import TYPE_BASE, Problem

from chat.models import Message, Status
from chat.schemas import MessageOut, message_out

ENDS = frozenset(("done", "error"))
_NUMBER = 2**31


@dataclass(frozen=True, slots=True)
class News:
    """One event of an answer."""

    attempt: int
    number: int
    name: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """How far a reader has come: `<message>.<attempt>.<number>`, the id of the last event that was seen."""

    message_id: UUID
    attempt: int
    number: int

    @classmethod
    def read(cls, written: str | None) -> Self | None:
        """The place; None for what is none: whoever sends it begins anew."""
        try:
            message_id, attempt, number = (written or "").strip().split(".")
            place = cls(UUID(message_id), int(attempt), int(number))
        except ValueError:
            return None
        return place if 0 <= place.number < _NUMBER else None

    def __str__(self) -> str:
        return f"{self.message_id}.{self.attempt}.{self.number}"

    def within(self, message_id: UUID, attempt: int) -> int:
        """The last number seen of this attempt; 0 where the place is in another one: its numbers mean nothing here."""
        return self.number if (self.message_id, self.attempt) == (message_id, attempt) else 0


def begun(message_id: UUID, session_id: UUID, question_id: UUID, attempt: int) -> News:
    """The first event of an attempt."""
    ids = {"id": message_id, "session_id": session_id, "question_id": question_id}
    return News(attempt, 1, "message", {name: str(value) for name, value in ids.items()} | {"attempt": attempt})


def ended(shown: MessageOut, attempt: int, number: int) -> list[News]:
    """The last events of an answer that is whole, from `number` on."""
    whole = shown.model_dump(mode="json")
    return [
        News(attempt, number, "citations", {"citations": whole["citations"]}),
        News(attempt, number + 1, "done", whole),
    ]


def failed(problem: Problem, attempt: int, number: int) -> News:
    """The last event of an answer that failed."""
    return News(attempt, number, "error", problem.document())


def stored(message: Message, gone: Collection[UUID], after: int) -> list[News]:
    """What is told of an answer that has ended, after number `after`, from its row alone."""
    assert message.reply_to is not None
    attempt = message.attempts
    told = [begun(message.id, message.session_id, message.reply_to, attempt)]
    if message.status == Status.FAILED:
        # How much of it was told is nowhere: the error comes next, whatever the reader has.
        told = told[after:]
        return [*told, News(attempt, after + len(told) + 1, "error", _failure(message))]
    for piece in pieces_of(message):
        told.append(News(attempt, len(told) + 1, "token", {"text": piece}))
    told += ended(message_out(message, gone), attempt, len(told) + 1)
    return told[after:]


def pieces_of(message: Message) -> list[str]:
    """The text as it was streamed."""
    if sum(message.pieces) != len(message.content):
        return [message.content] if message.content else []
    pieces, at = [], 0
    for length in message.pieces:
        pieces.append(message.content[at : at + length])
        at += length
    return pieces


def _failure(message: Message) -> dict[str, Any]:
    ids = {"message_id": str(message.id), "question_id": str(message.reply_to)}
    return {
        "type": f"{TYPE_BASE}{message.error_type}",
        "title": "The answer failed",
        "status": 503,
        "detail": message.error_detail,
    } | ids
