"""Finding the passages of a student's own documents that speak of a question."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol
from uuid import UUID

import httpx
from chassis.database import Database
from chassis.errors import Invalid, Problem, TooLarge, Unavailable
from pydantic import BaseModel, Field
from sqlalchemy import Row, select
from sqlmodel import col

from ingestion.index import PassageIndex, Question
from ingestion.models import Document, Passage
from ingestion.vectors import Hit

LONGEST_QUERY = 8000
"""Characters. A question is shorter; who sends more has sent a document."""
SPARE = 10
"""Hits beyond the limit that are asked for at once, in place of those whose passage is gone."""
MOST_HITS = 2000
REMOTE_SECONDS = 15.0

ANSWERABLE_SCORES = {"all-MiniLM-L6-v2": 0.475}
"""The least cosine of the best passage at which a question is likely to have an answer in the material (see the README)."""


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
    score: float = Field(description="Cosine of the question and the passage's nearest part, 0 to 1")


class SearchAnswer(BaseModel):
    """Passages, best first."""

    passages: list[FoundPassage]
    answerable: bool = Field(description="Whether the best passage is near enough to hold an answer at all")
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
        passages = await self._passages(question, query, owner)
        least = ANSWERABLE_SCORES.get(question.model, 0.0) if self._least_score is None else self._least_score
        return SearchAnswer(
            passages=passages,
            answerable=bool(passages) and passages[0].score >= least,
            complete=question.complete,
        )

    async def _passages(self, question: Question, query: SearchQuery, owner: UUID) -> list[FoundPassage]:
        """Hits whose passage still counts, in their order; what is gone makes room for the next."""
        found: list[FoundPassage] = []
        documents = set(query.document_ids) if query.document_ids is not None else None
        skip, page = 0, query.limit + SPARE
        while skip < MOST_HITS:
            hits = await question.hits(owner, documents, limit=page, skip=skip)
            live = await self._live(owner, [hit.passage_id for hit in hits])
            found += [_found(live[hit.passage_id], hit) for hit in hits if hit.passage_id in live]
            if len(found) >= query.limit or len(hits) < page:
                break
            skip, page = skip + page, page * 2
        return found[: query.limit]

    async def _live(self, owner: UUID, passage_ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
        """The rows of those that are the owner's, and of the reading of their document that counts."""
        if not passage_ids:
            return {}
        async with self._database.transaction() as session:
            rows = await session.execute(_live_passages(owner, passage_ids))
            return {row.id: row for row in rows}


def _live_passages(owner: UUID, passage_ids: Collection[UUID]) -> Any:
    return (
        select(
            *(
                col(column)
                for column in (Passage.id, Passage.document_id, Passage.page, Passage.part, Passage.chunk_index)
            ),
            *(col(column) for column in (Passage.text, Passage.start, Passage.end, Document.title)),
        )
        .join(Document, col(Document.id) == col(Passage.document_id))
        .where(
            col(Passage.id).in_(passage_ids),
            col(Document.user_id) == owner,
            col(Passage.content_version) == col(Document.content_version),
        )
    )


def _found(row: Row[Any], hit: Hit) -> FoundPassage:
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
        score=min(max(hit.score, 0.0), 1.0),
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
