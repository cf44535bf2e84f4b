"""Qdrant's engine inside this process: a folder per shelf, for a laptop.

The engine holds Python's global lock while it works. So shelves have no graph, and a search compares with all of the user's
vectors: 4 ms at 100,000 passages (the README has more), where building a graph would stop the process for minutes. Words
stand in lists, which are there at once.
"""

import asyncio
import fcntl
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from logging import getLogger
from pathlib import Path
from typing import IO, Any, TypeVar
from uuid import UUID

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from ingestion.vectors import (
    PROGRESS_ID,
    WORDS,
    Hit,
    LibraryTaken,
    PassageVectors,
    Progress,
    Shelf,
    new_name,
    progress_vector,
)
from ingestion.words import Words

log = getLogger(__name__)
T = TypeVar("T")

NEVER_KIB = 2**40
"""No shelf is ever so large that a graph is built for it."""
FLUSH_POINTS = 10_000
"""What the engine's log may hold beyond its segments: 2/3 s to read again after a kill. A flush stops the process for as
long as the shelf is large (0.2 s at 50,000 passages), so there is none for each batch."""


class EdgeShelf:
    """A `Shelf` in a folder. All of the engine runs on the library's one thread."""

    def __init__(self, name: str, shard: edge.EdgeShard, thread: ThreadPoolExecutor) -> None:
        self.name = name
        self._shard = shard
        self._thread = thread
        self._unflushed = 0

    async def upsert(self, passages: Sequence[PassageVectors]) -> None:
        self._unflushed += len(passages)
        points = [edge.Point(p.passage_id, _both(p), p.payload()) for p in passages]
        await self._update(edge.UpdateOperation.upsert_points(points))

    async def delete_document(self, document_id: UUID, *, below_version: int | None = None) -> None:
        conditions: list[edge.ConditionType] = [_equals("document_id", document_id)]
        if below_version is not None:
            conditions.append(edge.FieldCondition("content_version", range=edge.RangeFloat(lt=below_version)))
        await self._update(edge.UpdateOperation.delete_points_by_filter(edge.Filter(must=conditions)))

    async def delete_user(self, user_id: UUID) -> None:
        await self._update(
            edge.UpdateOperation.delete_points_by_filter(edge.Filter(must=[_equals("user_id", user_id)]))
        )

    async def search(
        self,
        vector: NDArray[np.float32],
        *,
        user_id: UUID,
        document_ids: Collection[UUID] | None = None,
        limit: int,
    ) -> list[Hit]:
        query = edge.Query.Nearest(vector.tolist())
        return await self._query(query, edge.SearchParams(exact=True), _within(user_id, document_ids), limit)

    async def search_words(
        self, words: Words, *, user_id: UUID, document_ids: Collection[UUID] | None = None, limit: int
    ) -> list[Hit]:
        query = edge.Query.Nearest(edge.SparseVector(words.numbers, words.weights), using=WORDS)
        owned = edge.SearchParams(idf=edge.IdfParams(corpus=_within(user_id, None)))
        return await self._query(query, owned, _within(user_id, document_ids), limit) if words.numbers else []

    async def _query(self, query: edge.Query, params: edge.SearchParams, within: edge.Filter, limit: int) -> list[Hit]:
        request = edge.QueryRequest(limit=limit, query=query, filter=within, params=params, with_payload=False)
        found = await self._do(lambda: self._shard.query(request))
        return [Hit(UUID(str(point.id)), point.score) for point in found]

    async def missing(self, passage_ids: Collection[UUID]) -> set[UUID]:
        found = await self._do(lambda: self._shard.retrieve(list(passage_ids), with_payload=False, with_vector=False))
        return set(passage_ids) - {UUID(str(point.id)) for point in found}

    async def versions(self, passage_ids: Collection[UUID]) -> dict[UUID, int]:
        wanted: list[int | UUID | str] = list(passage_ids)
        return _versions(await self._do(lambda: self._shard.retrieve(wanted, with_payload=True, with_vector=False)))

    async def page(self, after: UUID | None, limit: int) -> dict[UUID, int]:
        # From the last point on; the first of all is the progress.
        request = edge.ScrollRequest(offset=after or PROGRESS_ID, limit=limit + 1, with_payload=True, with_vector=False)
        points, _ = await self._do(lambda: self._shard.scroll(request))
        found = _versions([point for point in points if UUID(str(point.id)) != after])
        return dict(islice(found.items(), limit))

    async def count(self) -> int:
        return await self._do(lambda: self._shard.count(edge.CountRequest(exact=True))) - 1

    async def progress(self) -> Progress:
        return await self._do(lambda: _progress(self._shard))

    async def advance(self, progress: Progress) -> None:
        # The log is written in order, so the cursor in it is never ahead of what it speaks of, whatever is cut off.
        await self._do(lambda: _advance(self._shard, progress))
        if self._unflushed >= FLUSH_POINTS:
            self._unflushed = 0
            await self._do(self._shard.flush)

    async def close(self) -> None:
        await self._do(self._shard.flush)
        await self._do(self._shard.close)

    async def _update(self, operation: edge.UpdateOperation) -> None:
        await self._do(lambda: self._shard.update(operation))

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class EdgeLibrary:
    """A `Library` in a folder that one process owns."""

    shared = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, "vectors")
        self._lock: IO[str] | None = None
        self._shelves: dict[str, EdgeShelf] = {}

    async def open(self) -> None:
        self._lock = await asyncio.to_thread(_own, self._folder)

    async def shelves(self) -> list[Shelf]:
        for path in sorted(path for path in self._folder.iterdir() if path.is_dir() and path.name not in self._shelves):
            try:
                shard = await self._do(lambda path=path: _load(path))  # type: ignore[misc]  # a lambda's default has no type
            except Exception as error:  # the engine raises bare Exceptions
                log.warning("the index in %s cannot be read, so it is made again: %s", path, error)
                await self._do(lambda path=path: shutil.rmtree(path))  # type: ignore[misc]  # likewise
                continue
            self._shelves[path.name] = EdgeShelf(path.name, shard, self._thread)
        return list(self._shelves.values())

    async def create(self, progress: Progress) -> Shelf:
        name = new_name(progress.model)
        shard = await self._do(lambda: _create(self._folder / name, progress))
        self._shelves[name] = EdgeShelf(name, shard, self._thread)
        return self._shelves[name]

    async def remove(self, name: str) -> None:
        if (shelf := self._shelves.pop(name, None)) is not None:
            await shelf.close()
        await self._do(lambda: shutil.rmtree(self._folder / name, ignore_errors=True))

    async def close(self) -> None:
        while self._shelves:
            await self._shelves.popitem()[1].close()
        await asyncio.to_thread(self._thread.shutdown)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _own(folder: Path) -> IO[str]:
    """The lock on the folder, which the system releases when its owner dies."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "owner").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise LibraryTaken(
            f"The vector index in {folder} is in use by process {owner}. One process owns it: stop that one, let this one "
            "run without the role index, or set INGESTION_QDRANT_URL to a Qdrant server, which many can use."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _config(dimensions: int) -> edge.EdgeConfig:
    return edge.EdgeConfig(
        # A byte a dimension is a third of the time to go through; a cosine of textbooks changes by 0.0015 at most (see the README).
        vectors=edge.EdgeVectorParams(dimensions, edge.Distance.Cosine, datatype=edge.VectorStorageDatatype.Turbo8),
        sparse_vectors={WORDS: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=NEVER_KIB),
        max_search_threads=1,
    )


def _create(folder: Path, progress: Progress) -> edge.EdgeShard:
    shard = edge.EdgeShard.create(str(folder), _config(progress.dimensions))
    for field, kind in (("user_id", edge.UuidIndexParams(is_tenant=True)), ("document_id", edge.UuidIndexParams())):
        shard.update(edge.UpdateOperation.create_field_index(field, kind))
    _advance(shard, progress)
    return shard


def _load(folder: Path) -> edge.EdgeShard:
    shard = edge.EdgeShard.load(str(folder))
    try:
        _progress(shard)
        # Takes out what was deleted. Only here: it stops the process while it runs.
        shard.optimize()
    except BaseException:
        shard.close()
        raise
    return shard


def _progress(shard: edge.EdgeShard) -> Progress:
    (point,) = shard.retrieve([PROGRESS_ID], with_payload=True, with_vector=False)
    return Progress.of(point.payload or {})


def _advance(shard: edge.EdgeShard, progress: Progress) -> None:
    point = edge.Point(PROGRESS_ID, progress_vector(progress.dimensions), progress.payload())
    shard.update(edge.UpdateOperation.upsert_points([point]))


def _versions(points: Sequence[edge.Record]) -> dict[UUID, int]:
    payloads = {UUID(str(point.id)): point.payload or {} for point in points}
    return {id_: payload["content_version"] for id_, payload in payloads.items() if id_ != PROGRESS_ID}


def _both(passage: PassageVectors) -> dict[str, Any]:
    words = edge.SparseVector(passage.words.numbers, passage.words.weights)
    return {"": passage.vector.tolist(), WORDS: words}


def _within(user_id: UUID, document_ids: Collection[UUID] | None) -> edge.Filter:
    conditions: list[edge.ConditionType] = [_equals("user_id", user_id)]
    if document_ids is not None:
        named = edge.MatchAny([str(document) for document in document_ids])
        conditions.append(edge.FieldCondition("document_id", match=named))
    return edge.Filter(must=conditions)


def _equals(field: str, value: UUID) -> edge.FieldCondition:
    return edge.FieldCondition(field, match=edge.MatchValue(str(value)))
