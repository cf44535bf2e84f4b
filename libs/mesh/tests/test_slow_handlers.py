"""A handler that is slow holds no more than its prefetch, and takes nothing from the others."""

import asyncio

import httpx
from aio_pika import Message
from aio_pika.abc import AbstractChannel
from chassis.database import Database as ServiceDatabase
from chassis.database import SessionDep
from devstack.waiting import until
from fastapi import FastAPI
from mesh import Consumer, Event, Limits, Subscriptions
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from .home import Home
from .roles import running
from .wire import message_of


class LetterCame(Event, type="tests.letter.came", version=1, aggregate="letter"):
    letter: str


class Office:
    """Two handlers of one event with a transaction each: one that is held up in it, and one that is not."""

    def __init__(self, broker: AbstractChannel) -> None:
        self._broker = broker
        self.bus = Subscriptions("office")
        self.begun = 0
        self.go_on = asyncio.Event()

        @self.bus.on(LetterCame, prefetch=10, concurrency=4)
        async def answer(event: LetterCame, session: AsyncSession) -> None:
            await session.execute(
                text("INSERT INTO effects (note) VALUES (:note)"), {"note": f"answered {event.letter}"}
            )
            self.begun += 1
            await self.go_on.wait()

        @self.bus.on(LetterCame)
        async def file(event: LetterCame, session: AsyncSession) -> None:
            await session.execute(text("INSERT INTO effects (note) VALUES (:note)"), {"note": f"filed {event.letter}"})

    async def send(self, queue: str, count: int) -> None:
        messages: list[Message] = [message_of(LetterCame(letter=f"{number:03}", version=1)) for number in range(count)]
        await asyncio.gather(*(self._broker.default_exchange.publish(message, queue) for message in messages))

    async def waiting(self, queue: str) -> int:
        return (await self._broker.declare_queue(queue, passive=True)).declaration_result.message_count or 0


class Hanging:
    """Two handlers that hang in their transactions, and together want more of them than a pool of five has."""

    def __init__(self) -> None:
        self.bus = Subscriptions("hanging")
        self.begun = 0
        self.go_on = asyncio.Event()

        @self.bus.on(LetterCame)
        async def answer(event: LetterCame, session: AsyncSession) -> None:
            await self._hang(session)

        @self.bus.on(LetterCame)
        async def ponder(event: LetterCame, session: AsyncSession) -> None:
            await self._hang(session)

    async def _hang(self, session: AsyncSession) -> None:
        await session.execute(text("INSERT INTO effects (note) VALUES ('hung')"))
        self.begun += 1
        await self.go_on.wait()


def in_hand(consumer: str) -> float:
    return REGISTRY.get_sample_value("mesh_messages_in_hand", {"consumer": consumer}) or 0.0


async def filed(home: Home) -> int:
    return sum(note.startswith("filed") for note in await home.effects())


async def test_memory_of_a_slow_handler_is_bounded_and_the_others_go_on(
    home: Home, amqp_url: str, broker: AbstractChannel
) -> None:
    office = Office(broker)
    async with running(Consumer(office.bus, amqp_url=amqp_url, database=home, concurrency=8)):
        await office.send("office.answer", 200)

        async def is_full() -> bool:
            return office.begun == 4 and in_hand("office.answer") == 10

        await until(is_full)
        await office.send("office.file", 200)

        async def all_filed() -> bool:
            return await filed(home) == 200

        await until(all_filed)
        assert (office.begun, in_hand("office.answer")) == (4, 10)
        assert await office.waiting("office.answer") == 190, "what the process did not take waits in the broker"
        office.go_on.set()

        async def all_answered() -> bool:
            return len(await home.effects()) == 400

        await until(all_answered)
    assert in_hand("office.answer") == 0


async def test_hanging_handlers_leave_half_of_the_connections_to_the_api_of_their_process(
    database_url: str, home: Home, amqp_url: str, broker: AbstractChannel
) -> None:
    database = ServiceDatabase(database_url, schema="public", pool_size=5, pool_timeout=2)
    hanging = Hanging()
    api, everybody = FastAPI(), asyncio.Barrier(5)
    api.state.database = database

    @api.get("/effects")
    async def effects(session: SessionDep) -> int:
        count: int = (await session.execute(text("SELECT count(*) FROM effects"))).scalar_one()
        await everybody.wait()
        return count

    async with (
        running(Consumer(hanging.bus, amqp_url=amqp_url, database=database)),
        httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://office") as client,
    ):
        for queue in ("hanging.answer", "hanging.ponder"):
            messages = [message_of(LetterCame(letter=f"{number:03}", version=1)) for number in range(20)]
            await asyncio.gather(*(broker.default_exchange.publish(message, queue) for message in messages))

        async def hang() -> bool:
            return hanging.begun >= 5

        await until(hang)
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*(client.get("/effects") for _ in range(5)))
        assert [(answer.status_code, answer.json()) for answer in answers] == [(200, 0)] * 5
        assert hanging.begun == 5
        hanging.go_on.set()

        async def all_handled() -> bool:
            return len(await home.effects()) == 40

        await until(all_handled)
    await database.close()


async def test_an_operators_limits_hold_without_a_change_of_code(
    home: Home, amqp_url: str, broker: AbstractChannel
) -> None:
    office = Office(broker)
    limits = Limits.parse("answer=3/2").expect(office.bus)
    async with running(Consumer(office.bus, amqp_url=amqp_url, database=home, limits=limits)):
        await office.send("office.answer", 20)

        async def is_full() -> bool:
            return office.begun == 2 and in_hand("office.answer") == 3 and await office.waiting("office.answer") == 17

        await until(is_full)
        office.go_on.set()

        async def all_answered() -> bool:
            return len(await home.effects()) == 20

        await until(all_answered)
