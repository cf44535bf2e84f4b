"""Whole notifier processes, the students who use them, and the rest of the mesh as far as it speaks."""

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import UUID, uuid4

import httpx
from aio_pika import Message, connect
from aio_pika.abc import AbstractExchange
from chassis.database import Database
from devstack.waiting import until
from mesh import Envelope, Event, Topology
from mesh.topology import EXCHANGE
from notifier.app import compose
from notifier.events import bus
from notifier.settings import Settings
from sqlalchemy import text
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket

from .registry import Registry

Json = dict[str, Any]
T = TypeVar("T")
SECONDS = 20
# A start declares the queues of the whole mesh, which a broker that shares its processors takes its time for.
STARTING = 50


class Tab:
    """An open WebSocket, which has heard its `hello`."""

    def __init__(self, socket: ClientConnection, hello: Json) -> None:
        self.socket = socket
        self.hello: Json = hello["data"]

    async def hears(self, kind: str | None = None) -> Json:
        """The next frame (of a type)."""
        async with asyncio.timeout(SECONDS):
            while True:
                frame: Json = json.loads(await self.socket.recv())
                if kind in (None, frame["type"]):
                    return frame


@dataclass
class Student:
    """A signed-in user; `client` talks to the first process."""

    id: UUID
    session_id: UUID
    token: str
    client: httpx.AsyncClient

    async def ticket(self) -> str:
        answer = await self.client.post("/ws/ticket")
        assert answer.status_code == 201, answer.text
        ticket: str = answer.json()["ticket"]
        return ticket

    @asynccontextmanager
    async def tab(self, url: str | None = None, **query: object) -> AsyncIterator[Tab]:
        """A tab at a process (the first, where none is named)."""
        base = (url or str(self.client.base_url)).rstrip("/").replace("http", "ws")
        more = "".join(f"&{name}={value}" for name, value in query.items())
        async with open_socket(f"{base}/ws?ticket={await self.ticket()}{more}") as socket:
            hello = json.loads(await socket.recv())
            assert hello["type"] == "hello"
            yield Tab(socket, hello)

    async def notifications(self, **query: object) -> Json:
        answer = await self.client.get("/notifications", params={name: str(value) for name, value in query.items()})
        assert answer.status_code == 200, answer.text
        page: Json = answer.json()
        return page


@dataclass
class Campus:
    """`process()` starts notifier; `tell()` is what other services say. `clock` can be put forward."""

    database: Database
    redis_url: str
    amqp_url: str
    registry: Registry
    exchange: AbstractExchange
    folder: Path
    ahead: timedelta = timedelta()
    urls: list[str] = field(default_factory=list)
    clients: AsyncExitStack = field(default_factory=AsyncExitStack)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, database: Database, redis_url: str, amqp_url: str, registry: Registry, folder: Path
    ) -> AsyncIterator[Self]:
        async with await connect(amqp_url) as connection, AsyncExitStack() as clients:
            channel = await connection.channel(publisher_confirms=True)
            # As a relay does, so that what is told before a consumer is up waits for it.
            await Topology.of(bus).declare(channel)
            exchange = await channel.get_exchange(EXCHANGE)
            yield cls(database, redis_url, amqp_url, registry, exchange, folder, clients=clients)

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def settings(self, **settings: Any) -> Settings:
        known: Json = {
            "environment": "test",
            "database_url": self.database.url,
            "redis_url": self.redis_url,
            "amqp_url": self.amqp_url,
            "auth_url": self.registry.url,
            "data_dir": self.folder,
        }
        return Settings(**known | settings)

    @asynccontextmanager
    async def process(self, *roles: str, **settings: Any) -> AsyncIterator[str]:
        """A process with the role `api` and these; its URL once it is ready."""
        stop, listener = asyncio.Event(), socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with compose(self.settings(**settings), self.clock) as process:
            assert process.server is not None
            running = [asyncio.create_task(process.roles[role](stop)) for role in roles]
            running.append(asyncio.create_task(process.server(listener, stop, 5)))
            try:
                await until(lambda: _ready(url), STARTING)
                self.urls.append(url)
                yield url
            finally:
                stop.set()
                await asyncio.gather(*running)

    @asynccontextmanager
    async def separate(self, *roles: str, **variables: str) -> AsyncIterator[Process]:
        """A process of its own in these roles, killed at the latest when the block ends."""
        known = {
            "ENVIRONMENT": "test",
            "NOTIFIER_DATABASE_URL": self.database.url,
            "AMQP_URL": self.amqp_url,
            "REDIS_URL": self.redis_url,
            "AUTH_URL": self.registry.url,
            "DATA_DIR": str(self.folder),
        }
        environment = os.environ | known | variables
        running = await asyncio.create_subprocess_exec(sys.executable, "-m", "notifier", *roles, env=environment)
        try:
            yield running
        finally:
            if running.returncode is None:
                running.kill()
                await running.wait()

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[str]:
        """A process with every role that acts on events."""
        async with self.process("consumer", "relay", **settings) as url:
            yield url

    async def student(self) -> Student:
        user_id, session_id = uuid4(), uuid4()
        token = self.registry.token(user_id, session_id)
        client = httpx.AsyncClient(base_url=self.urls[0], headers={"Authorization": f"Bearer {token}"}, timeout=20)
        return Student(user_id, session_id, token, await self.clients.enter_async_context(client))

    async def tell(self, event: Event, event_id: UUID | None = None, *, attempt: int = 1) -> UUID:
        """Publish an event as its service would."""
        envelope = Envelope(
            id=event_id or uuid4(),
            source=event.event_type.split(".")[0],
            type=event.routing_key,
            subject=event.aggregate_id,
            time=datetime.now(UTC),
            dataschema=event.dataschema,
            aggregate_version=event.version,
            attempt=attempt,
        )
        message = Message(event.model_dump_json().encode(), headers=envelope.headers(), message_id=str(envelope.id))
        await self.exchange.publish(message, event.routing_key, mandatory=False)
        return envelope.id

    async def events(self) -> list[tuple[str, Json]]:
        """What is in the outbox."""
        async with self.database.transaction() as session:
            rows = (await session.execute(text("SELECT type, data FROM outbox ORDER BY position"))).all()
        return [(row.type, json.loads(row.data)) for row in rows]

    async def taken(self, count: int) -> None:
        """Wait until so many events were handled."""

        async def all_taken() -> bool:
            async with self.database.transaction() as session:
                return int((await session.execute(text("SELECT count(*) FROM inbox"))).scalar_one()) >= count

        await until(all_taken)


async def _ready(url: str) -> bool:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{url}/health/ready")).status_code == 200
