"""A Qdrant server: a collection per shelf, for many processes."""

from collections.abc import Collection, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from ingestion.vectors import (
    PREFIX,
    PROGRESS_ID,
    WORDS,
    Hit,
    PassageVectors,
    Progress,
    Shelf,
    new_name,
    progress_vector,
)
from ingestion.words import Words

TENANT_LINKS = 16
"""Links of a point inside its owner's graph; there is no graph across owners."""


class QdrantShelf:
    """A `Shelf` in a collection."""

    def __init__(self, name: str, client: AsyncQdrantClient) -> None:
        self.name = name
        self._client = client

    async def upsert(self, passages: Sequence[PassageVectors]) -> None:
        if passages:
            points = [models.PointStruct(id=str(p.passage_id), vector=_both(p), payload=p.payload()) for p in passages]
            await self._client.upsert(self.name, points, wait=True)

    async def delete_document(self, document_id: UUID, *, below_version: int | None = None) -> None:
        conditions: list[models.Condition] = [_equals("document_id", document_id)]
        if below_version is not None:
            conditions.append(models.FieldCondition(key="content_version", range=models.Range(lt=below_version)))
        await self._delete(conditions)

    async def delete_user(self, user_id: UUID) -> None:
        await self._delete([_equals("user_id", user_id)])

    async def search(
        self,
        vector: NDArray[np.float32],
        *,
        user_id: UUID,
        document_ids: Collection[UUID] | None = None,
        limit: int,
    ) -> list[Hit]:
        answer = await self._client.query_points(
            self.name,
            query=vector.tolist(),
            query_filter=_within(user_id, document_ids),
            limit=limit,
            with_payload=False,
        )
        return [Hit(UUID(str(point.id)), point.score) for point in answer.points]

    async def search_words(
        self, words: Words, *, user_id: UUID, document_ids: Collection[UUID] | None = None, limit: int
    ) -> list[Hit]:
        if not words.numbers:
            return []
        answer = await self._client.query_points(
            self.name,
            query=models.SparseVector(indices=words.numbers, values=words.weights),
            using=WORDS,
            query_filter=_within(user_id, document_ids),
            search_params=models.SearchParams(idf=models.IdfCorpusParams(corpus=_within(user_id, None))),
            limit=limit,
            with_payload=False,
        )
        return [Hit(UUID(str(point.id)), point.score) for point in answer.points]

    async def missing(self, passage_ids: Collection[UUID]) -> set[UUID]:
        wanted = [str(passage_id) for passage_id in passage_ids]
        found = await self._client.retrieve(self.name, wanted, with_payload=False)
        return set(passage_ids) - {UUID(str(point.id)) for point in found}

    async def versions(self, passage_ids: Collection[UUID]) -> dict[UUID, int]:
        wanted = [str(passage_id) for passage_id in passage_ids]
        return _versions(await self._client.retrieve(self.name, wanted, with_payload=["content_version"]))

    async def page(self, after: UUID | None, limit: int) -> dict[UUID, int]:
        # From the last point on; the first of all is the progress.
        start = str(after or PROGRESS_ID)
        points, _ = await self._client.scroll(
            self.name, offset=start, limit=limit + 1, with_payload=["content_version"], with_vectors=False
        )
        found = _versions([point for point in points if UUID(str(point.id)) != after])
        return dict(islice(found.items(), limit))

    async def count(self) -> int:
        return (await self._client.count(self.name, exact=True)).count - 1

    async def progress(self) -> Progress:
        (point,) = await self._client.retrieve(self.name, [str(PROGRESS_ID)], with_payload=True)
        return Progress.of(point.payload or {})

    async def advance(self, progress: Progress) -> None:
        vector = progress_vector(progress.dimensions)
        point = models.PointStruct(id=str(PROGRESS_ID), vector=vector, payload=progress.payload())
        await self._client.upsert(self.name, [point], wait=True)

    async def _delete(self, conditions: list[models.Condition]) -> None:
        selector = models.FilterSelector(filter=models.Filter(must=conditions))
        await self._client.delete(self.name, selector, wait=True)


class QdrantLibrary:
    """A `Library` on a server. Collections whose names do not start with `PREFIX` are somebody else's."""

    shared = True

    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client

    async def open(self) -> None:
        await self._client.get_collections()

    async def shelves(self) -> list[Shelf]:
        return [shelf for shelf, finished in await self._found() if finished]

    async def create(self, progress: Progress) -> Shelf:
        # One process writes at a time, so what is unfinished now was left by one that died.
        for left, finished in await self._found():
            if not finished:
                await self.remove(left.name)
        shelf = QdrantShelf(new_name(progress.model), self._client)
        await self._client.create_collection(
            shelf.name,
            vectors_config=models.VectorParams(
                size=progress.dimensions, distance=models.Distance.COSINE, datatype=models.Datatype.FLOAT16
            ),
            sparse_vectors_config={WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            hnsw_config=models.HnswConfigDiff(m=0, payload_m=TENANT_LINKS),
        )
        uuid = models.UuidIndexType.UUID
        for field, tenant in (("user_id", True), ("document_id", False)):
            kind = models.UuidIndexParams(type=uuid, is_tenant=tenant)
            await self._client.create_payload_index(shelf.name, field, kind, wait=True)
        await shelf.advance(progress)
        return shelf

    async def remove(self, name: str) -> None:
        await self._client.delete_collection(name)

    async def close(self) -> None:
        await self._client.close()

    async def _found(self) -> list[tuple[QdrantShelf, bool]]:
        """Every collection of ours, and whether its making was finished."""
        names = [each.name for each in (await self._client.get_collections()).collections]
        shelves = [QdrantShelf(name, self._client) for name in sorted(names) if name.startswith(PREFIX)]
        return [(shelf, await self._is_finished(shelf)) for shelf in shelves]

    async def _is_finished(self, shelf: QdrantShelf) -> bool:
        try:
            return bool(await self._client.retrieve(shelf.name, [str(PROGRESS_ID)], with_payload=False))
        except UnexpectedResponse as error:
            if error.status_code == HTTPStatus.NOT_FOUND:  # removed in this moment
                return False
            raise


def _versions(points: Sequence[models.Record]) -> dict[UUID, int]:
    payloads = {UUID(str(point.id)): point.payload or {} for point in points}
    return {id_: payload["content_version"] for id_, payload in payloads.items() if id_ != PROGRESS_ID}


def _both(passage: PassageVectors) -> dict[str, Any]:
    words = models.SparseVector(indices=passage.words.numbers, values=passage.words.weights)
    return {"": passage.vector.tolist(), WORDS: words}


def _within(user_id: UUID, document_ids: Collection[UUID] | None) -> models.Filter:
    conditions: list[models.Condition] = [_equals("user_id", user_id)]
    if document_ids is not None:
        named = models.MatchAny(any=[str(document) for document in document_ids])
        conditions.append(models.FieldCondition(key="document_id", match=named))
    return models.Filter(must=conditions)


def _equals(field: str, value: UUID) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchValue(value=str(value)))
