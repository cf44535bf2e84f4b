"""A program without any of our code hears the whole mesh by its AsyncAPI documents, and every event is as they say."""

import asyncio
import json
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aio_pika
import asyncpg
import pytest
from aio_pika import ExchangeType, Message
from contracts.ingestion import DocumentDeleted
from devstack.local_mesh import LocalMesh
from devstack.provisioning import DATABASE
from devstack.waiting import until
from mesh.topology import EXCHANGE

from .students import Json

OUTSIDE = Path(__file__).parent / "outside"
DEMO = Path(__file__).parents[1] / "demo"
DOCUMENTS = sorted((Path(__file__).parents[2] / "contracts" / "asyncapi").glob("*.json"))
SCHEMAS = ("auth", "ingestion", "chat", "flashcard", "notifier")
OF_A_DEMO = {
    "auth.user.registered.v1",
    "auth.email.requested.v1",
    "ingestion.document.uploaded.v1",
    "ingestion.document.progressed.v1",
    "ingestion.document.processed.v1",
    "chat.session.started.v1",
    "chat.message.answered.v1",
    "chat.recall.graded.v1",
    "chat.flashcards.proposed.v1",
    "flashcard.card.created.v1",
    "flashcard.card.reviewed.v1",
    "notifier.notification.delivered.v1",
}
GOOD: Json = {
    "version": 3,
    "document_id": "6f1c1c7e-8d53-4d1e-9a55-0a5b0c9b3f11",
    "user_id": "0b0e8a0e-39a5-4d0a-8a0c-6f1f2f3a4b5c",
}
HEADERS: Json = {
    "cloudEvents:specversion": "1.0",
    "cloudEvents:id": "1d3f1c7e-8d53-4d1e-9a55-0a5b0c9b3f11",
    "cloudEvents:source": "ingestion",
    "cloudEvents:type": DocumentDeleted.routing_key,
    "cloudEvents:subject": GOOD["document_id"],
    "cloudEvents:time": "2026-11-26T12:00:00+00:00",
    "cloudEvents:dataschema": DocumentDeleted.dataschema,
    "cloudEvents:aggregateversion": 3,
}


class Listener:
    """The program, listening."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.heard: list[Json] = []

    async def next(self) -> Json:
        """Its next line."""
        assert self._process.stdout is not None
        line: Json = json.loads(await asyncio.wait_for(self._process.stdout.readline(), 30))
        return line

    async def keep_hearing(self) -> None:
        while True:
            assert self._process.stdout is not None
            self.heard.append(json.loads(await self._process.stdout.readline()))


@asynccontextmanager
async def listening(amqp_url: str) -> AsyncIterator[Listener]:
    """The program beside us, subscribed; it ends with the block."""
    if not (OUTSIDE / "node_modules").exists():
        assert shutil.which("npm"), "node and npm are needed: python -m devstack install --npm"
        await asyncio.to_thread(
            subprocess.run, ["npm", "ci", "--ignore-scripts"], cwd=OUTSIDE, check=True, capture_output=True
        )
    program = ("node", "listen.js", amqp_url, *map(str, DOCUMENTS))
    process = await asyncio.create_subprocess_exec(*program, cwd=OUTSIDE, stdin=PIPE, stdout=PIPE)
    listener = Listener(process)
    try:
        assert (await listener.next())["listening"] > len(OF_A_DEMO)
        yield listener
    finally:
        process.kill()
        await process.communicate()


async def test_every_event_of_a_demo_is_as_the_asyncapi_documents_say(mesh: LocalMesh) -> None:
    async with listening(mesh.stack.rabbitmq.url) as listener:
        before = await said(mesh)  # only now: what the mesh says by itself while the program starts is not heard
        hearing = asyncio.create_task(listener.keep_hearing())
        demo = await asyncio.to_thread(
            subprocess.run, [sys.executable, str(DEMO), "--url", mesh.url], capture_output=True, text=True, timeout=120
        )
        assert demo.returncode == 0, demo.stdout + demo.stderr

        async def everything() -> bool:
            if hearing.done():
                await hearing
            ids = {event.get("id") for event in listener.heard}
            types = {event.get("type") for event in listener.heard}
            return await said(mesh) - before <= ids and types >= OF_A_DEMO

        try:
            await until(everything, 90)
        finally:
            hearing.cancel()
            await asyncio.wait({hearing})
    assert [event for event in listener.heard if "wrong" in event] == []


@pytest.mark.parametrize(
    ("body", "headers", "wrong"),
    [
        (GOOD, HEADERS, None),
        (GOOD | {"user_id": "nobody"}, HEADERS, "user_id"),
        ({"version": 3}, HEADERS, "document_id"),
        (GOOD, HEADERS | {"cloudEvents:time": "yesterday"}, "time"),
        (GOOD, {name: value for name, value in HEADERS.items() if name != "cloudEvents:id"}, "cloudEvents:id"),
        (GOOD, HEADERS | {"cloudEvents:type": "ingestion.document.processed.v1"}, "address"),
    ],
)
async def test_the_program_notices_what_is_not_as_documented(
    amqp_url: str, body: Json, headers: Json, wrong: str | None
) -> None:
    async with listening(amqp_url) as listener:
        await say(amqp_url, Message(json.dumps(body).encode(), headers=headers, content_type="application/json"))
        heard = await listener.next()
    assert heard.get("wrong") is None if wrong is None else wrong in heard["wrong"]


async def say(amqp_url: str, message: Message) -> None:
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        exchange = await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)
        await exchange.publish(message, DocumentDeleted.routing_key)


async def said(mesh: LocalMesh) -> set[str]:
    """The ids of everything in the services' outboxes."""
    connection = await asyncpg.connect(mesh.stack.postgres.url.removesuffix("/postgres") + f"/{DATABASE}")
    try:
        every = " UNION ALL ".join(f"SELECT event_id FROM {schema}.outbox" for schema in SCHEMAS)
        return {str(row["event_id"]) for row in await connection.fetch(every)}
    finally:
        await connection.close()
