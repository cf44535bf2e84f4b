"""News that may be lost: quick when it can be, dropped and counted when it cannot, in nobody's way."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from aio_pika import DeliveryMode, ExchangeType
from aio_pika.abc import AbstractChannel
from devstack.line import Line
from devstack.waiting import until
from mesh import Consumer, EphemeralEvent, EphemeralPublisher, Subscriptions
from mesh.topology import EXCHANGE
from prometheus_client import REGISTRY

from .roles import running


class DocumentProgressed(EphemeralEvent, type="tests.document.progressed", version=1, aggregate="document"):
    document: str
    percent: int


def news(percent: int) -> DocumentProgressed:
    return DocumentProgressed(document="d", percent=percent)


def drops() -> float:
    return REGISTRY.get_sample_value("mesh_ephemeral_drops_total", {"service": "tests"}) or 0.0


class Hub:
    def __init__(self, amqp_url: str) -> None:
        self.seen: list[int] = []
        bus = Subscriptions("hub")

        @bus.broadcast(DocumentProgressed)
        async def push(event: DocumentProgressed) -> None:
            self.seen.append(event.percent)

        self.consumer = Consumer(bus, amqp_url=amqp_url)

    async def saw_the_end(self) -> bool:
        return 100 in self.seen


async def test_news_arrives_in_order_in_every_process(amqp_url: str) -> None:
    one, other = Hub(amqp_url), Hub(amqp_url)
    async with running(one.consumer, other.consumer), EphemeralPublisher("tests", amqp_url) as publisher:
        await until(publisher_connected(publisher))
        for percent in range(101):
            await publisher.publish(news(percent))
        await until(one.saw_the_end)
        await until(other.saw_the_end)
    assert one.seen == other.seen == list(range(101))


async def test_news_is_not_kept_by_the_broker(amqp_url: str, broker: AbstractChannel) -> None:
    exchange = await broker.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)
    queue = await broker.declare_queue(exclusive=True)
    await queue.bind(exchange, DocumentProgressed.routing_key)
    async with EphemeralPublisher("tests", amqp_url) as publisher:
        await until(publisher_connected(publisher))
        await publisher.publish(news(1))
    message = await queue.get(timeout=5)
    assert message.delivery_mode == DeliveryMode.NOT_PERSISTENT
    assert message.headers["cloudEvents:type"] == DocumentProgressed.routing_key


async def test_news_is_dropped_at_once_while_the_broker_is_away_and_flows_again_later(amqp_line: Line) -> None:
    hub = Hub(amqp_line.url)
    async with running(hub.consumer), EphemeralPublisher("tests", amqp_line.url) as publisher:
        await until(publisher_connected(publisher))
        await amqp_line.down()
        before, began = drops(), time.monotonic()

        async def is_dropped() -> bool:
            await publisher.publish(news(1))
            return drops() > before

        await until(is_dropped)
        assert time.monotonic() - began < 5
        await amqp_line.up()

        async def arrives() -> bool:
            await publisher.publish(news(100))
            return await hub.saw_the_end()

        await until(arrives)


async def test_news_is_dropped_rather_than_kept_when_the_broker_is_too_slow(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesh.ephemeral.WAITING", 10)
    async with EphemeralPublisher("tests", amqp_url) as publisher:
        await until(publisher_connected(publisher))
        before = drops()
        # Nothing is sent in between: this coroutine never lets go.
        for percent in range(25):
            await publisher.publish(news(percent))
        assert drops() - before == 15


async def test_closing_with_the_broker_away_does_not_wait() -> None:
    async with asyncio.timeout(3), EphemeralPublisher("tests", "amqp://127.0.0.1:1"):
        pass


def publisher_connected(publisher: EphemeralPublisher) -> Callable[[], Awaitable[bool]]:
    async def connected() -> bool:
        return publisher._connected

    return connected
