"""The vector index beside the bare engine, in one run; and how long a question waits for its vector."""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import qdrant_edge as edge
from ingestion.edge_vectors import EdgeLibrary, EdgeShelf
from ingestion.minilm import DIMENSIONS, MiniLM
from ingestion.vectors import PassageVectors, Progress
from ingestion.words import passage_words
from numpy.typing import NDArray

PASSAGES = 120
QUESTIONS = 40
SHELF_PASSAGES = 20_000
WORDS = [
    "market",
    "price",
    "supply",
    "demand",
    "quantity",
    "equilibrium",
    "consumer",
    "surplus",
    "elasticity",
    "income",
    "culture",
    "society",
    "norms",
    "group",
    "class",
]


def passages() -> list[str]:
    """Texts of the length that passages have: 200 to 330 words, some 400 tokens at most."""
    dice = random.Random(1)
    return [" ".join(dice.choices(WORDS, k=dice.randint(200, 330))) + "." for _ in range(PASSAGES)]


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def measure_questions(folder: Path) -> None:
    model = MiniLM(folder)
    first = await seconds(lambda: model.embed_query("What is culture?"))
    await model.close()
    model = MiniLM(folder)
    again = await seconds(lambda: model.embed_query("What is culture?"))
    alone = [await seconds(lambda: model.embed_query("What is a social norm?")) for _ in range(QUESTIONS)]
    filling = asyncio.create_task(model.embed_passages(passages()))
    beside = [await seconds(lambda: model.embed_query("What is a social norm?")) for _ in range(QUESTIONS)]
    await filling
    print(f"embedding a question, ms   p50 {p50(alone):.1f}   while passages are embedded p50 {p50(beside):.1f}")
    print(f"the first one, s           {first:.2f} when the graph is made, {again:.2f} after that")
    await model.close()


def p50(values: Sequence[float]) -> float:
    return statistics.median(values) * 1000


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] * 1000


def directions(count: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(1).standard_normal((count, DIMENSIONS)).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


async def measure_index(folder: Path) -> None:
    library = EdgeLibrary(folder)
    await library.open()
    progress = Progress("bench", DIMENSIONS, 0)
    shelf = await library.create(progress)
    assert isinstance(shelf, EdgeShelf)
    owner, document = uuid4(), uuid4()
    vectors = directions(SHELF_PASSAGES)
    words = [passage_words(text) for text in passages()]
    started = time.perf_counter()
    for at in range(0, SHELF_PASSAGES, 256):
        await shelf.upsert(
            [
                PassageVectors(uuid4(), owner, document, 1, at + i, None, one, words[(at + i) % len(words)])
                for i, one in enumerate(vectors[at : at + 256])
            ]
        )
        await shelf.advance(progress)
    filled = time.perf_counter() - started
    ours, bare = [], []
    for vector in directions(QUESTIONS):
        request = _request(vector, owner)
        started = time.perf_counter()
        shelf._shard.query(request)
        bare.append(time.perf_counter() - started)
        ours.append(await seconds(lambda vector=vector: shelf.search(vector, user_id=owner, limit=20)))  # type: ignore[misc]  # a lambda's default has no type
    print(
        f"search in {SHELF_PASSAGES:,} of one owner, ms   p50 {p50(ours):.1f} p95 {p95(ours):.1f}   "
        f"bare engine p50 {p50(bare):.1f} p95 {p95(bare):.1f}"
    )
    print(f"filling the index, passages/s    {SHELF_PASSAGES / filled:8.0f}")
    await library.close()


def _request(vector: NDArray[np.float32], owner: UUID) -> edge.QueryRequest:
    owned = edge.FieldCondition("user_id", match=edge.MatchValue(str(owner)))
    return edge.QueryRequest(
        limit=20, query=edge.Query.Nearest(vector.tolist()), filter=edge.Filter(must=[owned]), with_payload=False
    )


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await measure_questions(Path(folder, "models"))
        await measure_index(Path(folder, "vectors"))


if __name__ == "__main__":
    asyncio.run(main())
