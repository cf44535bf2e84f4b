"""A handler's effect happens once, whatever is repeated, raced, or interrupted."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from aio_pika import Message
from aio_pika.abc import AbstractChannel
from aio_pika.message import IncomingMessage
from devstack.line import Line
from devstack.waiting import until
from mesh import Consumer, Envelope, Event, Subscriptions
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from .home import Home
from .roles import running
from .wire import message_of

Send = Callable[..., Awaitable[None]]


class NotePinned(Event, type="tests.note.pinned", version=1, aggregate="note"):
    note: str


def message(note: str, event_id: UUID | None = None) -> Message:
    return message_of(NotePinned(note=note, version=1), event_id)


class Board:
    """A service with one handler, which writes an effect and can be held up in it."""

    def __init__(self) -> None:
        self.bus = Subscriptions("board")
        self.begun = 0
        self.most_at_once = 0
        self.at_once = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    def subscribe(self, **options: Any) -> Subscriptions:
        @self.bus.on(NotePinned, **options)
        async def pin(event: NotePinned, session: AsyncSession) -> None:
            self.begun += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                await session.execute(text("INSERT INTO effects (note) VALUES (:note)"), {"note": event.note})
                await self.go_on.wait()
            finally:
                self.at_once -= 1

        return self.bus


@pytest.fixture
def send(broker: AbstractChannel) -> Send:
    async def publish(*messages: Message) -> None:
        for one in messages:
            await broker.default_exchange.publish(one, "board.pin")

    return publish


def hits() -> float:
    return REGISTRY.get_sample_value("mesh_inbox_hits_total", {"consumer": "board.pin"}) or 0.0


async def test_repeated_event_is_applied_once(home: Home, amqp_url: str, send: Send) -> None:
    before = hits()
    async with running(Consumer(Board().subscribe(), amqp_url=amqp_url, database=home)):
        await send(*[message("a", UUID(int=1))] * 10)

        async def nine_were_known() -> bool:
            return hits() - before == 9

        await until(nine_were_known)
    assert await home.effects() == ["a"]


async def test_same_event_at_two_consumers_at_once_is_applied_once(home: Home, amqp_url: str, send: Send) -> None:
    board = Board()
    before = hits()
    board.go_on.clear()
    bus = board.subscribe(prefetch=2)
    pair = [Consumer(bus, amqp_url=amqp_url, database=home) for _ in range(2)]
    async with running(*pair):
        await send(*[message("a", UUID(int=1))] * 4)
        await until(lambda: begun(board, 1))
        board.go_on.set()

        async def others_were_known() -> bool:
            return hits() - before == 3

        await until(others_were_known)
    assert await home.effects() == ["a"]


async def test_effect_of_a_failed_handler_is_rolled_back_with_its_inbox_row(
    home: Home, amqp_url: str, send: Send
) -> None:
    bus = Subscriptions("board")
    tries: list[int] = []

    @bus.on(NotePinned)
    async def pin(event: NotePinned, envelope: Envelope, session: AsyncSession) -> None:
        tries.append(envelope.attempt)
        await session.execute(text("INSERT INTO effects (note) VALUES (:note)"), {"note": event.note})
        if len(tries) < 2:
            raise RuntimeError("not yet")

    async with running(Consumer(bus, amqp_url=amqp_url, database=home)):
        await send(message("a"))
        await until(lambda: effects_are(home, ["a"]))
    assert tries == [1, 2]


async def test_crash_between_commit_and_acknowledgement_changes_nothing(
    home: Home, amqp_line: Line, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hits()
    acknowledge = IncomingMessage.ack

    async def crash(self: IncomingMessage, multiple: bool = False) -> None:
        monkeypatch.setattr(IncomingMessage, "ack", acknowledge)
        amqp_line.cut()
        await acknowledge(self, multiple)

    monkeypatch.setattr(IncomingMessage, "ack", crash)
    async with running(Consumer(Board().subscribe(), amqp_url=amqp_line.url, database=home)):
        await send(message("a"))

        async def came_again() -> bool:
            return hits() == before + 1

        await until(came_again)
    assert await home.effects() == ["a"]


async def test_prefetch_bounds_what_is_handled_at_once(home: Home, amqp_url: str, send: Send) -> None:
    board = Board()
    board.go_on.clear()
    async with running(Consumer(board.subscribe(prefetch=3), amqp_url=amqp_url, database=home)):
        await send(*(message(str(number)) for number in range(9)))
        await until(lambda: begun(board, 3))
        board.go_on.set()
        await until(lambda: effects_are(home, [str(number) for number in range(9)]))
    assert board.most_at_once == 3


async def test_concurrency_bounds_the_transactions_of_the_process(home: Home, amqp_url: str, send: Send) -> None:
    board = Board()
    board.go_on.clear()
    async with running(Consumer(board.subscribe(), amqp_url=amqp_url, database=home, concurrency=2)):
        await send(*(message(str(number)) for number in range(9)))
        await until(lambda: begun(board, 2))
        board.go_on.set()
        await until(lambda: effects_are(home, [str(number) for number in range(9)]))
    assert board.most_at_once == 2


async def test_messages_that_waited_before_the_start_are_all_handled(home: Home, amqp_url: str, send: Send) -> None:
    consumer = Consumer(Board().subscribe(), amqp_url=amqp_url, database=home)
    async with running(consumer):
        pass
    await send(*(message(f"{number:03}") for number in range(200)))
    async with running(consumer):
        await until(lambda: effects_are(home, [f"{number:03}" for number in range(200)]))


async def test_stop_finishes_what_is_in_flight_and_takes_nothing_more(home: Home, amqp_url: str, send: Send) -> None:
    board = Board()
    board.go_on.clear()
    async with running(Consumer(board.subscribe(prefetch=2), amqp_url=amqp_url, database=home)) as stop:
        await send(*(message(str(number)) for number in range(5)))
        await until(lambda: begun(board, 2))
        stop.set()
        asyncio.get_running_loop().call_later(0.2, board.go_on.set)
    assert len(await home.effects()) == board.begun == 2


async def test_what_outlives_the_grace_period_is_rolled_back_and_comes_again(
    home: Home, amqp_url: str, send: Send
) -> None:
    slow, quick = Board(), Board()
    slow.go_on.clear()
    async with running(Consumer(slow.subscribe(), amqp_url=amqp_url, database=home, grace=0.2)):
        await send(message("a"))
        await until(lambda: begun(slow, 1))
    assert await home.effects() == []
    async with running(Consumer(quick.subscribe(), amqp_url=amqp_url, database=home)):
        await until(lambda: effects_are(home, ["a"]))


async def test_handler_without_inbox_needs_no_database(amqp_url: str, send: Send) -> None:
    bus = Subscriptions("board")
    seen: list[str] = []

    @bus.on(NotePinned, inbox=False)
    async def pin(event: NotePinned) -> None:
        seen.append(event.note)

    async with running(Consumer(bus, amqp_url=amqp_url)):
        await send(message("a"))

        async def was_seen() -> bool:
            return seen == ["a"]

        await until(was_seen)


async def begun(board: Board, count: int) -> bool:
    return board.begun >= count


async def effects_are(home: Home, notes: list[str]) -> bool:
    with suppress(OSError):
        return await home.effects() == notes
    return False
