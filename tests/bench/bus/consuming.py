"""A typed handler beside a bare FastStream subscriber, and one with inbox and effect beside an asyncpg loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from mesh import Consumer, Subscriptions
from mesh.topology import EXCHANGE
from sqlalchemy.ext.asyncio import AsyncSession

from bus.relaying import message
from bus.stage import QUEUE, Clock, Library, PageRead, Servers, compare, empty_queue, line

COUNT = 5_000
PREFETCH = 50
CONCURRENCY = 8


class Arrivals:
    """Counts what arrives; the clock runs from the first to the last."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._count = count
        self._clock: Clock | None = None
        self.rate = 0.0
        self.done = asyncio.Event()

    def one(self) -> None:
        self._clock = self._clock or Clock(self._count)
        self._left -= 1
        if not self._left:
            self.rate = self._clock.rate()
            self.done.set()


@asynccontextmanager
async def filled_queue(amqp_url: str) -> AsyncIterator[None]:
    async with empty_queue(amqp_url) as channel:
        exchange = await channel.get_exchange(EXCHANGE)
        for start in range(0, COUNT, 500):
            await asyncio.gather(
                *(exchange.publish(message(n), PageRead.routing_key) for n in range(start, start + 500))
            )
        yield


async def bare_faststream(servers: Servers) -> float:
    """FastStream as it comes, with the same model, prefetch and acknowledgement after the handler."""
    arrivals = Arrivals(COUNT)
    broker = RabbitBroker(servers.amqp_url, logger=None, default_channel=Channel(prefetch_count=PREFETCH))

    @broker.subscriber(RabbitQueue(QUEUE, declare=False), ack_policy=AckPolicy.NACK_ON_ERROR)
    async def read_page(event: PageRead) -> None:
        arrivals.one()

    async with filled_queue(servers.amqp_url):
        await broker.start()
        await arrivals.done.wait()
        await broker.stop()
    return arrivals.rate


async def consumed(servers: Servers, bus: Subscriptions, arrivals: Arrivals, library: Library | None = None) -> float:
    async with filled_queue(servers.amqp_url):
        stop = asyncio.Event()
        consumer = Consumer(bus, amqp_url=servers.amqp_url, database=library, concurrency=CONCURRENCY)
        running = asyncio.create_task(consumer.run(stop))
        await arrivals.done.wait()
        stop.set()
        await running
    return arrivals.rate


async def without_database(servers: Servers) -> float:
    arrivals, bus = Arrivals(COUNT), Subscriptions("bench")

    @bus.on(PageRead, inbox=False, prefetch=PREFETCH)
    async def read_page(event: PageRead) -> None:
        arrivals.one()

    return await consumed(servers, bus, arrivals)


async def with_inbox(servers: Servers, library: Library) -> float:
    arrivals, bus = Arrivals(COUNT), Subscriptions("bench")
    await library.create()

    @bus.on(PageRead, prefetch=PREFETCH)
    async def read_page(event: PageRead, session: AsyncSession) -> None:
        await session.execute(library.pages.insert().values(text=event.text))
        arrivals.one()

    return await consumed(servers, bus, arrivals, library)


async def asyncpg_loop(servers: Servers, library: Library) -> float:
    """The same transactions and nothing else."""
    await library.create()
    url = servers.database_url.replace("+asyncpg", "")
    async with asyncpg.create_pool(url, min_size=CONCURRENCY, max_size=CONCURRENCY) as pool:
        numbers = iter(range(COUNT))

        async def apply() -> None:
            async with pool.acquire() as connection:
                for _ in numbers:
                    async with connection.transaction():
                        await connection.execute(
                            "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                            QUEUE,
                            uuid4(),
                        )
                        await connection.execute("INSERT INTO pages (text) VALUES ($1)", "x" * 900)

        clock = Clock(COUNT)
        await asyncio.gather(*(apply() for _ in range(CONCURRENCY)))
        return clock.rate()


async def report(servers: Servers) -> None:
    library = Library(servers.database_url)
    measures: dict[str, Callable[[], Awaitable[float]]] = {
        "bare FastStream": lambda: bare_faststream(servers),
        "handler": lambda: without_database(servers),
    }
    line("typed handler without database", await compare(measures), "handler", "bare FastStream", 0.85)
    measures = {
        "asyncpg loop": lambda: asyncpg_loop(servers, library),
        "handler": lambda: with_inbox(servers, library),
    }
    line("handler with inbox and one row", await compare(measures), "handler", "asyncpg loop", 0.7)
    await library.engine.dispose()
