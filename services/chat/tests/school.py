"""A whole chat process behind real HTTP, and the students who use it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
from chassis.database import Database
from chat.app import compose
from chat.settings import Settings
from chat.shelf import Shelf
from devstack.serving import serving
from fastapi import FastAPI
from sqlalchemy import text

from .neighbours import Neighbours

Json = dict[str, Any]
EVENTS = {"Accept": "text/event-stream"}


@dataclass
class Happening:
    """A server-sent event."""

    id: str
    name: str
    data: Json


@dataclass
class Student:
    """A signed-in user."""

    id: UUID
    client: httpx.AsyncClient

    async def starts(self, **body: Any) -> Json:
        response = await self.client.post("/chat/sessions", json={"mode": "tutor"} | body)
        assert response.status_code == 201, response.text
        started: Json = response.json()
        return started

    async def asks(self, session: Json, question: str, **headers: str) -> httpx.Response:
        path = f"/chat/sessions/{session['id']}/messages"
        return await self.client.post(path, json={"content": question}, headers=headers)

    @asynccontextmanager
    async def streams(self, session: Json, question: str, **headers: str) -> AsyncIterator[AsyncIterator[Happening]]:
        path = f"/chat/sessions/{session['id']}/messages"
        async with self.client.stream("POST", path, json={"content": question}, headers=EVENTS | headers) as response:
            assert response.status_code == 200, (await response.aread()).decode()
            assert response.headers["content-type"].startswith("text/event-stream")
            yield happenings(response)

    @asynccontextmanager
    async def follows(self, message_id: str, last: str | None = None) -> AsyncIterator[AsyncIterator[Happening]]:
        headers = {"Last-Event-ID": last} if last else {}
        async with self.client.stream("GET", f"/chat/messages/{message_id}/stream", headers=headers) as response:
            assert response.status_code == 200, (await response.aread()).decode()
            yield happenings(response)

    async def hears(self, session: Json, question: str, **headers: str) -> list[Happening]:
        async with self.streams(session, question, **headers) as stream:
            return [happening async for happening in stream]

    async def awaits_answer(self, session: Json) -> str:
        """The id of the answer that is being written in a session."""
        async with asyncio.timeout(10):
            while True:
                if (messages := await self.messages(session)) and messages[-1]["status"] == "answering":
                    return str(messages[-1]["id"])
                await asyncio.sleep(0.01)

    async def messages(self, session: Json) -> list[Json]:
        response = await self.client.get(f"/chat/sessions/{session['id']}/messages", params={"limit": 100})
        assert response.status_code == 200, response.text
        items: list[Json] = response.json()["items"]
        return items


async def happenings(response: httpx.Response) -> AsyncIterator[Happening]:
    """The events of a stream; comments are left out."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if not line and fields:
            yield Happening(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


@dataclass
class School:
    """Chat at `url`. `clock` says the time to it, and can be put forward."""

    url: str
    database: Database
    neighbours: Neighbours
    ahead: timedelta = timedelta()
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    state: Any = None

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Database, neighbours: Neighbours, **settings: Any) -> AsyncIterator[Self]:
        school = cls("", database, neighbours)
        known: Json = {
            "environment": "test",
            "database_url": database.url,
            "auth_url": neighbours.url,
            "ingestion_url": neighbours.url,
            "redis_url": neighbours.redis_url,
        }
        known |= {"shutdown_grace_seconds": 4.0, "lease_seconds": 3.0}
        async with compose(Settings(**known | settings), school.clock) as process:
            assert isinstance(process.app, FastAPI)
            school.state = process.app.state
            async with serving(process.app) as school.url:
                try:
                    yield school
                finally:
                    for client in school.clients:
                        await client.aclose()

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"Bearer {token}"} if token else {}, timeout=20, verify=False
        )
        self.clients.append(client)
        return client

    def student(self, user_id: UUID | None = None, **claims: Any) -> Student:
        user_id = user_id or uuid4()
        return Student(user_id, self.client(self.neighbours.token(user_id, **claims)))

    async def shelve(
        self, student: Student, title: str = "Biology", *, version: int = 2, document: UUID | None = None
    ) -> UUID:
        document = document or uuid4()
        async with self.database.transaction() as session:
            await Shelf(session).put(document, version, owner=student.id, title=title)
        return document

    async def events(self) -> list[tuple[str, Json]]:
        """What is in the outbox."""
        async with self.database.transaction() as session:
            rows = (await session.execute(text("SELECT type, data FROM outbox ORDER BY position"))).all()
        return [(row.type, json.loads(row.data)) for row in rows]

    async def until_answered(self, student: Student, session: Json) -> Json:
        """The session's last message once it is no longer being answered."""
        async with asyncio.timeout(10):
            while True:
                if (last := (await student.messages(session))[-1])["status"] != "answering":
                    return last
                await asyncio.sleep(0.02)
