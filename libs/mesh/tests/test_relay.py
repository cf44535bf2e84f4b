"""The relay publishes every event at least once, marks only what the broker has, and shares the outbox with others."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aio_pika.abc import AbstractChannel
from devstack.servers import RabbitMQ
from devstack.waiting import until
from mesh import Event, EventTooLarge, Relay, Subscriptions, Topology
from mesh.database import driver_connection
from mesh.leases import Batch, Leases
from mesh.outbox import LARGEST_BODY
from prometheus_client import REGISTRY

from .conftest import Letters
from .home import Home
from .roles import running


class NotePinned(Event, type="tests.note.pinned", version=1, aggregate="note"):
    note: str


class LongNotePinned(Event, type="tests.note.pinned", version=1, aggregate="note"):
    note: str
    text: str


class NoteLost(Event, type="tests.note.lost", version=1, aggregate="note"):
    note: str


def board() -> Subscriptions:
    bus = Subscriptions("board")

    @bus.on(NotePinned)
    async def pin(event: NotePinned) -> None: ...

    return bus


TOPOLOGY = Topology.of(board())


def notes(count: int) -> list[NotePinned]:
    return [NotePinned(note=f"{number:04}", version=1) for number in range(count)]


def counted(metric: str, type_: str) -> float:
    return REGISTRY.get_sample_value(metric, {"service": "tests", "type": type_}) or 0.0


@pytest.fixture
def relay(home: Home, amqp_url: str) -> Relay:
    return Relay("tests", database=home, amqp_url=amqp_url, topology=TOPOLOGY)


@pytest.mark.faults
async def test_the_largest_event_is_carried_and_the_broker_would_carry_more(
    home: Home, relay: Relay, letters: Letters, rabbitmq: RabbitMQ
) -> None:
    envelope = len(LongNotePinned(note="", text="", version=1).model_dump_json())
    largest = LongNotePinned(note="x" * 255, text="x" * (LARGEST_BODY - envelope - 255), version=1)
    await home.say(largest)
    with pytest.raises(EventTooLarge):
        await home.say(largest.model_copy(update={"text": f"{largest.text}x"}))
    async with running(relay):
        await until(lambda: nothing_waits(home))
    (arrived,) = await letters("board.pin")
    assert len(arrived.body) == LARGEST_BODY
    # RabbitMQ 4 takes 16 MiB unless somebody says otherwise, 3.10 takes 128.
    assert (
        min(16 * 1024**2, int(rabbitmq.evaluate("element(2, application:get_env(rabbit, max_message_size))")))
        > LARGEST_BODY
    )


async def test_every_event_is_published_once_and_marked(home: Home, relay: Relay, letters: Letters) -> None:
    await home.say(*notes(1000))
    before = counted("mesh_published_total", "tests.note.pinned.v1")
    async with running(relay):
        await until(lambda: nothing_waits(home))
    arrived = await letters("board.pin")
    assert sorted(str(message.headers["cloudEvents:subject"]) for message in arrived) == [n.note for n in notes(1000)]
    assert counted("mesh_published_total", "tests.note.pinned.v1") - before == 1000


async def test_message_is_a_persistent_cloud_event(home: Home, relay: Relay, letters: Letters) -> None:
    await home.say(*notes(1))
    async with running(relay):
        await until(lambda: nothing_waits(home))
    (message,) = await letters("board.pin")
    assert message.delivery_mode == 2
    assert message.content_type == "application/json"
    assert message.body == b'{"version":1,"note":"0000"}'
    assert message.headers["cloudEvents:type"] == "tests.note.pinned.v1"
    assert message.headers["cloudEvents:source"] == "tests"
    assert message.headers["cloudEvents:id"] == message.message_id
    assert message.headers["cloudEvents:aggregateversion"] == 1


async def test_event_that_nobody_takes_is_counted_and_no_error(home: Home, relay: Relay) -> None:
    before = counted("mesh_unroutable_total", "tests.note.lost.v1")
    await home.say(NoteLost(note="a", version=1))
    async with running(relay):
        await until(lambda: nothing_waits(home))
    assert counted("mesh_unroutable_total", "tests.note.lost.v1") == before + 1


async def test_queue_that_vanished_is_declared_again_and_gets_the_event(
    home: Home, relay: Relay, letters: Letters, broker: AbstractChannel
) -> None:
    async with running(relay):
        await broker.queue_delete("board.pin")
        await home.say(*notes(3))
        await until(lambda: nothing_waits(home))
    assert len(await letters("board.pin")) == 3


async def test_event_that_was_written_without_a_wakeup_is_found_by_polling(home: Home, amqp_url: str) -> None:
    relay = Relay("tests", database=home, amqp_url=amqp_url, topology=TOPOLOGY, poll=timedelta(seconds=0.2))
    async with running(relay):
        await home.execute("""
            INSERT INTO outbox (event_id, source, type, dataschema, subject, aggregate_version, data)
            VALUES (gen_random_uuid(), 'tests', 'tests.note.pinned.v1', 'd', 'a', 1, '{}')
        """)
        await until(lambda: nothing_waits(home))


async def test_two_relays_share_one_outbox_without_repeating(home: Home, amqp_url: str, letters: Letters) -> None:
    pair = [Relay("tests", database=home, amqp_url=amqp_url, topology=TOPOLOGY, batch=20) for _ in range(2)]
    async with running(*pair):
        for note in notes(20):
            await home.say(*[note] * 20)
        await until(lambda: nothing_waits(home))
    assert len(await letters("board.pin")) == 400


async def test_crash_between_publish_and_mark_publishes_again(
    home: Home, amqp_url: str, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = Leases.settle

    async def crash(self: Leases, batch: Batch, positions: list[int]) -> int:
        monkeypatch.setattr(Leases, "settle", settle)
        raise OSError("killed before it could mark what was sent")

    monkeypatch.setattr(Leases, "settle", crash)
    await home.say(*notes(1))
    relay = Relay("tests", database=home, amqp_url=amqp_url, topology=TOPOLOGY, lease=timedelta(seconds=1))
    async with running(relay):
        await until(lambda: nothing_waits(home))
    first, second = await letters("board.pin")
    assert first.message_id == second.message_id


@pytest.fixture
async def two_leases(home: Home) -> AsyncIterator[tuple[Leases, Leases]]:
    async with driver_connection(home) as one, driver_connection(home) as other:
        length = timedelta(milliseconds=50)
        yield Leases(one, batch=10, lease=length), Leases(other, batch=10, lease=length)


async def test_relay_whose_lease_ran_out_cannot_mark_what_another_has_taken(
    home: Home, two_leases: tuple[Leases, Leases]
) -> None:
    frozen, awake = two_leases
    await home.say(*notes(2))
    batch = await frozen.claim()
    assert len(batch.rows) == 2
    assert not (await awake.claim()).rows

    taken: list[Batch] = []

    async def lease_ran_out() -> bool:
        taken.append(await awake.claim())
        return bool(taken[-1].rows)

    await until(lease_ran_out)
    positions = [row["position"] for row in batch.rows]
    assert await frozen.settle(batch, positions) == 0
    assert await home.unsent() == 2
    assert await awake.settle(taken[-1], positions) == 2


async def test_batch_of_large_events_is_small(home: Home) -> None:
    await home.say(*(LongNotePinned(note="a", text="x" * 900_000, version=1) for _ in range(12)))
    async with driver_connection(home) as connection:
        leases = Leases(connection, batch=10, lease=timedelta(hours=1))
        assert [len((await leases.claim()).rows) for _ in range(4)] == [5, 5, 2, 0]


async def test_stop_lets_the_batch_in_flight_be_marked(home: Home, relay: Relay, letters: Letters) -> None:
    await home.say(*notes(300))
    async with running(relay):
        pass
    assert 300 - await home.unsent() == len(await letters("board.pin"))


async def test_stopped_relay_returns_soon(relay: Relay) -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(1):
        await relay.run(stop)


async def nothing_waits(home: Home) -> bool:
    return await home.unsent() == 0
