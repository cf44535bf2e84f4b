"""A small service that refuses what it is sent until it is mended, and the command line beside it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aio_pika import Message
from aio_pika.abc import AbstractChannel
from devstack.waiting import until
from mesh import Consumer, Event, Permanent, Subscriptions, Topology
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from .home import Home
from .roles import running
from .wire import message_of

QUEUE, DEAD = "desk.file_card", "desk.file_card.dead"


class CardMade(Event, type="tests.card.made", version=1, aggregate="card"):
    card: str


class CardBurnt(Event, type="tests.card.burnt", version=1, aggregate="card"):
    card: str


@dataclass(frozen=True)
class Said:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


MeshCommand = Callable[..., Awaitable[Said]]


class Desk:
    """Files cards once it is mended, and never those whose name begins with `bad`."""

    def __init__(self, home: Home, amqp_url: str, broker: AbstractChannel) -> None:
        self.is_mended = False
        self.bus = Subscriptions("desk")
        self._home = home
        self._broker = broker

        @self.bus.on(CardMade, CardBurnt)
        async def file_card(event: CardMade | CardBurnt, session: AsyncSession) -> None:
            if not self.is_mended or event.card.startswith("bad"):
                raise Permanent(f"{event.card} does not fit")
            await session.execute(text("INSERT INTO effects (note) VALUES (:note)"), {"note": event.card})

        self.consumer = Consumer(self.bus, amqp_url=amqp_url, database=home)
        self.topology = Topology.of(self.bus)

    async def waiting(self, queue: str) -> int:
        found = await self._broker.declare_queue(queue, passive=True)
        return found.declaration_result.message_count or 0

    async def send(self, *messages: Message) -> None:
        await asyncio.gather(*(self._broker.default_exchange.publish(message, QUEUE) for message in messages))

    async def reject(self, queue: str) -> None:
        """What lies in a queue is refused in a way that leaves the rest to the broker."""
        source = await self._broker.get_queue(queue)
        while (message := await source.get(fail=False)) is not None:
            await message.reject(requeue=False)

    async def bury(self, *messages: Message) -> None:
        """Send them, and return when all of them are dead."""
        async with running(self.consumer):
            before = await self.waiting(DEAD)
            await self.send(*messages)

            async def arrived() -> bool:
                return await self.waiting(DEAD) == before + len(messages)

            await until(arrived)

    async def mended(self) -> list[str]:
        """The effects, once it has been mended and all that waited was taken."""
        self.is_mended = True

        async def done() -> bool:
            return await self.waiting(QUEUE) == 0

        async with running(self.consumer):
            await until(done)  # what is in flight then is finished before the consumer stops
        return await self._home.effects()


def card(name: str, event_id: UUID | None = None) -> Message:
    """A message that the desk takes."""
    return message_of(CardMade(card=name, version=1), event_id)
