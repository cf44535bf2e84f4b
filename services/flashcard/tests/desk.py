"""Flashcard behind real HTTP, and the students who use it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
import uvicorn
from chassis.database import Database
from chassis.storage import Storage
from chassis.tokens import ISSUER, USER_AUDIENCE, SigningKey
from contracts.auth import UserProfileChanged
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flashcard.app import compose
from flashcard.import_work import ImportWork
from flashcard.rollover import Rollovers
from flashcard.settings import Settings
from flashcard.students import Students
from flashcard.upkeep import Upkeep
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

Json = dict[str, Any]


def _signing_key() -> SigningKey:
    private = ec.generate_private_key(ec.SECP256R1())
    formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return SigningKey("test", private.private_bytes(*formats).decode())


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stop = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.stop.wait()


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """The application's URL until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.stop.set()
            await task


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


def _read(response: httpx.Response) -> Json:
    assert response.status_code < 300, response.text
    read: Json = response.json()
    return read


@dataclass
class Desk:
    """Flashcard at `url`; `now` is the time that it is told."""

    database: Database
    now: datetime = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
    url: str = ""
    key: SigningKey = field(default_factory=_signing_key)
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    folder: Path = Path()

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Database, folder: Path, **chosen: Any) -> AsyncIterator[Self]:
        desk = cls(database, folder=folder)
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

    def student(self, *roles: str) -> Student:
        user_id = uuid4()
        issued = self.now - timedelta(days=1)
        claims = {"iss": ISSUER, "aud": USER_AUDIENCE, "sub": str(user_id), "sid": str(uuid4()), "jti": uuid4().hex}
        lives = {"roles": list(roles or ("student",)), "iat": issued, "exp": issued + timedelta(days=3650)}
        token = self.key.sign(claims | lives)
        client = httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=20)
        self.clients.append(client)
        return Student(user_id, client)

    async def knows(self, student: Student, zone: str = "UTC", starts_at: int = 4, version: int = 1) -> None:
        """Auth has told of the student, and the scheduler has looked at the day."""
        profile = UserProfileChanged(
            user_id=student.id,
            version=version,
            email="ada@example.org",
            name="Ada",
            time_zone=zone,
            day_starts_at=starts_at,
            roles=["student"],
        )
        async with self.database.transaction() as session:
            await Students(session, lambda: self.now).put(profile)
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
    def upkeep(self) -> Upkeep:
        """What the role `scheduler` does."""
        return Upkeep(self.database, lambda: self.now, 30.0, self.work)

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
