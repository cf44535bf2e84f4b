"""Finding the passages of a student's own documents that speak of a question."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import httpx
from chassis.database import Database
from chassis.errors import Invalid, Problem, TooLarge, Unavailable
from pydantic import BaseModel, Field
from sqlalchemy import ARRAY, Row, Uuid, any_, bindparam, select
from sqlmodel import col

from ingestion.embedding import from_bytes
from ingestion.index import PassageIndex, Question
from ingestion.models import Document, Passage
from ingestion.ranking import Candidate, best_first, nearest
from ingestion.vectors import Hit

LONGEST_QUERY = 8000
"""Characters. A question is shorter; who sends more has sent a document."""
CANDIDATES = 30
"""Passages that are looked at closely: so many by meaning, and so many by words. 20 did as well (see the README)."""
MOST_HITS = 2000
"""Asked for at most, where so many that an index names are gone."""
REMOTE_SECONDS = 15.0

ANSWERABLE_SCORES = {"all-MiniLM-L6-v2": 0.5}
"""The least cosine of the best passage at which a question is likely to have an answer in the material (see the README)."""


# Written once: writing it for each search took longer than PostgreSQL takes to answer.
_LIVE_PASSAGES: Any = (
    select(
        *(col(column) for column in (Passage.id, Passage.document_id, Passage.page, Passage.part, Passage.chunk_index)),
        *(col(column) for column in (Passage.text, Passage.start, Passage.end, Document.title)),
        *(col(column) for column in (Passage.embedding, Passage.embedding_model)),
    )
    .join(Document, col(Document.id) == col(Passage.document_id))
    .where(
        col(Passage.id) == any_(bindparam("passage_ids", type_=ARRAY(Uuid))),
        col(Document.user_id) == bindparam("owner"),
        col(Passage.content_version) == col(Document.content_version),
    )
)


class SearchQuery(BaseModel):
    """The body of `POST /search`."""

    query: str = Field(description=f"What to look for, up to {LONGEST_QUERY} characters")
    limit: int = Field(default=10, ge=1, le=50)
    document_ids: list[UUID] | None = Field(
        default=None, min_length=1, max_length=1000, description="Search in these alone; left out, in all"
    )

    @property
    def text(self) -> str:
        """The question; raises `Invalid` or `TooLarge`."""
        if len(self.query) > LONGEST_QUERY:
            raise TooLarge(
                f"The query has {len(self.query)} characters; {LONGEST_QUERY} is the most. Ask a shorter question."
            )
        if not (text := self.query.strip()):
            raise Invalid("The query is empty. Write what to look for.")
        return text


class FoundPassage(BaseModel):
    """One passage: the exact text that stands in the document, and where."""

    passage_id: UUID
    document_id: UUID
    document_title: str
    page: int | None = Field(description="The page to cite; null where the format has none")
    part: int = Field(description="`GET /documents/{id}/pages/{part}` has the text that `start` and `end` count in")
    chunk_index: int
    quote: str
    start: int
    end: int
    score: float = Field(
        description="How near the passage's nearest sentence is to the question: their cosine, 0 to 1. Passages come in the "
        "order of their relevance, for which shared words count too, so a score may be above the one before it"
    )


class SearchAnswer(BaseModel):
    """Passages, best first."""

    passages: list[FoundPassage]
    answerable: bool = Field(description="Whether any passage is near enough to hold an answer at all")
    complete: bool = Field(default=True, description="False while the index is filled again: more may be found later")


class Search(Protocol):
    """What api.py calls; `owner` is the token's user, and nobody else's passage is ever returned."""

    async def find(self, query: SearchQuery, *, owner: UUID, token: str) -> SearchAnswer: ...


class LocalSearch:
    """Answers from the index in this process. `least_score` replaces what was measured for the model."""

    def __init__(self, database: Database, index: PassageIndex, *, least_score: float | None = None) -> None:
        self._database = database
        self._index = index
        self._least_score = least_score

    async def find(self, query: SearchQuery, *, owner: UUID, token: str = "") -> SearchAnswer:
        question = await self._index.ask(query.text)
        live, candidates = await self._candidates(question, query, owner)
        least = ANSWERABLE_SCORES.get(question.model, 0.0) if self._least_score is None else self._least_score
        return SearchAnswer(
            passages=[_found(live[one.passage_id], one.cosine) for one in best_first(candidates)[: query.limit]],
            answerable=any(one.cosine >= least for one in candidates),
            complete=question.complete,
        )

    async def _candidates(
        self, question: Question, query: SearchQuery, owner: UUID
    ) -> tuple[dict[UUID, Row[Any]], list[Candidate]]:
        """The passages that are near in meaning or in words, and that still count; what is gone makes room for the next."""
        documents = set(query.document_ids) if query.document_ids is not None else None
        depth = max(CANDIDATES, query.limit)
        while True:
            near = await question.near(owner, documents, limit=depth)
            worded = await question.worded(owner, documents, limit=depth)
            live = await self._live(owner, {hit.passage_id for hit in (*near, *worded)})
            lack = any(_lacks(hits, live, depth, query.limit) for hits in (near, worded))
            if not lack or depth * 2 > MOST_HITS:
                return live, _weighed(question, near, worded, live)
            depth *= 2

    async def _live(self, owner: UUID, passage_ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
        """The rows of those that are the owner's, and of the reading of their document that counts."""
        if not passage_ids:
            return {}
        async with self._database.statements() as connection:
            rows = await connection.execute(_LIVE_PASSAGES, {"owner": owner, "passage_ids": list(passage_ids)})
            return {row.id: row for row in rows}


