"""Servers, one event and a database, the same for every measurement of the bus."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from statistics import median

import aio_pika
from aio_pika.abc import AbstractChannel
from devstack.places import temporary_home
from devstack.servers import Stack, Tuning
from mesh import Consumer, Event, Outbox, Relay, Subscriptions, Topology, tables
from sqlalchemy import BigInteger, Column, Identity, MetaData, Table, Text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

ROUNDS = 5


class PageRead(Event, type="bench.page.read", version=1, aggregate="document_id"):
    document_id: str
    page: int
    text: str


def page_read(number: int) -> PageRead:
    """An event of about one kilobyte."""
    return PageRead(document_id="0b0d9d4e", page=number, text="x" * 900, version=1)


taken = Subscriptions("bench")


@taken.on(PageRead, inbox=False)
async def read_page(event: PageRead) -> None:
    """Only declares the queue; each measurement consumes as it needs."""


TOPOLOGY = Topology.of(taken)
QUEUE = "bench.read_page"


class Library:
    """A service's database with the mesh's tables and one table of effects."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.engine = create_async_engine(url, pool_size=pool_size, max_overflow=0)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._metadata = MetaData()
        tables(self._metadata)
        self.pages = Table(
            "pages", self._metadata, Column("id", BigInteger, Identity(), primary_key=True), Column("text", Text)
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with self._sessions() as session, session.begin():
            yield session

    async def create(self) -> None:
        """Empty tables."""
        async with self.engine.begin() as connection:
            await connection.run_sync(self._metadata.drop_all)
            await connection.run_sync(self._metadata.create_all)

    async def fill(self, count: int) -> None:
        """Put events into the outbox, in transactions of a thousand."""
        for start in range(0, count, 1000):
            async with self.transaction() as session:
                await Outbox(session, "bench").add(*(page_read(n) for n in range(start, min(count, start + 1000))))


@dataclass(frozen=True)
class Servers:
    database_url: str
    amqp_url: str


@contextmanager
def servers() -> Iterator[Servers]:
    """Durable servers of this run's own, so that a confirm and a commit cost what they cost."""
    with Stack(temporary_home(), Tuning.DURABLE, temporary=True) as stack:
        stack.postgres.start()
        stack.rabbitmq.start()
        url = stack.postgres.url.replace("postgresql://", "postgresql+asyncpg://")
        yield Servers(url, stack.rabbitmq.url)


@asynccontextmanager
async def empty_queue(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of the measurement's own; the queue stands and is empty."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await TOPOLOGY.declare(channel)
        await (await channel.get_queue(QUEUE)).purge()
        yield channel


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 0.02) -> None:
    """Ask every so many seconds, seldom enough not to be what is measured."""
    while True:
        if await condition():
            return
        await asyncio.sleep(seconds)


async def ready(*roles: Relay | Consumer) -> bool:
    return all(role.is_ready for role in roles)


async def compare(measures: dict[str, Callable[[], Awaitable[float]]]) -> dict[str, float]:
    """The median rate of each, measured in turns so that a busy moment of the machine hits all of them."""
    rates: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(ROUNDS):
        for name, measure in measures.items():
            gc.collect()
            rates[name].append(await measure())
    return {name: median(found) for name, found in rates.items()}


def line(what: str, rates: dict[str, float], ours: str, baseline: str, bound: float) -> None:
    """Print ours beside its baseline."""
    share = rates[ours] / rates[baseline]
    print(
        f"{what:<44} {rates[ours]:8.0f}/s   {baseline} {rates[baseline]:8.0f}/s   share {share:4.2f}   bound {bound:4.2f}"
    )


class Clock:
    """Events a second between the first and the last of `count`."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._began = time.perf_counter()

    def rate(self) -> float:
        return self._count / (time.perf_counter() - self._began)
