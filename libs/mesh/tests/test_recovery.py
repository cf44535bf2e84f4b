"""Broker or database away, a line cut, a queue deleted: all of it recovers by itself, and later news arrives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from chassis.database import Database as ServiceDatabase
from devstack.line import Line
from devstack.waiting import until
from faststream.rabbit import RabbitBroker
from mesh import Consumer, Database, Envelope, Event, Relay, Subscriptions, Topology, backlog
from mesh.broker import underlay
from mesh.serving import Serving
from prometheus_client import REGISTRY
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncSession

from .home import Home
from .roles import Role, running
from .wire import message_of

SayAt = Callable[..., Awaitable[None]]


class NotePinned(Event, type="tests.note.pinned", version=1, aggregate="note"):
    note: str


class Board:
    """A service that writes down each note, and on which try it got it."""

    def __init__(self) -> None:
        self.bus = Subscriptions("board")
        self.tries: list[int] = []

        @self.bus.on(NotePinned)
        async def pin(event: NotePinned, envelope: Envelope, session: AsyncSession) -> None:
            self.tries.append(envelope.attempt)
            await session.execute(text("INSERT INTO effects (note) VALUES (:note)"), {"note": event.note})

    @property
    def topology(self) -> Topology:
        return Topology.of(self.bus)


def note(number: int) -> NotePinned:
    return NotePinned(note=f"{number:04}", version=1)


def applied(home: Home, count: int) -> Callable[[], Awaitable[bool]]:
    async def are_applied() -> bool:
        return len(set(await home.effects())) >= count

    return are_applied


def outbox(measure: str) -> float:
    return REGISTRY.get_sample_value(f"mesh_outbox_{measure}", {"service": "tests"}) or 0.0


async def keep_saying(home: Home, count: int) -> None:
    for number in range(count):
        await home.say(note(number))
        await asyncio.sleep(0.005)


async def assert_each_once(home: Home, count: int) -> None:
    assert await home.effects() == [f"{number:04}" for number in range(count)]


@pytest.mark.timeout(120)
async def test_broker_whose_connections_are_cut_again_and_again_loses_and_repeats_nothing(
    home: Home, amqp_line: Line
) -> None:
    board = Board()
    relay = Relay("tests", database=home, amqp_url=amqp_line.url, topology=board.topology)
    consumer = Consumer(board.bus, amqp_url=amqp_line.url, database=home)
    async with running(relay, consumer):
        saying = asyncio.create_task(keep_saying(home, 300))
        for reached in (20, 80, 160):
            await until(applied(home, reached), seconds=60)
            amqp_line.cut()
        await saying
        await until(applied(home, 300), seconds=60)
    await assert_each_once(home, 300)


@pytest.mark.timeout(120)
async def test_broker_that_is_away_for_a_while_is_waited_for(
    home: Home, amqp_line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesh.backlog.MEASURE_SECONDS", 0.2)
    board = Board()
    relay = Relay("tests", database=home, amqp_url=amqp_line.url, topology=board.topology)
    consumer = Consumer(board.bus, amqp_url=amqp_line.url, database=home)
    async with running(relay, consumer):
        await home.say(note(0))
        await until(applied(home, 1))
        await amqp_line.down()

        async def unready() -> bool:
            with_errors = await asyncio.gather(relay.check(), consumer.check(), return_exceptions=True)
            return all(isinstance(error, ConnectionError) for error in with_errors)

        await until(unready)
        await home.say(*(note(number) for number in range(1, 50)))

        async def operators_see_what_waits() -> bool:
            return outbox("depth") == 49 and outbox("age_seconds") > 1

        await until(operators_see_what_waits)
        await amqp_line.up()
        await until(applied(home, 50))
    await assert_each_once(home, 50)


def seen_of_the_outbox() -> tuple[float | None, ...]:
    return tuple(
        REGISTRY.get_sample_value(f"mesh_outbox_{measure}", {"service": "tests"})
        for measure in ("depth", "age_seconds")
    )


async def test_the_outbox_is_not_reported_from_memory_while_its_database_is_away(
    monkeypatch: pytest.MonkeyPatch, far_home: Home, amqp_url: str, database_line: Line
) -> None:
    monkeypatch.setattr(backlog, "MEASURE_SECONDS", 0.1)

    def reported(*expected: float | None) -> Callable[[], Awaitable[bool]]:
        async def is_reported() -> bool:
            return seen_of_the_outbox() == expected

        return is_reported

    async with running(Relay("tests", database=far_home, amqp_url=amqp_url, topology=Topology({}))):
        await until(reported(0, 0))
        await database_line.down()
        await until(reported(None, None))
        await database_line.up()
        await until(reported(0, 0))
    assert seen_of_the_outbox() == (None, None), "a relay that has ended knows nothing"


async def test_nor_while_its_database_is_silent(
    monkeypatch: pytest.MonkeyPatch, far_home: Home, database_line: Line
) -> None:
    monkeypatch.setattr(backlog, "MEASURE_SECONDS", 0.1)
    monkeypatch.setattr(backlog, "ANSWER_SECONDS", 1.0)
    measuring = asyncio.create_task(backlog.keep_measuring(far_home, "tests", asyncio.Event()))

    async def is_reported() -> bool:
        return seen_of_the_outbox() == (0, 0)

    await until(is_reported)
    database_line.forget()
    await asyncio.wait({measuring}, timeout=20)
    with pytest.raises(TimeoutError):
        measuring.result()
    assert seen_of_the_outbox() == (None, None)


async def test_consumer_and_relay_may_start_before_their_servers(home: Home, amqp_line: Line) -> None:
    board = Board()
    await amqp_line.down()
    roles: list[Role] = [
        Relay("tests", database=home, amqp_url=amqp_line.url, topology=board.topology),
        Consumer(board.bus, amqp_url=amqp_line.url, database=home),
    ]
    stop = asyncio.Event()
    running = [asyncio.create_task(role.run(stop)) for role in roles]
    await home.say(note(0))
    await asyncio.sleep(0.5)
    await amqp_line.up()
    await until(applied(home, 1))
    stop.set()
    await asyncio.gather(*running)


@pytest.fixture(params=["as the driver says it", "in a service's own words"])
async def far_database(request: pytest.FixtureRequest, far_home: Home) -> AsyncIterator[Database]:
    """The database over a line that can be cut, by a class that lets errors through and by that of services."""
    services = ServiceDatabase(far_home.url, schema="public")
    yield far_home if request.param == "as the driver says it" else services
    await services.close()


@pytest.mark.timeout(120)
async def test_database_that_is_away_counts_no_attempt_and_buries_nothing(
    home: Home, far_database: Database, database_line: Line, amqp_url: str, broker: AbstractChannel
) -> None:
    board = Board()
    consumer = Consumer(board.bus, amqp_url=amqp_url, database=far_database)
    relay = Relay("tests", database=home, amqp_url=amqp_url, topology=board.topology)
    async with running(relay, consumer):
        await home.say(note(0))
        await until(applied(home, 1))
        await database_line.down()
        await home.say(*(note(number) for number in range(1, 30)))
        await asyncio.sleep(3)
        await database_line.up()
        await until(applied(home, 30))
    await assert_each_once(home, 30)
    assert set(board.tries) == {1}
    dead = await broker.declare_queue("board.pin.dead", passive=True)
    assert dead.declaration_result.message_count == 0


@pytest.mark.timeout(120)
async def test_relay_outlives_a_database_that_is_away_and_is_woken_again(
    home: Home, far_home: Home, database_line: Line, amqp_url: str
) -> None:
    board = Board()
    relay = Relay("tests", database=far_home, amqp_url=amqp_url, topology=board.topology)
    async with running(relay, Consumer(board.bus, amqp_url=amqp_url, database=home)):
        await database_line.down()
        await home.say(note(0))
        await asyncio.sleep(1)
        await database_line.up()
        await until(applied(home, 1))
        database_line.cut()
        await home.say(note(1))
        await until(applied(home, 2))
        await home.say(note(2))
        await until(applied(home, 3), seconds=1.5)


async def test_terminated_database_sessions_are_replaced(home: Home, amqp_url: str) -> None:
    board = Board()
    relay = Relay("tests", database=home, amqp_url=amqp_url, topology=board.topology)
    async with running(relay, Consumer(board.bus, amqp_url=amqp_url, database=home)):
        for number in range(0, 90, 30):
            await home.say(*(note(each) for each in range(number, number + 30)))
            await terminate_others(home)
        await until(applied(home, 90))
    await assert_each_once(home, 90)


async def test_queue_that_was_deleted_is_declared_and_consumed_again(
    home: Home, amqp_url: str, broker: AbstractChannel
) -> None:
    board = Board()
    relay = Relay("tests", database=home, amqp_url=amqp_url, topology=board.topology)
    async with running(relay, Consumer(board.bus, amqp_url=amqp_url, database=home)):
        await home.say(note(0))
        await until(applied(home, 1))
        await broker.queue_delete("board.pin")
        await home.say(note(1))
        await until(applied(home, 2))


async def test_connection_that_breaks_while_a_consumer_begins_is_not_waited_for(
    home: Home, amqp_line: Line, servings: list[Serving], say_at: SayAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Board()
    begin, began = RabbitBroker.start, []

    async def begin_on_a_cut_line(broker: RabbitBroker) -> None:
        began.append(broker)
        if len(began) == 1:
            amqp_line.cut()
            await servings[0].lost.wait()
        await begin(broker)

    monkeypatch.setattr(RabbitBroker, "start", begin_on_a_cut_line)
    async with running(Consumer(board.bus, amqp_url=amqp_line.url, database=home)):
        await say_at("board.pin", note(0))
        await until(applied(home, 1))
    assert len(servings) == 2


async def test_consumer_that_is_stopped_while_it_connects_leaves_no_connection(
    home: Home, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, before = asyncio.Event(), asyncio.all_tasks()

    async def connect_and_stop(**parameters: Any) -> AbstractConnection:
        connection: AbstractConnection = await aio_pika.connect_robust(**parameters)
        stop.set()
        return connection

    async def none_is_left() -> bool:
        return asyncio.all_tasks() <= before  # each connection has tasks that read and write

    monkeypatch.setattr("faststream.rabbit.broker.broker.connect_robust", connect_and_stop)
    await Consumer(Board().bus, amqp_url=amqp_url, database=home).run(stop)
    await until(none_is_left)


async def test_consumer_that_the_broker_forgot_is_noticed_and_replaced(
    home: Home, amqp_url: str, servings: list[Serving], say_at: SayAt
) -> None:
    board = Board()
    async with running(Consumer(board.bus, amqp_url=amqp_url, database=home)):
        await forget_consumers(servings[0])
        await say_at("board.pin", note(0))
        await until(applied(home, 1))


async def test_consumer_that_the_broker_forgot_is_noticed_although_another_process_holds_the_queue(
    home: Home, amqp_url: str, servings: list[Serving], say_at: SayAt, broker: AbstractChannel
) -> None:
    board = Board()
    async with running(Consumer(board.bus, amqp_url=amqp_url, database=home)):
        await forget_consumers(servings[0], pretend=True)
        await broker.set_qos(prefetch_count=1)
        busy = await broker.get_queue("board.pin")
        await busy.consume(never_done)
        await say_at("board.pin", note(0), note(1))
        await until(applied(home, 1))


async def never_done(message: AbstractIncomingMessage) -> None:
    """Keep it and say nothing."""


@pytest.fixture
def say_at(broker: AbstractChannel) -> SayAt:
    """Put events straight into a queue."""

    async def publish(queue: str, *events: NotePinned) -> None:
        for event in events:
            await broker.default_exchange.publish(message_of(event), queue)

    return publish


@pytest.fixture
def servings(monkeypatch: pytest.MonkeyPatch) -> list[Serving]:
    """Every connection's life of the consumers in this test, which are watched often."""
    made: list[Serving] = []

    def make(*args: Any, **options: Any) -> Serving:
        made.append(Serving(*args, **options))
        return made[-1]

    monkeypatch.setattr("mesh.consumer.Serving", make)
    monkeypatch.setattr("mesh.serving.WATCH_SECONDS", 0.2)
    return made


async def forget_consumers(serving: Serving, *, pretend: bool = False) -> None:
    """Take our consumers from the broker, without a word to those who would mend it."""
    for lane in serving._lanes:
        channel = await underlay(await serving._channel(lane))
        for tag, consumer in list(channel.consumers.items()):
            await channel.basic_cancel(tag)
            if pretend:
                channel.consumers[tag] = consumer


async def terminate_others(home: Home) -> None:
    database = make_url(home.url).database
    await home.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    )
