"""The service in this process: a clock that tests move, a model that is none, students who upload."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
import numpy as np
from chassis.database import Database
from chassis.identity import TokenVerifier
from chassis.storage import Storage
from chassis.tokens import SigningKey, parse_jwks
from devstack.identities import new_signing_key, user_token
from ingestion.app import Parts, application, sweeper
from ingestion.embedding import Vector, Vectors
from ingestion.index import PassageIndex
from ingestion.jobs import Jobs
from ingestion.likeness import LocalLikeness
from ingestion.processing import Processing, Terms
from ingestion.reading.children import Children
from ingestion.reading.limits import ReadingLimits
from ingestion.search import SearchAnswer, SearchQuery
from ingestion.settings import Settings
from mesh import EphemeralEvent
from sqlalchemy import text

Json = dict[str, Any]


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **duration: float) -> None:
        """Move by a `timedelta`'s arguments."""
        self.now += timedelta(**duration)


class RealTime(Clock):
    """Moves by itself."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


class WordHashes:
    """An `Embedder` without a model: words are dimensions."""

    name = "word-hashes"

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.failing: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def dimensions(self) -> int:
        return 16

    async def embed_passages(self, texts: Sequence[str]) -> list[Vectors]:
        self.batches.append(len(texts))
        await self.open.wait()
        if self.failing is not None:
            raise self.failing
        return [np.stack([await self.embed_query(one)]) for one in texts]

    async def embed_query(self, text: str) -> Vector:
        vector = np.zeros(16, np.float32)
        for word in text.lower().split():
            vector[sha256(word.encode()).digest()[0] % 16] += 1
        length = np.linalg.norm(vector)
        return (vector / length if length else vector).astype(np.float32)

    async def close(self) -> None:
        return None


class NothingFound:
    """A `Search` that remembers who asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[SearchQuery, UUID, str]] = []

    async def find(self, query: SearchQuery, *, owner: UUID, token: str) -> SearchAnswer:
        self.asked.append((query, owner, token))
        return SearchAnswer(passages=[], answerable=False)


@dataclass
class Newsstand:
    """Keeps what would have been published."""

    told: list[EphemeralEvent] = field(default_factory=list)

    async def publish(self, event: EphemeralEvent) -> None:
        self.told.append(event)


class KnownKeys:
    """A `KeySource` of one key."""

    def __init__(self, key: SigningKey) -> None:
        self._keys = parse_jwks({"keys": [key.public_jwk()]})

    async def keys(self) -> Any:
        return self._keys


class Student:
    """Somebody with a token."""

    def __init__(self, service: "Service", **claims: Any) -> None:
        self.id = uuid4()
        self._service = service
        self.headers = {"Authorization": f"Bearer {service.token(self.id, **claims)}"}

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        options["headers"] = self.headers | options.get("headers", {})
        return await self._service.client.request(method, path, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("GET", path, **options)

    async def send(self, content: bytes, name: str = "notes.txt", **headers: str) -> httpx.Response:
        """Upload it."""
        return await self.request("POST", "/documents", files={"file": (name, content)}, headers=headers)

    async def upload(self, content: bytes, name: str = "notes.txt") -> Json:
        """Upload what is accepted: the document."""
        answer = await self.send(content, name)
        assert answer.status_code == 202, answer.text
        document: Json = answer.json()
        return document

    async def document(self, document_id: str) -> Json:
        answer = await self.get(f"/documents/{document_id}")
        assert answer.status_code == 200, answer.text
        document: Json = answer.json()
        return document

    async def read(self, content: bytes, name: str = "notes.txt") -> Json:
        """Upload it and have it read: the document afterwards."""
        uploaded = await self.upload(content, name)
        await self._service.process(uploaded["id"])
        return await self.document(uploaded["id"])


class Service:
    """Ingestion, as its callers see it, and a look into its rows."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self.settings = settings
        self.database = database
        self.clock = clock
        self.children = Children(ReadingLimits(page_seconds=10, cpu_seconds=10))  # starts when it is needed
        self.files = Path(settings.data_dir, "ingestion", "files")
        self.embedder = WordHashes()
        self.news = Newsstand()
        self.search = NothingFound()
        self.local_search = NothingFound()
        self.stop = asyncio.Event()
        self.key = new_signing_key()
        self.jobs = Jobs(settings.redis_url)
        self.parts = Parts(
            settings=settings,
            database=database,
            storage=Storage(settings.storage),
            jobs=self.jobs,
            embedder=self.embedder,
            index=PassageIndex(settings, database, self.embedder),
            search=self.search,
            local_search=self.local_search,
            likeness=LocalLikeness(self.embedder),
            verifier=TokenVerifier(KnownKeys(self.key), clock=clock),
            clock=clock,
        )
        self.app = application(self.parts, {"database": database.check, "storage": self.parts.storage.check})
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://ingestion")
        self.sweeper = sweeper(self.parts)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.children.__aexit__(*error)
        await self.client.aclose()
        await self.jobs.close()

    def token(self, user_id: UUID, **claims: Any) -> str:
        """An access token as auth signs them."""
        now = int(self.clock().timestamp())
        return user_token(self.key, user_id, **{"iat": now, "exp": now + 900} | claims)

    def student(self, **claims: Any) -> Student:
        return Student(self, **claims)

    @cached_property
    def processing(self) -> Processing:
        """What a worker has."""
        return Processing(
            database=self.database,
            storage=self.parts.storage,
            children=self.children,
            embedder=self.embedder,
            news=self.news,
            terms=Terms(self.settings.worker_lease, self.settings.worker_attempts),
            clock=self.clock,
            stop=self.stop,
        )

    async def process(self, document_id: str) -> None:
        """What a worker does with a hint."""
        await self.processing.process(UUID(document_id))

    async def events(self, kind: str = "") -> list[Json]:
        """What the outbox holds, the oldest first; `kind` such as processed."""
        rows = await self.rows("SELECT type, data FROM outbox ORDER BY position")
        events = [json.loads(row["data"]) | {"type": row["type"]} for row in rows]
        return [event for event in events if kind in event["type"]]

    async def rows(self, statement: str, **values: Any) -> list[Json]:
        async with self.database.transaction() as session:
            return [dict(row) for row in (await session.execute(text(statement), values)).mappings()]

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.database.transaction() as session:
            await session.execute(text(statement), values)

    async def count(self, table: str) -> int:
        return int((await self.rows(f"SELECT count(*) FROM {table}"))[0]["count"])

    def stored_files(self) -> list[Path]:
        """Every file of the storage, finished or not."""
        return [path for path in self.files.rglob("*") if path.is_file()]

    async def assert_nothing_left(self) -> None:
        """No file, no row that a refused upload could have made, nothing said."""
        assert self.stored_files() == []
        for table in ("document", "page", "passage", "stray_file", "idempotency_key", "outbox"):
            assert await self.count(table) == 0, table
