"""Search end to end, over HTTP, among 100,000 passages of one student, beside the bare engine on as many vectors."""

import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import numpy as np
import qdrant_edge as edge
from chassis.tokens import SigningKey
from devstack.for_tests import TestServers
from devstack.identities import new_signing_key
from devstack.places import temporary_home
from devstack.waiting import until
from ingestion.embedding import to_bytes
from ingestion.minilm import DIMENSIONS, MiniLM
from ingestion_bench import PORT, published, ready, service, student
from numpy.typing import NDArray

PASSAGES = int(os.environ.get("PASSAGES", "100000"))
DOCUMENTS = 200
SENTENCES = 12
QUESTIONS = 100
VOCABULARY = 30_000
TEXTS = 4_000
NOW = datetime(2026, 11, 20, tzinfo=UTC)
COLUMNS = (
    *("id", "document_id", "user_id", "content_version", "page", "part", "chunk_index"),
    *("start", "end", "text", "embedding", "embedding_model"),
)


def vocabulary() -> list[str]:
    dice = random.Random(3)
    return ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randint(3, 9))) for _ in range(VOCABULARY)]


def texts(words: list[str]) -> list[str]:
    """Some 240 words each, a few of them everywhere and most of them rare, as in any language."""
    dice = random.Random(4)
    weights = [1 / (rank + 10) for rank in range(VOCABULARY)]
    return [" ".join(dice.choices(words, weights, k=240)) for _ in range(TEXTS)]


def questions(written: list[str]) -> list[str]:
    dice = random.Random(5)
    return ["What is " + " ".join(dice.sample(dice.choice(written).split(), 7)) + "?" for _ in range(QUESTIONS)]


def passages(owner: UUID, documents: list[UUID], written: list[str]) -> Iterator[tuple[Any, ...]]:
    noise = np.random.default_rng(1)
    for number in range(PASSAGES):
        sentences = noise.standard_normal((SENTENCES, DIMENSIONS)).astype(np.float32)
        document, index = documents[number % DOCUMENTS], number // DOCUMENTS
        text = written[number % TEXTS]
        yield (
            *(uuid4(), document, owner, 1, 1, 1, index),
            *(0, len(text), text, to_bytes(sentences), MiniLM.name),
        )


async def fill(url: str, owner: UUID, written: list[str]) -> None:
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    await connection.execute("SET search_path TO ingestion")
    documents = [uuid4() for _ in range(DOCUMENTS)]
    await connection.executemany(
        "INSERT INTO document (id, user_id, title, filename, kind, size, sha256, storage_key, status, version, "
        "content_version, pages_read, passages, unreadable_pages, textless_pages, due_at, attempts, created_at, updated_at)"
        " VALUES ($1, $2, 'Book', 'book.pdf', 'pdf', 1, $3, $4, 'ready', 1, 1, 1, 1, 0, 0, $5, 0, $5, $5)",
        [(each, owner, each.bytes, str(each), NOW) for each in documents],
    )
    await connection.copy_records_to_table("passage", records=passages(owner, documents, written), columns=COLUMNS)
    await connection.execute("ANALYZE passage, document")
    await connection.close()


async def measure(key: SigningKey, owner: UUID, asked: list[str]) -> None:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{PORT}", headers=student(key, owner), timeout=30
    ) as client:

        async def complete() -> bool:
            answer = await client.post("/search", json={"query": "anything"})
            return answer.status_code == 200 and answer.json()["complete"]

        await until(lambda: ready(client), seconds=60)
        started = time.perf_counter()
        await until(complete, seconds=600)
        print(f"{PASSAGES:,} passages read into the index in {time.perf_counter() - started:.0f} s")
        took = []
        for question in asked:
            started = time.perf_counter()
            answer = await client.post("/search", json={"query": question, "limit": 8})
            took.append(time.perf_counter() - started)
            assert len(answer.json()["passages"]) == 8
        report("POST /search, one student's", took, "bound p95 40 ms")


def bare_engine(folder: Path) -> None:
    """One vector a passage and nothing else: no words, no owner, no rows."""
    config = edge.EdgeConfig(
        vectors=edge.EdgeVectorParams(DIMENSIONS, edge.Distance.Cosine),
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=2**40),
        max_search_threads=1,
    )
    shard = edge.EdgeShard.create(str(folder), config)
    noise = np.random.default_rng(1)
    for _ in range(0, PASSAGES, 1000):
        vectors = noise.standard_normal((1000, DIMENSIONS)).astype(np.float32)
        points = [edge.Point(uuid4(), vector.tolist(), {}) for vector in vectors]
        shard.update(edge.UpdateOperation.upsert_points(points))
    took = []
    for vector in noise.standard_normal((QUESTIONS, DIMENSIONS)).astype(np.float32):
        started = time.perf_counter()
        shard.query(_nearest(vector))
        took.append(time.perf_counter() - started)
    shard.close()
    report("the bare engine, vectors alone", took, "baseline")


def _nearest(vector: NDArray[np.float32]) -> edge.QueryRequest:
    return edge.QueryRequest(
        limit=50, query=edge.Query.Nearest(vector.tolist()), params=edge.SearchParams(exact=True), with_payload=False
    )


def report(name: str, took: list[float], bound: str) -> None:
    print(
        f"{name:<32} p50 {statistics.median(took) * 1000:6.1f} ms   "
        f"p95 {statistics.quantiles(took, n=20)[-1] * 1000:6.1f} ms   {bound}",
        flush=True,
    )


async def main() -> None:
    key, owner = new_signing_key("bench"), uuid4()
    written = texts(vocabulary())
    servers = TestServers(temporary_home(), os.getpid(), "bench")
    try:
        with servers.database() as database, published(key) as auth, tempfile.TemporaryDirectory() as folder:
            async with service(servers, database, auth, folder, "migrate"):
                pass
            await fill(database, owner, written)
            async with service(servers, database, auth, folder, "api", "index"):
                await measure(key, owner, questions(written))
            bare_engine(Path(folder, "bare"))
    finally:
        servers.disconnect()
        servers.end()


if __name__ == "__main__":
    asyncio.run(main())
