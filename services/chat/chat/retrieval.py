"""Asks ingestion to search, for a sample and for comparisons, with the student's own token: chat calls no other service."""

import asyncio
from collections.abc import Sequence
from logging import getLogger
from typing import Any, Protocol, TypeVar
from uuid import UUID

import httpx
from chassis.errors import Problem, TooManyRequests, Unauthorized, Unavailable
from opentelemetry import propagate
from pydantic import BaseModel, Field, ValidationError

from chat.passages import Findings, Passage

log = getLogger(__name__)
A = TypeVar("A", bound=BaseModel)
LONGEST_TEXT = 4000
# One lost packet of a handshake costs a second; beyond these a student is better told than kept waiting.
TIMEOUT = httpx.Timeout(connect=2.0, read=10.0, write=5.0, pool=2.0)
WHOLE_CALL_SECONDS = 12.0
LIMITS = httpx.Limits(max_connections=50, max_keepalive_connections=20)


class SearchUnavailable(Unavailable):
    type, title = "search-unavailable", "Your material cannot be searched right now"


class Retrieval(Protocol):
    """Finds passages of a student's own documents. Each raises a `Problem` when it cannot."""

    async def find(self, query: str, *, documents: Sequence[UUID], limit: int, token: str) -> Findings:
        """Passages of these documents (none named: of all), best first."""
        ...

    async def sample(self, seed: str, *, documents: Sequence[UUID], limit: int, token: str) -> tuple[Passage, ...]:
        """Some passages, spread over these documents and their pages; the same for the same seed."""
        ...

    async def compare(self, text: str, others: Sequence[str], *, token: str) -> list[float]:
        """How near in meaning the text is to each of the others: cosines of the model that searches."""
        ...


class _Passage(BaseModel):
    passage_id: UUID
    document_id: UUID
    document_title: str
    page: int | None = None
    part: int = Field(ge=1)
    quote: str
    start: int = Field(ge=0)
    end: int
    score: float


class _Answer(BaseModel):
    passages: list[_Passage]
    answerable: bool


class _Sample(BaseModel):
    passages: list[_Passage]


class _Likeness(BaseModel):
    cosines: list[float]


class IngestionSearch:
    """`POST /search`, `/sample` and `/likeness` of ingestion. `client` has ingestion's address as its base URL, and is closed by who made it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def find(self, query: str, *, documents: Sequence[UUID], limit: int, token: str) -> Findings:
        """Passages of these documents (none named: of all), best first. Raises a `Problem` when it cannot."""
        body = {"query": query, "limit": limit} | _among(documents)
        answer = await self._post("/search", body, token, _Answer)
        return Findings(tuple(_passages(answer.passages, documents)), answer.answerable)

    async def sample(self, seed: str, *, documents: Sequence[UUID], limit: int, token: str) -> tuple[Passage, ...]:
        """Some passages of these documents (none named: of all). Raises a `Problem` when it cannot."""
        answer = await self._post("/sample", {"seed": seed, "limit": limit} | _among(documents), token, _Sample)
        return tuple(_passages(answer.passages, documents))

    async def compare(self, text: str, others: Sequence[str], *, token: str) -> list[float]:
        """Cosines. Raises a `Problem` when it cannot."""
        body = {"text": text[:LONGEST_TEXT], "others": [other[:LONGEST_TEXT] for other in others]}
        return (await self._post("/likeness", body, token, _Likeness)).cosines

    async def _post(self, path: str, body: dict[str, Any], token: str, kind: type[A]) -> A:
        headers = {"Authorization": f"Bearer {token}"}
        propagate.inject(headers)
        try:
            async with asyncio.timeout(WHOLE_CALL_SECONDS):
                response = await self._client.post(path, json=body, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            log.warning("ingestion does not answer: %s: %s", type(error).__name__, error)
            raise _unavailable() from error
        if response.status_code != httpx.codes.OK:
            raise _refusal(response)
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            log.exception("ingestion's answer is not what was agreed")
            raise _unavailable() from error


def _among(documents: Sequence[UUID]) -> dict[str, Any]:
    return {"document_ids": [str(document) for document in documents]} if documents else {}


def _passages(listed: Sequence[_Passage], documents: Sequence[UUID]) -> list[Passage]:
    found = [
        Passage(p.passage_id, p.document_id, p.document_title, p.page, p.part, p.quote, p.start, p.end, p.score)
        for p in listed
        if not documents or p.document_id in documents
    ]
    if crooked := [passage.id for passage in found if passage.end - passage.start != len(passage.text)]:
        log.error("passages whose offsets do not fit their text cannot be cited: %s", crooked)
    return [passage for passage in found if passage.id not in crooked]


def _refusal(response: httpx.Response) -> Problem:
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return Unauthorized("The access token has expired meanwhile. Refresh it, or sign in again.")
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        wait = response.headers.get("retry-after", "")
        return TooManyRequests(
            "Too many searches at once. Try again in a moment.", retry_after=int(wait) if wait.isdigit() else 5
        )
    log.error("ingestion refused a search with %d: %s", response.status_code, response.text[:500])
    return _unavailable()


def _unavailable() -> SearchUnavailable:
    return SearchUnavailable(
        "Your documents cannot be searched right now. Your message is kept: try again in a moment."
    )
