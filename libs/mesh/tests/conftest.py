"""A small service for the tests: its database, its broker, and lines to both that can be cut."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from devstack.line import Line
from mesh.commands import main
from sqlalchemy import make_url

from .desk import CardBurnt, CardMade, Desk, MeshCommand, Said
from .home import Home

Letters = Callable[[str], Awaitable[list[AbstractIncomingMessage]]]


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Home]:
    home = Home(database_url)
    await home.create()
    yield home
    await home.engine.dispose()


@pytest.fixture
async def far_home(home: Home, database_line: Line) -> AsyncIterator[Home]:
    """The same database, over a line that can be cut."""
    far = Home(database_line.url)
    yield far
    await far.engine.dispose()


@pytest.fixture
async def broker(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of the test's own, to look at queues and to send what no relay would."""
    async with await aio_pika.connect(amqp_url) as connection:
        yield await connection.channel()


@pytest.fixture
def letters(broker: AbstractChannel) -> Letters:
    """Takes everything that lies in a queue now."""

    async def take(queue: str) -> list[AbstractIncomingMessage]:
        source = await broker.get_queue(queue)
        found = []
        while (message := await source.get(fail=False, no_ack=True)) is not None:
            found.append(message)
        return found

    return take


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


@pytest.fixture
async def desk(home: Home, amqp_url: str, broker: AbstractChannel) -> Desk:
    return Desk(home, amqp_url, broker)


@pytest.fixture
def mesh_command(
    desk: Desk, amqp_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> MeshCommand:
    """The command line, as an operator of the desk has it."""
    known = SimpleNamespace(events=lambda: [CardMade, CardBurnt], topology=lambda: desk.topology)
    monkeypatch.setitem(sys.modules, "desk_catalogue", known)
    monkeypatch.setenv("MESH_CONTRACTS", "desk_catalogue")
    monkeypatch.setenv("AMQP_URL", amqp_url)

    async def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = await asyncio.to_thread(main, arguments)
        return Said(code, *capsys.readouterr())

    return run
