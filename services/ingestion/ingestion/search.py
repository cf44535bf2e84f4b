"""Finding the passages of a student's own documents that speak of a question."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from chassis.database import Database

    from ingestion.index import PassageIndex


class SearchQuery(BaseModel):
    """The body of `POST /search`."""

    query: str
    limit: int = Field(default=10, ge=1, le=50)
    document_ids: list[UUID] | None = None


class FoundPassage(BaseModel):
    """One passage: the exact text that stands in the document, and where."""

    passage_id: UUID
    document_id: UUID
    document_title: str
    page: int | None
    chunk_index: int
    quote: str
    start: int
    end: int
    score: float


class SearchAnswer(BaseModel):
    """Passages, best first; `answerable` says whether the best is near enough to hold an answer at all."""

    passages: list[FoundPassage]
    answerable: bool


class Search(Protocol):
    """What api.py calls; `owner` is the token's user, and nobody else's passage is ever returned."""

    async def find(self, query: SearchQuery, *, owner: UUID, token: str) -> SearchAnswer: ...


class LocalSearch:
    """Answers from the index in this process."""

    def __init__(self, database: "Database", index: "PassageIndex") -> None:
        raise NotImplementedError

    async def find(self, query: SearchQuery, *, owner: UUID, token: str = "") -> SearchAnswer:
        raise NotImplementedError


class RemoteSearch:
    """Asks the process that has the `index` role, with the caller's token: POST {base_url}/internal/search."""

    def __init__(self, base_url: str) -> None:
        raise NotImplementedError

    async def find(self, query: SearchQuery, *, owner: UUID, token: str) -> SearchAnswer:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
