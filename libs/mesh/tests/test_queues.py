"""What operators see of queues: depth, consumers and dead letters, also while nobody consumes; nothing while nobody can know."""

import asyncio

import pytest
from aio_pika.abc import AbstractChannel
from devstack.line import Line
from devstack.waiting import until
from mesh import Consumer, Event, Permanent, Relay, Subscriptions, Topology, queues
from prometheus_client import REGISTRY

from .home import Home
from .roles import running
from .wire import message_of

QUEUE = "shop.ring_up"
OTHERS = "bakery.bake"


class ItemSold(Event, type="tests.item.sold", version=1, aggregate="item"):
    item: str


def topology() -> tuple[Subscriptions, Topology]:
    shop, bakery = Subscriptions("shop"), Subscriptions("bakery")

    @shop.on(ItemSold, inbox=False)
    async def ring_up(event: ItemSold) -> None:
        if event.item == "bad":
            raise Permanent("there is no such item")

    @bakery.on(ItemSold, inbox=False)
    async def bake(event: ItemSold) -> None: ...

    return shop, Topology.of(shop, bakery)


def seen(consumer: str = QUEUE) -> tuple[float | None, ...]:
    names = ("mesh_queue_depth", "mesh_queue_consumers", "mesh_dead_letter_depth")
    return tuple(REGISTRY.get_sample_value(name, {"consumer": consumer}) for name in names)


async def until_seen(*expected: float | None) -> None:
    async def is_seen() -> bool:
        return seen() == expected

    await until(is_seen)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "MEASURE_SECONDS", 0.1)


async def send(broker: AbstractChannel, *items: str) -> None:
    for item in items:
        await broker.default_exchange.publish(message_of(ItemSold(item=item, version=1)), QUEUE)


async def test_depth_consumers_and_dead_letters_are_reported_by_every_relay_alike(
    home: Home, amqp_url: str, broker: AbstractChannel
) -> None:
    shop, known = topology()
    pair = [Relay("shop", database=home, amqp_url=amqp_url, topology=known) for _ in range(2)]
    async with running(*pair):
        await send(broker, "bread", "bad", "cake")
        await until_seen(3, 0, 0)
        async with running(Consumer(shop, amqp_url=amqp_url)):
            await until_seen(0, 1, 1)
        await until_seen(0, 0, 1)
    assert seen() == (None, None, None), "a relay that has ended knows nothing"


async def test_a_service_speaks_of_its_own_queues_alone(home: Home, amqp_url: str) -> None:
    _, known = topology()
    async with running(Relay("shop", database=home, amqp_url=amqp_url, topology=known)):
        await until_seen(0, 0, 0)
        assert seen(OTHERS) == (None, None, None)


async def test_a_queue_that_is_gone_has_no_consumers(home: Home, amqp_url: str, broker: AbstractChannel) -> None:
    _, known = topology()
    async with running(Relay("shop", database=home, amqp_url=amqp_url, topology=known)):
        await send(broker, "bread")
        await until_seen(1, 0, 0)
        await broker.queue_delete(QUEUE)
        await until_seen(0, 0, 0)


async def test_numbers_are_withdrawn_while_the_broker_is_away_and_come_back(home: Home, amqp_line: Line) -> None:
    _, known = topology()
    async with running(Relay("shop", database=home, amqp_url=amqp_line.url, topology=known)):
        await until_seen(0, 0, 0)
        await amqp_line.down()
        await until_seen(None, None, None)
        await amqp_line.up()
        await until_seen(0, 0, 0)


async def test_a_broker_that_falls_silent_ends_the_numbers(
    monkeypatch: pytest.MonkeyPatch, home: Home, amqp_url: str
) -> None:
    _, known = topology()
    stop = asyncio.Event()
    monkeypatch.setattr(queues, "CONNECT_SECONDS", 0)
    with pytest.raises(TimeoutError):
        await queues.keep_measuring_queues("shop", known, amqp_url, stop)
    assert seen() == (None, None, None)
