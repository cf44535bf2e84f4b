"""Passages to study, of a student's own documents: not those that answer a question, but some of everything."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ingestion.models import Document, Passage
from ingestion.search import FoundPassage


class SampleQuery(BaseModel):
    """The body of `POST /sample`. The same seed draws the same passages while the documents are the same."""

    seed: str = Field(max_length=100)
    limit: int = Field(default=20, ge=1, le=50)
    document_ids: list[UUID] | None = Field(
        default=None, min_length=1, max_length=1000, description="Of these alone; left out, of all"
    )


class Sample(BaseModel):
    """Passages in no order; their score says nothing."""

    passages: list[FoundPassage]


async def sample(session: AsyncSession, owner: UUID, query: SampleQuery) -> Sample:
    """Passages spread over the owner's documents, and over the pages of each. Of documents that are still being read, too."""
    documents = select(col(Document.id), col(Document.passages))
    documents = documents.where(col(Document.user_id) == owner, col(Document.passages) > 0)
    if query.document_ids is not None:
        documents = documents.where(col(Document.id).in_(query.document_ids))
    counts = {row.id: row.passages for row in await session.execute(documents.order_by(col(Document.id)))}
    places = spread(counts, query.limit, Random(query.seed))  # noqa: S311 - chance that can be repeated
    return Sample(passages=await _passages(session, owner, places))


def spread(counts: Mapping[UUID, int], limit: int, random: Random) -> list[tuple[UUID, int]]:
    """Up to `limit` places of passages (document, index): of as many documents as can be, far from each other in each."""
    order = random.sample(list(counts), len(counts))
    shares = dict.fromkeys(order[:limit], 0)
    left = min(limit, sum(counts[document] for document in shares))
    while left:
        for document in shares:
            if left and shares[document] < counts[document]:
                shares[document] += 1
                left -= 1
    return [(document, place) for document in shares for place in _apart(counts[document], shares[document], random)]


def _apart(count: int, share: int, random: Random) -> list[int]:
    """One index of each of `share` equal stretches of the document."""
    borders = [count * part // share for part in range(share + 1)]
    return [random.randrange(begin, end) for begin, end in pairwise(borders)]


async def _passages(session: AsyncSession, owner: UUID, places: Sequence[tuple[UUID, int]]) -> list[FoundPassage]:
    if not places:
        return []
    rows = await session.execute(
        select(Passage, col(Document.title))
        .join(Document, col(Document.id) == col(Passage.document_id))
        .where(tuple_(col(Passage.document_id), col(Passage.chunk_index)).in_(places))
        .where(col(Document.user_id) == owner, col(Passage.content_version) == col(Document.content_version))
    )
    return [
        FoundPassage(
            passage_id=passage.id,
            document_id=passage.document_id,
            document_title=title,
            page=passage.page,
            part=passage.part,
            chunk_index=passage.chunk_index,
            quote=passage.text,
            start=passage.start,
            end=passage.end,
            score=0.0,
        )
        for passage, title in rows
    ]
