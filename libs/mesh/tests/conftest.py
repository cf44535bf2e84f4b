"""A small service for the tests: a database with the mesh's tables and a ledger of effects, and a line that can be cut."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from mesh import Event, Outbox, tables
from sqlalchemy import Column, Identity, Integer, MetaData, Table, Text, func, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from yarl import URL

PATIENCE = 20.0


class Home:
    """One service's database. Handlers write effects with `INSERT INTO effects (note)`; nothing makes them unique."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = create_async_engine(url, pool_size=10, pool_pre_ping=True, connect_args={"timeout": 5})
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._metadata = MetaData()
        self.outbox, self.inbox = tables(self._metadata)
        self._effects = Table(
            "effects", self._metadata, Column("id", Integer, Identity(), primary_key=True), Column("note", Text)
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with self._sessions() as session, session.begin():
            yield session

    async def create(self) -> None:
        async with self.engine.begin() as connection:
            await connection.run_sync(self._metadata.create_all)

    async def say(self, *events: Event) -> None:
        async with self.transaction() as session:
            await Outbox(session, "tests").add(*events)

    async def effects(self) -> list[str]:
        async with self.transaction() as session:
            return list(await session.scalars(select(self._effects.c.note).order_by(self._effects.c.note)))

    async def unsent(self) -> int:
        async with self.transaction() as session:
            statement = select(func.count()).select_from(self.outbox).where(self.outbox.c.sent_at.is_(None))
            return await session.scalar(statement) or 0

    async def execute(self, statement: str) -> None:
        async with self.transaction() as session:
            await session.execute(text(statement))


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Home]:
    home = Home(database_url)
    await home.create()
    yield home
    await home.engine.dispose()


@pytest.fixture
async def far_home(home: Home, database_line: "Line") -> AsyncIterator[Home]:
    """The same database, over a line that can be cut."""
    far = Home(str(database_line.url))
    yield far
    await far.engine.dispose()


@pytest.fixture
async def broker(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of the test's own, to look at queues and to send what no relay would."""
    async with await aio_pika.connect(amqp_url) as connection:
        yield await connection.channel()


class Role(Protocol):
    async def run(self, stop: asyncio.Event) -> None: ...
    async def check(self) -> None: ...


@asynccontextmanager
async def run_roles(*roles: Role) -> AsyncIterator[asyncio.Event]:
    """Run consumers and relays, ready when the block begins, and stopped cleanly when it ends."""
    stop = asyncio.Event()
    running = [asyncio.create_task(role.run(stop)) for role in roles]
    try:
        await wait_until(lambda: all_ready(roles))
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*running)


async def all_ready(roles: Sequence[Role]) -> bool:
    try:
        for role in roles:
            await role.check()
    except ConnectionError:
        return False
    return True


async def wait_until(condition: Callable[[], Awaitable[Any]], patience: float = PATIENCE) -> None:
    async with asyncio.timeout(patience):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


@pytest.fixture
def running() -> Callable[..., AbstractAsyncContextManager[asyncio.Event]]:
    return run_roles


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    return wait_until


@pytest.fixture
def letters(broker: AbstractChannel) -> Callable[[str], Awaitable[list[AbstractIncomingMessage]]]:
    """Everything that lies in a queue now, acknowledged."""

    async def take(queue: str) -> list[AbstractIncomingMessage]:
        source = await broker.get_queue(queue)
        found = []
        while (message := await source.get(fail=False, no_ack=True)) is not None:
            found.append(message)
        return found

    return take


class Line:
    """A TCP line to a server, which can be cut and be dead for a while."""

    def __init__(self, url: str) -> None:
        self._url = URL(url)
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return str(self._url.with_host("127.0.0.1").with_port(self._port))

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Cut what is connected, and refuse what tries."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """Cut what is connected now; who tries again gets through."""
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._url.host, self._url.port)
        self._open |= {writer, there_writer}
        await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()


@pytest.fixture
async def amqp_line(amqp_url: str) -> AsyncIterator[Line]:
    line = Line(amqp_url)
    await line.up()
    yield line
    await line.down()


@pytest.fixture
async def database_line(database_url: str) -> AsyncIterator[Line]:
    line = Line(make_url(database_url).render_as_string(hide_password=False))
    await line.up()
    yield line
    await line.down()
