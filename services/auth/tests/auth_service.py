"""The service in this process, with a clock that tests move, and the people who use it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from auth.app import application, parts_of
from auth.ledgers import LocalLedger
from auth.settings import Settings
from chassis.database import Database
from sqlalchemy import text

PASSWORD = "a calm sea at dawn"
Json = dict[str, Any]


class TestClock:
    """A clock that stands still until a test moves it."""

    __test__ = False

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **duration: float) -> None:
        """Move by a `timedelta`'s arguments."""
        self.now += timedelta(**duration)


@dataclass
class Person:
    """Somebody who is signed in."""

    user: Json
    access_token: str
    refresh_token: str
    client: httpx.AsyncClient

    @property
    def id(self) -> str:
        return str(self.user["id"])

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, headers=self.headers, **options)

    async def patch(self, path: str, body: Json) -> httpx.Response:
        return await self.client.patch(path, headers=self.headers, json=body)

    async def post(self, path: str, body: Json | None = None) -> httpx.Response:
        return await self.client.post(path, headers=self.headers, json=body)

    async def delete(self, path: str) -> httpx.Response:
        return await self.client.delete(path, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


class Service:
    """Auth, as its callers see it, and a look into its outbox."""

    def __init__(self, database: Database, clock: TestClock, settings: Settings) -> None:
        self.database = database
        self.clock = clock
        self.settings = settings
        self.parts = parts_of(settings, database, LocalLedger(clock), clock)
        self.app = application(self.parts)
        self.client = self.from_address("203.0.113.7")

    def from_address(self, address: str, agent: str = "tests") -> httpx.AsyncClient:
        """A client whose address the gateway says."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://auth",
            headers={"X-Forwarded-For": address, "User-Agent": agent},
        )

    def email(self) -> str:
        """An address that nobody has."""
        return f"student-{uuid4().hex[:8]}@example.org"

    async def sign_up(self, client: httpx.AsyncClient | None = None, **said: Any) -> Person:
        """Somebody new, signed in."""
        body = {"email": self.email(), "password": PASSWORD, "name": "Ada", "time_zone": "Europe/Berlin"} | said
        answer = await (client or self.client).post("/auth/signup", json=body)
        assert answer.status_code == 201, answer.text
        return self.person(answer, client)

    async def log_in(
        self, email: str, password: str = PASSWORD, client: httpx.AsyncClient | None = None
    ) -> httpx.Response:
        return await (client or self.client).post("/auth/login", json={"email": email, "password": password})

    async def refresh(self, token: str) -> httpx.Response:
        return await self.client.post("/auth/refresh", json={"refresh_token": token})

    async def sign_in(self, person: Person, client: httpx.AsyncClient | None = None) -> Person:
        """The same person once more, on another device."""
        answer = await self.log_in(person.user["email"], client=client)
        assert answer.status_code == 200, answer.text
        return self.person(answer, client)

    async def admin(self) -> Person:
        """Somebody with the role admin, signed in with it."""
        person = await self.sign_up(name="Root")
        await self.execute("UPDATE auth.account SET roles = '{admin,student}' WHERE id = :id", id=person.id)
        return await self.sign_in(person)

    def person(self, answer: httpx.Response, client: httpx.AsyncClient | None = None) -> Person:
        body = answer.json()
        return Person(body["user"], body["access_token"], body["refresh_token"], client or self.client)

    async def service_token(self, audience: str = "auth", **more: Any) -> httpx.Response:
        known = self.settings.secret_by_service["gateway"]
        body = {"service": "gateway", "secret": known, "audience": audience} | more
        return await self.client.post("/internal/service-tokens", json=body)

    async def events(self, kind: str | None = None) -> list[Json]:
        """What the outbox holds, the oldest first."""
        rows = await self.rows("SELECT type, data, aggregate_version FROM auth.outbox ORDER BY position")
        events = [json.loads(row["data"]) | {"type": row["type"]} for row in rows]
        return [event for event in events if kind in (None, event["type"])]

    async def links(self, kind: str) -> list[str]:
        """The tokens of the links that mails of a kind were asked for with, the oldest first."""
        events = await self.events("auth.email.requested.v1")
        links = [self.parts.ring.open(event["sealed_link"]) for event in events if event["kind"] == kind]
        return [link.partition("#token=")[2] for link in links]

    async def rows(self, statement: str, **values: Any) -> list[Json]:
        async with self.database.transaction() as session:
            return [dict(row) for row in (await session.execute(text(statement), values)).mappings()]

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.database.transaction() as session:
            await session.execute(text(statement), values)
