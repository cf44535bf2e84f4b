"""The same transactions, an inbox row and one effect, under one layer after the other: what each costs, and what ours adds.

Every layer has eight transactions open at once. Where there is a broker, a message is acknowledged when it is committed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import asyncpg
from aio_pika.abc import AbstractIncomingMessage
from chassis.database import Database
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue
from mesh import Subscriptions
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bus.arriving import CONCURRENCY, PREFETCH, Arrivals, consumed, filled_queue
from bus.stage import QUEUE, Library, PageRead, Servers, compare, line, page_read

COUNT = 2_000
INBOX = "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
PAGE = "INSERT INTO pages (text) VALUES ($1)"
NAMED_INBOX = text("INSERT INTO inbox (consumer, event_id) VALUES (:consumer, :event_id) ON CONFLICT DO NOTHING")
NAMED_PAGE = text("INSERT INTO pages (text) VALUES (:text)")
Commit = Callable[[UUID, str], Awaitable[None]]
Layer = Callable[[Servers, Arrivals], Awaitable[None]]


async def asyncpg_loop(servers: Servers, arrivals: Arrivals) -> None:
    """The transactions and nothing else: eight connections, each in a loop."""
    async with plain_commits(servers) as commit:
        numbers = iter(range(arrivals.count))

        async def apply() -> None:
            for number in numbers:
                await commit(uuid4(), page_read(number).text)
                arrivals.one()

        await asyncio.gather(*(apply() for _ in range(CONCURRENCY)))


async def raw_aio_pika(servers: Servers, arrivals: Arrivals) -> None:
    room = asyncio.Semaphore(CONCURRENCY)
    async with filled_queue(servers, arrivals.count), plain_commits(servers) as commit:

        async def take(message: AbstractIncomingMessage) -> None:
            async with room:
                event = PageRead.model_validate_json(message.body)
                await commit(event_id(message.headers), event.text)
                await message.ack()
            arrivals.one()

        async with await aio_pika.connect(servers.amqp_url) as connection:
            channel = await connection.channel()
            await channel.set_qos(PREFETCH)
            await (await channel.get_queue(QUEUE, ensure=False)).consume(take)
            await arrivals.done.wait()


async def faststream(servers: Servers, arrivals: Arrivals) -> None:
    async with plain_commits(servers) as commit:
        await subscribed(servers, arrivals, commit)


async def faststream_and_sqlalchemy(servers: Servers, arrivals: Arrivals) -> None:
    library = Library(servers.database_url, CONCURRENCY)

    async def commit(event: UUID, page: str) -> None:
        async with library.transaction() as session:
            await session.execute(NAMED_INBOX, {"consumer": QUEUE, "event_id": event})
            await session.execute(NAMED_PAGE, {"text": page})

    await subscribed(servers, arrivals, commit)
    await library.engine.dispose()


async def ours(servers: Servers, arrivals: Arrivals) -> None:
    bus, database = Subscriptions("bench"), Database(servers.database_url, schema="public", pool_size=CONCURRENCY)

    @bus.on(PageRead, prefetch=PREFETCH, concurrency=CONCURRENCY)
    async def read_page(event: PageRead, session: AsyncSession) -> None:
        await session.execute(NAMED_PAGE, {"text": event.text})
        arrivals.one()

    await consumed(servers, bus, arrivals, database)
    await database.close()


LAYERS: dict[str, Layer] = {
    "asyncpg loop": asyncpg_loop,
    "fed by aio-pika": raw_aio_pika,
    "fed by FastStream": faststream,
    "and by SQLAlchemy's session": faststream_and_sqlalchemy,
    "handler": ours,
}


async def report(servers: Servers) -> None:
    library = Library(servers.database_url)
    processor: dict[str, list[float]] = {name: [] for name in LAYERS}

    async def measure(name: str) -> float:
        await library.create()
        arrivals = Arrivals(COUNT)
        await LAYERS[name](servers, arrivals)
        processor[name].append(arrivals.processor)
        return arrivals.rate

    rates = await compare({name: partial(measure, name) for name in LAYERS})
    for name in LAYERS:
        share, cost = rates[name] / rates["asyncpg loop"], median(processor[name]) * 1000
        print(f"  {name:<42} {rates[name]:8.0f}/s   {cost:5.2f} ms of Python an event   share of the loop {share:4.2f}")
    line("handler with inbox and one row", rates, "handler", "asyncpg loop", 0.7)
    # Of the loop, no consumer here reaches that: the barest, aio-pika with asyncpg, does not.
    line("the same beside a bare subscriber", rates, "handler", "fed by FastStream", 0.7)
    await library.engine.dispose()


@asynccontextmanager
async def plain_commits(servers: Servers) -> AsyncIterator[Commit]:
    """The transaction by asyncpg, over connections that are not reset between two of them."""
    url = servers.database_url.replace("+asyncpg", "")
    async with asyncpg.create_pool(url, min_size=CONCURRENCY, max_size=CONCURRENCY, reset=_untouched) as pool:

        async def commit(event: UUID, page: str) -> None:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(INBOX, QUEUE, event)
                await connection.execute(PAGE, page)

        yield commit


async def _untouched(_: object) -> None:
    """What a connection needs between two transactions that set nothing."""


async def subscribed(servers: Servers, arrivals: Arrivals, commit: Commit) -> None:
    """A FastStream subscriber as one would write it, which acknowledges when its function returns."""
    broker = RabbitBroker(servers.amqp_url, logger=None, default_channel=Channel(prefetch_count=PREFETCH))
    room = asyncio.Semaphore(CONCURRENCY)

    @broker.subscriber(RabbitQueue(QUEUE, declare=False), ack_policy=AckPolicy.NACK_ON_ERROR)
    async def read_page(event: PageRead, message: RabbitMessage) -> None:
        async with room:
            await commit(event_id(message.headers), event.text)
        arrivals.one()

    async with filled_queue(servers, arrivals.count):
        await broker.start()
        await arrivals.done.wait()
        await broker.stop()


def event_id(headers: dict[str, Any]) -> UUID:
    """The id that the inbox keeps."""
    return UUID(headers["cloudEvents:id"])
