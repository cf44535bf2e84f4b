"""A broadcast reaches every process that listens, and who was away reads the present state instead."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from devstack.line import Line
from devstack.waiting import until
from mesh import Consumer, Event, Subscriptions
from mesh.topology import EXCHANGE

from .roles import running
from .wire import message_of


class SessionRevoked(Event, type="tests.session.revoked", version=1, aggregate="session"):
    session: str


class Gateway:
    """One process: what it has heard, and how often it has read the present state."""

    def __init__(self, amqp_url: str) -> None:
        self.heard: list[str] = []
        self.readings = 0
        self.may_read = asyncio.Event()
        self.may_read.set()
        bus = Subscriptions("gateway")

        async def read_revocations(gateway: Gateway) -> None:
            await gateway.may_read.wait()
            gateway.readings += 1

        @bus.broadcast(SessionRevoked, on_ready=read_revocations)
        async def close_streams(event: SessionRevoked) -> None:
            if event.session == "bad":
                raise RuntimeError("cannot")
            self.heard.append(event.session)

        self.consumer = Consumer(bus, amqp_url=amqp_url, provide={Gateway: self})

    async def has_heard(self, *sessions: str) -> bool:
        return self.heard == list(sessions)


Revoke = Callable[..., Awaitable[None]]


@pytest.fixture
def revoke(broker: AbstractChannel) -> Revoke:
    async def publish(*sessions: str) -> None:
        exchange = await broker.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)
        for session in sessions:
            event = SessionRevoked(session=session, version=1)
            await exchange.publish(message_of(event), event.routing_key)

    return publish


async def test_broadcast_reaches_every_process(amqp_url: str, revoke: Revoke) -> None:
    one, other = Gateway(amqp_url), Gateway(amqp_url)
    async with running(one.consumer, other.consumer):
        await revoke("a", "b")
        await until(lambda: one.has_heard("a", "b"))
        await until(lambda: other.has_heard("a", "b"))


async def test_present_state_is_read_before_the_process_is_ready(amqp_url: str, revoke: Revoke) -> None:
    gateway = Gateway(amqp_url)
    gateway.may_read.clear()
    stop = asyncio.Event()
    running_consumer = asyncio.create_task(gateway.consumer.run(stop))

    async def listens() -> bool:
        # What happens while the state is being read is heard already: nothing falls between the two.
        await revoke("early")
        return bool(gateway.heard)

    await until(listens)
    with pytest.raises(ConnectionError):
        await gateway.consumer.check()
    gateway.may_read.set()

    async def ready() -> bool:
        return gateway.consumer.is_ready

    await until(ready)
    assert gateway.readings == 1
    stop.set()
    await running_consumer


async def test_present_state_is_read_again_after_a_reconnection_and_later_news_arrives(
    amqp_line: Line, revoke: Revoke
) -> None:
    gateway = Gateway(amqp_line.url)
    async with running(gateway.consumer):
        await amqp_line.down()

        async def is_unready() -> bool:
            return not gateway.consumer.is_ready

        await until(is_unready)
        await revoke("missed")
        await amqp_line.up()

        async def has_read_again() -> bool:
            return gateway.readings == 2 and gateway.consumer.is_ready

        await until(has_read_again)
        await revoke("later")
        await until(lambda: gateway.has_heard("later"))


async def test_failing_handler_drops_the_news_and_goes_on(amqp_url: str, revoke: Revoke) -> None:
    gateway = Gateway(amqp_url)
    async with running(gateway.consumer):
        await revoke("bad", "a")
        await until(lambda: gateway.has_heard("a"))


async def test_reading_that_fails_is_repeated_until_it_succeeds(amqp_url: str) -> None:
    bus = Subscriptions("gateway")
    tries = []

    async def read_revocations() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise OSError("auth is away")

    @bus.broadcast(SessionRevoked, on_ready=read_revocations)
    async def close_streams(event: SessionRevoked) -> None: ...

    async with running(Consumer(bus, amqp_url=amqp_url)):
        assert len(tries) == 3
