"""Many messages at once, and what became of each, whatever becomes of the channel meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from devstack.line import Line
from devstack.waiting import until
from mesh.broker import confirming, connected, underlay
from mesh.publishing import Outcome, Outgoing, publish

QUEUE = "tests.parcels"
FULL = "tests.full"
NOWHERE = "tests.nowhere"


def parcel(to: str = QUEUE, *, body: bytes = b"{}", message_id: str | None = None) -> Outgoing:
    return Outgoing(routing_key=to, message_id=message_id or str(uuid4()), headers={"n": 1}, body=body)


@pytest.fixture
async def queue(broker: AbstractChannel) -> AsyncIterator[aio_pika.abc.AbstractQueue]:
    declared = await broker.declare_queue(QUEUE)
    yield declared
    await declared.delete(if_unused=False, if_empty=False)


@pytest.fixture
async def channel(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    async with connected(amqp_url, "tests") as connection:
        yield await confirming(connection)


async def bodies(queue: aio_pika.abc.AbstractQueue, count: int) -> list[bytes]:
    found = [await queue.get(no_ack=True, timeout=10) for _ in range(count)]
    assert await queue.get(no_ack=True, fail=False) is None
    return [message.body for message in found]


async def test_messages_of_any_size_arrive_in_their_order(
    channel: AbstractChannel, queue: aio_pika.abc.AbstractQueue
) -> None:
    frame = (await underlay(channel)).max_content_size
    contents = [b"x" * size for size in (0, 1, frame - 1, frame, frame + 1, 3 * frame, *range(100, 200))]
    assert set(await publish(channel, "", [parcel(body=body) for body in contents])) == {Outcome.CONFIRMED}
    assert await bodies(queue, len(contents)) == contents


async def test_each_message_has_an_outcome_of_its_own(
    channel: AbstractChannel, broker: AbstractChannel, queue: aio_pika.abc.AbstractQueue
) -> None:
    full = await broker.declare_queue(FULL, arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    ends = {QUEUE: Outcome.CONFIRMED, NOWHERE: Outcome.RETURNED, FULL: Outcome.FAILED}
    wanted = [list(ends)[number % 3] for number in range(200)]
    outcomes = await publish(channel, "", [parcel(to) for to in wanted])
    await full.delete(if_empty=False)
    assert outcomes == [ends[to] for to in wanted]


async def test_nothing_is_remembered_of_what_was_published(
    channel: AbstractChannel, queue: aio_pika.abc.AbstractQueue
) -> None:
    await publish(channel, "", [parcel(to) for to in (QUEUE, NOWHERE) * 50])
    publisher = await underlay(channel)
    assert not publisher.confirmations
    assert not publisher.message_id_delivery_tag


async def test_who_is_cancelled_at_any_moment_leaves_the_channel_to_others(
    channel: AbstractChannel, queue: aio_pika.abc.AbstractQueue
) -> None:
    for turns in range(40):
        async with asyncio.TaskGroup() as group:
            given_up = group.create_task(publish(channel, "", [parcel() for _ in range(100)]))
            for _ in range(turns):
                await asyncio.sleep(0)
            given_up.cancel()
        # Were the count of what was sent off by one, the outcomes of others would be too.
        async with asyncio.timeout(10):
            outcomes = await publish(channel, "", [parcel(), parcel(NOWHERE), parcel()])
        assert outcomes == [Outcome.CONFIRMED, Outcome.RETURNED, Outcome.CONFIRMED]


async def test_what_cannot_be_encoded_is_refused_and_the_channel_goes_on(
    channel: AbstractChannel, queue: aio_pika.abc.AbstractQueue
) -> None:
    with pytest.raises((TypeError, ValueError)):
        await publish(channel, "", [*(parcel() for _ in range(100)), Outgoing(QUEUE, "1", {"n": object()}, b"")])
    assert await publish(channel, "", [parcel(), parcel(NOWHERE)]) == [Outcome.CONFIRMED, Outcome.RETURNED]


async def test_what_a_closed_channel_did_not_take_has_failed(channel: AbstractChannel) -> None:
    await channel.close()
    assert await publish(channel, "", [parcel()]) == [Outcome.FAILED]


async def test_a_line_that_is_cut_fails_what_was_not_confirmed(
    amqp_line: Line, queue: aio_pika.abc.AbstractQueue
) -> None:
    async with connected(amqp_line.url, "tests") as connection:
        channel = await confirming(connection)

        async def some_arrived() -> bool:
            return bool((await queue.declare()).message_count)

        async with asyncio.TaskGroup() as group:
            sending = group.create_task(publish(channel, "", [parcel(body=b"x" * 50_000) for _ in range(1000)]))
            await until(some_arrived)
            amqp_line.cut()
    outcomes = sending.result()
    assert len(outcomes) == 1000
    assert Outcome.FAILED in outcomes
    assert outcomes.count(Outcome.CONFIRMED) <= ((await queue.declare()).message_count or 0)
