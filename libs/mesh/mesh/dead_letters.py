"""What was given up: looked at without being taken, and brought back, changed or dropped on an operator's word."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import ChannelNotFoundEntity

from mesh import letters
from mesh.broker import confirming
from mesh.envelope import PREFIX
from mesh.errors import MeshError
from mesh.publishing import Outcome, Outgoing, publish
from mesh.topology import dead


class NoDeadLetters(MeshError):
    """There is no queue of dead letters for this consumer: no such consumer ever ran on this broker."""


class NotTaken(MeshError):
    """The broker did not take a message, so the dead letter stays as it was."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in the dead letters of a consumer, with what is known of its end."""

    consumer: str
    message: AbstractIncomingMessage

    @property
    def id(self) -> str:
        """The event's id; of a message that has none, one that its content gives it."""
        known = self._text(f"{PREFIX}id") or self.message.message_id
        return known or sha256(self.message.body + repr(sorted(self._headers)).encode()).hexdigest()[:16]

    @property
    def type(self) -> str:
        """Name and version of the event; empty where the message does not say."""
        return self._text(f"{PREFIX}type")

    @property
    def reason(self) -> str:
        """`unreadable`, `permanent`, `exhausted`, or what the broker called it: `delivery_limit`, `rejected`."""
        return self._text(letters.REASON) or str(self._death.get("reason", "unknown"))

    @property
    def error(self) -> str:
        return self._text(letters.ERROR)

    @property
    def stack(self) -> str:
        return self._text(letters.STACK)

    @property
    def attempts(self) -> int:
        return letters.attempt_of(self.message)

    @property
    def first_failed_at(self) -> datetime | None:
        return self._moment(letters.FIRST_FAILED)

    @property
    def last_failed_at(self) -> datetime | None:
        return self._moment(letters.LAST_FAILED)

    @property
    def body(self) -> bytes:
        return self.message.body

    def summary(self) -> dict[str, Any]:
        """One line of a list, as plain data."""
        return {
            "id": self.id,
            "consumer": self.consumer,
            "type": self.type,
            "reason": self.reason,
            "attempts": self.attempts,
            "first_failed_at": _written(self.first_failed_at),
            "last_failed_at": _written(self.last_failed_at),
            "error": self.error,
        }

    def whole(self) -> dict[str, Any]:
        """All of it, as plain data."""
        headers = {name: value for name, value in self._headers.items() if name not in (letters.STACK, letters.ERROR)}
        said: dict[str, Any] = {"stack": self.stack, "headers": json.loads(json.dumps(headers, default=str))}
        try:
            return self.summary() | said | {"body": json.loads(self.body)}
        except ValueError:
            return self.summary() | said | {"body": None, "unparsed": self.body.decode(errors="backslashreplace")}

    @property
    def _headers(self) -> dict[str, Any]:
        return dict(self.message.headers)

    @property
    def _death(self) -> dict[str, Any]:
        deaths = self._headers.get("x-death")
        return deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else {}

    def _text(self, name: str) -> str:
        value = self._headers.get(name)
        return value if isinstance(value, str) else ""

    def _moment(self, name: str) -> datetime | None:
        moment = self._death.get("time")  # where we did not bury it, the broker's own note is all there is
        with suppress(ValueError):
            moment = datetime.fromisoformat(self._text(name))
        if not isinstance(moment, datetime):
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class DeadLetters:
    """One consumer's dead letters. What is read stays in the queue, unless a letter is replayed, rewritten or discarded.

    A letter leaves the queue last: a process that is killed in between leaves it where it is, beside what it was made
    into, and the inbox tells the two for one event.
    """

    def __init__(self, consumer: str, queue: AbstractQueue, publishing: AbstractChannel, waiting: int) -> None:
        self.consumer = consumer
        self.waiting = waiting
        self._queue = queue
        self._publishing = publishing

    async def __aiter__(self) -> AsyncIterator[DeadLetter]:
        """Those that lie there now, each once."""
        for _ in range(self.waiting):
            message = await self._queue.get(fail=False, timeout=30)
            if message is None:
                return
            yield DeadLetter(self.consumer, message)

    async def replay(self, letter: DeadLetter) -> None:
        """Back to its consumer, and nobody else. Raises `NotTaken`."""
        await self._send(letters.replayed(letter.message, self.consumer))
        await letter.message.ack()

    async def rewrite(self, letter: DeadLetter, body: bytes, headers: dict[str, Any]) -> None:
        """The same dead letter with another body and these headers changed. Raises `NotTaken`."""
        await self._send(letters.rewritten(letter.message, self.consumer, body, headers))
        await letter.message.ack()

    async def discard(self, letter: DeadLetter) -> None:
        """Gone for ever."""
        await letter.message.ack()

    async def _send(self, onward: Outgoing) -> None:
        (outcome,) = await publish(self._publishing, "", [onward])
        if outcome is Outcome.RETURNED:
            raise NotTaken(f"There is no queue {onward.routing_key}. Start its consumer once, which declares it.")
        if outcome is not Outcome.CONFIRMED:
            raise NotTaken(f"The broker did not confirm a message for {onward.routing_key}. Run the command again.")


@asynccontextmanager
async def dead_letters(connection: AbstractConnection, consumer: str) -> AsyncIterator[DeadLetters]:
    """The consumer's dead letters, held by nobody else meanwhile. Raises `NoDeadLetters`."""
    reading = await connection.channel()
    publishing = await confirming(connection)
    try:
        queue = await reading.declare_queue(dead(consumer), passive=True)
    except ChannelNotFoundEntity:
        raise NoDeadLetters(f"{consumer} is no consumer on this broker: there is no queue {dead(consumer)}.") from None
    try:
        yield DeadLetters(consumer, queue, publishing, queue.declaration_result.message_count or 0)
    finally:
        await reading.close()  # whatever was read and not settled goes back
        await publishing.close()


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
