"""What changed among the passages since a cursor, in order and with nothing skipped.

Every passage and every removal takes its number under a lock that is held until its transaction commits (see `Passage`), so
numbers become visible in their own order. Both are read in one snapshot: in two, a removal of the second could lie beyond a
passage that the first did not see yet, and the cursor would pass it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ingestion.models import Passage, Removal

BATCH = 256


@dataclass(frozen=True, slots=True)
class ChangedPassage:
    """A passage that is there."""

    id: UUID
    user_id: UUID
    document_id: UUID
    content_version: int
    chunk_index: int
    page: int | None
    text: str
    embedding: bytes | None
    embedding_model: str | None
    change_seq: int


@dataclass(frozen=True, slots=True)
class Removed:
    """The document's passages of content versions below one are gone."""

    document_id: UUID
    below_version: int
    change_seq: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Apply the passages first: a removal concerns only what was numbered before it."""

    passages: Sequence[ChangedPassage]
    removals: Sequence[Removed]
    cursor: int
    """Where to go on."""
    more: bool
    """Whether further changes may be waiting already."""


async def changes_after(session: AsyncSession, cursor: int, limit: int = BATCH) -> Changes:
    """The next changes, at most `limit` of each kind. The session's transaction must be new: it is made to see one state."""
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    passages = [
        ChangedPassage(*row)
        for row in await session.execute(
            select(*(getattr(Passage, name) for name in ChangedPassage.__slots__))
            .where(_after(col(Passage.change_seq), cursor))
            .order_by(col(Passage.change_seq))
            .limit(limit)
        )
    ]
    removals = [
        Removed(*row)
        for row in await session.execute(
            select(*(getattr(Removal, name) for name in Removed.__slots__))
            .where(_after(col(Removal.change_seq), cursor))
            .order_by(col(Removal.change_seq))
            .limit(limit)
        )
    ]
    # Beyond the end of a full batch the other kind may have numbers that belong between.
    ends = [rows[-1].change_seq for rows in (passages, removals) if len(rows) == limit]
    end = min(ends, default=max((rows[-1].change_seq for rows in (passages, removals) if rows), default=cursor))
    return Changes(
        [passage for passage in passages if passage.change_seq <= end],
        [removal for removal in removals if removal.change_seq <= end],
        end,
        bool(ends),
    )


async def newest_change(session: AsyncSession) -> int:
    """The last number that was given out; a cursor beyond it belongs to another database."""
    last: int = (
        await session.execute(text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM change_seq"))
    ).scalar_one()
    return last


def _after(number: Any, cursor: int) -> ColumnElement[bool]:
    after: ColumnElement[bool] = number > cursor
    return after
