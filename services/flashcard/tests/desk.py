"""Flashcard behind real HTTP, and the students who use it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
from chassis.database import Database
from chassis.storage import Storage
from chassis.tokens import SigningKey
from contracts.auth import UserProfileChanged
from devstack.identities import new_signing_key, user_token
from devstack.serving import serving
from flashcard.app import compose
from flashcard.import_work import ImportWork
from flashcard.replay_work import ReplayWork
from flashcard.rollover import Rollovers
from flashcard.settings import Settings
from flashcard.students import Students
from flashcard.upkeep import Upkeep
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Json = dict[str, Any]
STARTED = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@dataclass
class Student:
    """A signed-in user."""

    id: UUID
    http: httpx.AsyncClient

    async def get(self, path: str, **params: Any) -> Json:
        return _read(await self.http.get(path, params=params))

    async def post(self, path: str, **body: Any) -> Json:
        return _read(await self.http.post(path, json=body))

    async def writes(self, question: str = "What is a cell?", answer: str = "The unit of life", **body: Any) -> Json:
        """A new card, the first of its note."""
        made = await self.post("/flashcards", question=question, answer=answer, **body)
        card: Json = made["cards"][0]
        return card

    async def reviews(self, card: Json, rating: str = "good", **body: Any) -> Json:
        """The card after a review."""
        after: Json = (await self.post(f"/flashcards/{card['id']}/review", rating=rating, **body))["card"]
        return after

    async def queue(self, **params: Any) -> Json:
        return await self.get("/flashcards/due", **params)

    def profile(self, zone: str = "UTC", starts_at: int = 4, version: int = 1) -> UserProfileChanged:
        """What auth says of the student."""
        return UserProfileChanged(
            user_id=self.id,
            version=version,
            email="ada@example.org",
            name="Ada",
            time_zone=zone,
            day_starts_at=starts_at,
            roles=["student"],
        )


def _read(response: httpx.Response) -> Json:
    assert response.status_code < 300, response.text
    read: Json = response.json()
    return read


@dataclass
class Desk:
    """Flashcard at `url`; `now` is the time that it is told."""

    database: Database
    now: datetime = STARTED
    url: str = ""
    key: SigningKey = field(default_factory=new_signing_key)
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    folder: Path = Path()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, database: Database, folder: Path, now: datetime = STARTED, **chosen: Any
    ) -> AsyncIterator[Self]:
        desk = cls(database, now, folder=folder)
        keys = Starlette(routes=[Route("/.well-known/jwks.json", desk._keys)])
        async with serving(keys) as auth_url:
            settings = Settings(
                environment="test", database_url=database.url, auth_url=auth_url, data_dir=folder, **chosen
            )
            async with compose(settings, lambda: desk.now) as process:
                assert process.app is not None
                async with serving(process.app) as desk.url:
                    yield desk
                    for client in desk.clients:
                        await client.aclose()

    def student(self, *roles: str, user_id: UUID | None = None) -> Student:
        user_id = user_id or uuid4()
        issued = self.now - timedelta(days=1)
        lives = {"roles": list(roles or ("student",)), "iat": issued, "exp": issued + timedelta(days=3650)}
        token = user_token(self.key, user_id, **lives)
        client = httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=20)
        self.clients.append(client)
        return Student(user_id, client)

    async def knows(self, student: Student, zone: str = "UTC", starts_at: int = 4, version: int = 1) -> None:
        """Auth has told of the student, and the scheduler has looked at the day."""
        async with self.database.transaction() as session:
            await Students(session, lambda: self.now).put(student.profile(zone, starts_at, version))
        async with self.database.transaction() as session:
            await Rollovers(session).turn(self.now)

    async def told(self, kind: str) -> list[Json]:
        """The events of this kind in the outbox."""
        return [event for name, event in await self.events() if name == f"flashcard.{kind}.v1"]

    @property
    def storage(self) -> Storage:
        """Where media and files to be imported are."""
        return Storage(Settings(data_dir=self.folder).storage)

    @property
    def work(self) -> ImportWork:
        """What the role `worker` does."""
        return ImportWork(self.database, self.storage, lambda: self.now)

    @property
    def replays(self) -> ReplayWork:
        """What the role `worker` does, too."""
        return ReplayWork(self.database, lambda: self.now)

    @property
    def upkeep(self) -> Upkeep:
        """What the role `scheduler` does."""
        return Upkeep(self.database, lambda: self.now, 30.0, imports=self.work, storage=self.storage)

    def later(self, **time: float) -> None:
        """Put the clock forward."""
        self.now += timedelta(**time)

    async def events(self) -> list[tuple[str, Json]]:
        """What is in the outbox."""
        async with self.database.transaction() as session:
            rows = (await session.execute(text("SELECT type, data FROM outbox ORDER BY position"))).all()
        return [(row.type, json.loads(row.data)) for row in rows]

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.public_jwk()]})
