"""Rows that the index follows, models that are none, and an index that runs for the length of a test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from inspect import isawaitable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from chassis.database import Database
from chassis.errors import Unavailable
from devstack import waiting
from ingestion.embedding import Embedder, EmbeddingFailed, Vector, Vectors, to_bytes
from ingestion.index import PassageIndex
from ingestion.models import Document, DocumentStatus, Kind, Passage
from ingestion.search import FoundPassage, LocalSearch, SearchQuery
from ingestion.settings import Settings
from sqlalchemy import delete, text, update
from sqlmodel import col

NOW = datetime(2026, 11, 20, tzinfo=UTC)


async def until(condition: Callable[[], Any], gives: object = True) -> None:
    """Wait until the condition, plain or awaited, gives this."""

    async def holds() -> bool:
        value = condition()
        return bool((await value if isawaitable(value) else value) == gives)

    await waiting.until(holds)


class Words:
    """An `Embedder`: words are directions, and another name turns them elsewhere. It fails while `failing`."""

    def __init__(self, name: str = "words", dimensions: int = 32) -> None:
        self.name = name
        self.size = dimensions
        self.failing = False
        self.open = asyncio.Event()
        self.open.set()
        self.embedded: list[str] = []

    async def dimensions(self) -> int:
        return self.size

    async def embed_passages(self, texts: Sequence[str]) -> list[Vectors]:
        await self.open.wait()
        self.embedded += texts
        return [(await self.embed_query(one))[None] for one in texts]

    async def embed_query(self, text: str) -> Vector:
        if self.failing:
            raise EmbeddingFailed("the model is away", passing=True)
        vector = np.full(self.size, 1e-3, np.float32)
        for word in text.lower().split():
            vector[int.from_bytes(sha256((self.name + word).encode()).digest()[:4]) % self.size] += 1
        return vector / np.float32(np.linalg.norm(vector))

    async def close(self) -> None:
        return None


async def add_document(database: Database, owner: UUID, model: Embedder, *texts: str) -> UUID:
    """A document that has been read, in one transaction."""
    document = Document(
        user_id=owner,
        title="Notes",
        filename="notes.txt",
        kind=Kind.TEXT,
        size=1,
        sha256=uuid4().bytes,
        storage_key=str(uuid4()),
        status=DocumentStatus.READY,
        due_at=NOW,
        created_at=NOW,
        updated_at=NOW,
    )
    async with database.transaction() as session:
        session.add(document)
    await add_passages(database, document.id, owner, model, *texts)
    return document.id


async def add_passages(
    database: Database, document_id: UUID, owner: UUID, model: Embedder, *texts: str, first: int = 0, version: int = 1
) -> None:
    """Further passages of a document."""
    vectors = await model.embed_passages(texts)
    async with database.transaction() as session:
        session.add_all(
            Passage(
                document_id=document_id,
                user_id=owner,
                content_version=version,
                page=None,
                part=1,
                chunk_index=index,
                start=0,
                end=len(one),
                text=one,
                embedding=to_bytes(vector),
                embedding_model=model.name,
            )
            for index, (one, vector) in enumerate(zip(texts, vectors, strict=True), start=first)
        )


async def remove_document(database: Database, document_id: UUID) -> None:
    async with database.transaction() as session:
        await session.execute(delete(Document).where(col(Document.id) == document_id))


async def read_again(database: Database, document_id: UUID, owner: UUID, model: Embedder, *texts: str) -> None:
    """New content: the old passages go, the next version's come."""
    async with database.transaction() as session:
        await session.execute(delete(Passage).where(col(Passage.document_id) == document_id))
        await session.execute(
            update(Document).where(col(Document.id) == document_id).values(content_version=Document.content_version + 1)
        )
    await add_passages(database, document_id, owner, model, *texts, version=2)


async def passage_ids(database: Database) -> set[UUID]:
    async with database.transaction() as session:
        return set((await session.execute(text("SELECT id FROM passage"))).scalars())


def settings_in(folder: Path) -> Settings:
    return Settings(environment="test", data_dir=folder)


@asynccontextmanager
async def running(index: PassageIndex) -> AsyncIterator[PassageIndex]:
    """The role, from the moment it has everything until the block ends."""
    stop = asyncio.Event()
    role = asyncio.create_task(index.run(stop))
    try:
        await until(lambda: role.done() or (bool(index._served) and index._served[0].complete))
        if role.done():
            await role
        yield index
    finally:
        stop.set()
        await asyncio.wait_for(role, 10)
        await index.close()


class Student:
    """Somebody who searches."""

    def __init__(self, database: Database, index: PassageIndex, owner: UUID | None = None) -> None:
        self.id = owner or uuid4()
        self._search = LocalSearch(database, index)

    async def finds(self, query: str, **options: Any) -> list[FoundPassage]:
        return (await self._search.find(SearchQuery(query=query, **options), owner=self.id)).passages

    async def texts(self, query: str, **options: Any) -> list[str]:
        return [passage.quote for passage in await self.finds(query, **options)]

    async def comes_to_find(self, query: str, *wanted: str) -> None:
        """Wait until the best results are these."""

        async def found() -> bool:
            try:
                return (await self.texts(query))[: len(wanted)] == list(wanted)
            except Unavailable:
                return False

        await until(found)


async def indexed_ids(index: PassageIndex, owner: UUID) -> set[UUID]:
    """Every passage of the owner that the shelf in use holds, dead or alive."""
    question = await index.ask("anything")
    return {hit.passage_id for hit in await question.near(owner, None, limit=10_000)}