def _lacks(hits: Sequence[Hit], live: Mapping[UUID, Row[Any]], depth: int, limit: int) -> bool:
    """Whether dead hits took the places of live ones that the index has more of."""
    return len(hits) == depth and sum(hit.passage_id in live for hit in hits) < max(limit, depth // 2)


def _weighed(
    question: Question, near: Sequence[Hit], worded: Sequence[Hit], live: Mapping[UUID, Row[Any]]
) -> list[Candidate]:
    cosines = {hit.passage_id: hit.score for hit in near}
    bm25 = {hit.passage_id: hit.score for hit in worded}
    return [Candidate(key, _cosine(question, row, cosines), bm25.get(key, 0.0)) for key, row in live.items()]


def _cosine(question: Question, row: Row[Any], cosines: Mapping[UUID, float]) -> float:
    """Of the nearest sentence; while models change, what the index says of the whole passage, or knows nothing of."""
    if row.embedding_model == question.model and row.embedding:
        return nearest(question.vector, from_bytes(row.embedding, len(question.vector)))
    return min(max(cosines.get(row.id, 0.0), 0.0), 1.0)


def _found(row: Row[Any], score: float) -> FoundPassage:
    return FoundPassage(
        passage_id=row.id,
        document_id=row.document_id,
        document_title=row.title,
        page=row.page,
        part=row.part,
        chunk_index=row.chunk_index,
        quote=row.text,
        start=row.start,
        end=row.end,
        score=score,
    )


class RemoteSearch:
    """Asks the process that has the `index` role, with the caller's token: POST {base_url}/internal/search."""

    def __init__(self, base_url: str, client: httpx.AsyncClient | None = None) -> None:
        self._client = client or httpx.AsyncClient(timeout=REMOTE_SECONDS)
        self._url = f"{base_url.rstrip('/')}/internal/search"

    async def find(self, query: SearchQuery, *, owner: UUID, token: str) -> SearchAnswer:
        body = query.model_dump(mode="json") | {"query": query.text}
        try:
            answer = await self._client.post(self._url, json=body, headers={"Authorization": f"Bearer {token}"})
        except httpx.HTTPError as error:
            raise Unavailable("Search cannot be reached right now. Try again in a moment.") from error
        if answer.status_code == httpx.codes.OK:
            return SearchAnswer.model_validate_json(answer.content)
        raise _problem(answer)

    async def close(self) -> None:
        await self._client.aclose()


def _problem(answer: httpx.Response) -> Problem:
    """What the other process said, if it concerns the request; else that search does not work."""
    kinds: dict[int, type[Problem]] = {kind.status: kind for kind in (Invalid, TooLarge)}
    if (kind := kinds.get(answer.status_code)) is not None:
        return kind(str(answer.json().get("detail", "The query is not accepted.")))
    return Unavailable("Your material cannot be searched right now. Try again in a moment.")
