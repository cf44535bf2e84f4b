"""A service added to a mesh with history has it all afterwards, and so has one whose queue was lost."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from uuid import UUID

import aio_pika
import pytest
from aio_pika.exceptions import ChannelNotFoundEntity
from chassis.database import Database
from devstack.local_mesh import LocalMesh
from devstack.waiting import until
from mesh import Consumer, Topology
from mesh.commands import main

from contracts import catalogue

from . import newcomer
from .students import Json, SignUp

Command = Callable[..., Awaitable[tuple[int, str]]]
QUEUES = Topology.of(newcomer.bus)


@pytest.fixture
def command(mesh: LocalMesh, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`mesh …`, in a mesh that knows the newcomer."""
    for line in (mesh.state / "mesh.env").read_text().splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        monkeypatch.setenv(name, value.strip("'"))
    known = catalogue.topology()
    everybody = Topology({**known.queues, **QUEUES.queues}, known.without_inbox)
    with_newcomer = SimpleNamespace(events=catalogue.events, topology=lambda: everybody)
    monkeypatch.setitem(sys.modules, "with_newcomer", with_newcomer)
    monkeypatch.setenv("MESH_CONTRACTS", "with_newcomer")

    async def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = await asyncio.to_thread(main, arguments)
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
async def arrived(mesh: LocalMesh, database_url: str) -> AsyncIterator[Database]:
    """The newcomer, at work."""
    async with newcomer.opened(database_url) as database:
        stop = asyncio.Event()
        consumer = Consumer(newcomer.bus, amqp_url=mesh.environment["AMQP_URL"], database=database)
        working = asyncio.create_task(consumer.run(stop))
        yield database
        stop.set()
        await working


async def test_a_service_that_comes_late_has_it_all(
    mesh: LocalMesh, sign_up: SignUp, sample: bytes, arrived: Database, command: Command
) -> None:
    ada = await sign_up()
    kept = await ada.ready("kept.pdf", sample)
    gone = await ada.ready("gone.txt", b"What is deleted must not come back. " * 40)
    assert (await ada.http.delete(f"/documents/{gone['id']}")).status_code == 204
    # Whatever was said of them is forgotten by queues and outbox alike: only what the services know is left.
    await lose(mesh)
    await until(lambda: queues_are_empty(mesh), 20)
    async with arrived.transaction() as session:
        await session.execute(newcomer.known.delete())

    for consumer in QUEUES.queues:
        code, said = await command("republish", "--to", consumer, "--snapshot")
        assert code == 0, said

    documents = await until(lambda: holds(arrived, "document", kept["id"]), 20)
    assert documents[kept["id"]] == (kept["title"], False)
    tombstones = await until(lambda: holds(arrived, "document", gone["id"]), 20)
    assert tombstones[gone["id"]] == ("", True)
    me = (await ada.http.get("/users/me")).json()
    users = await until(lambda: holds(arrived, "user", me["id"]), 20)
    assert users[me["id"]] == ("Ada", False)

    # Live news goes on from there, and what is said again afterwards takes nothing back.
    assert (await ada.http.patch("/users/me", json={"name": "Ada Lovelace"})).status_code == 200
    await until(lambda: named(arrived, me["id"], "Ada Lovelace"), 20)
    code, said = await command("republish", "--to", "newcomer.keep_user", "--since", "1h")
    assert code == 0, said
    assert "auth said again to newcomer.keep_user" in said
    await until(lambda: queues_are_empty(mesh), 20)
    assert (await newcomer.knows(arrived, "user"))[UUID(me["id"])] == ("Ada Lovelace", False)


async def test_mistakes_are_sentences(command: Command, mesh: LocalMesh) -> None:
    assert await command("republish", "--to", "newcomer.keep_user") == (
        1,
        "mesh: say what: --since, --aggregate, both of them, or --snapshot\n",
    )
    code, said = await command("republish", "--to", "nobody.does", "--snapshot")
    assert code == 1
    assert "nobody.does is no consumer" in said
    code, said = await command("republish", "--to", "flashcard.bring_back_what_was_missed", "--snapshot")
    assert (code, said) == (1, "mesh: chat answered 404: chat has no snapshot of chat.recall.graded.v1; use --since\n")
    code, said = await command("republish", "--to", "notifier.mail_news", "--snapshot", "--dry-run")
    assert code == 1
    assert "notifier.mail_news keeps no inbox" in said


async def test_a_wrong_secret_opens_nothing(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESH_SERVICE_SECRET", "guessed")
    code, said = await command("republish", "--to", "newcomer.keep_user", "--snapshot")
    assert code == 1
    assert "auth answered 401" in said


async def lose(mesh: LocalMesh) -> None:
    """Delete the newcomer's queues; it declares them again, empty, when it notices."""
    async with await aio_pika.connect(mesh.environment["AMQP_URL"]) as connection:
        channel = await connection.channel()
        for name in QUEUES.queues:
            await channel.queue_delete(name)


async def holds(database: Database, kind: str, id_: str) -> Json | None:
    known = {str(key): value for key, value in (await newcomer.knows(database, kind)).items()}
    return known if id_ in known else None


async def named(database: Database, user_id: str, name: str) -> bool:
    known = await newcomer.knows(database, "user")
    return bool(known[UUID(user_id)][0] == name)


async def queues_are_empty(mesh: LocalMesh) -> bool:
    async with await aio_pika.connect(mesh.environment["AMQP_URL"]) as connection:
        channel = await connection.channel()
        try:
            queues = [await channel.declare_queue(name, passive=True) for name in QUEUES.queues]
        except ChannelNotFoundEntity:
            return False
    return not any(queue.declaration_result.message_count for queue in queues)
