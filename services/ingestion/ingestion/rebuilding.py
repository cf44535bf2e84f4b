"""The wish for a new index, as a row: whoever owns the index sees it, builds beside the old one, and switches."""

from dataclasses import dataclass
from logging import getLogger

from chassis.clock import Clock
from chassis.database import Database
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ingestion.changes import newest_change
from ingestion.models import PASSAGE_CHANNEL, Rebuild

log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """The last rebuild that was asked for, and which passages must be embedded anew whatever they have."""

    number: int = 0
    embed_up_to: int = 0


async def request_rebuild(database: Database, clock: Clock, *, embed_again: bool = False) -> None:
    """Ask for an index made from PostgreSQL anew, of what the configured model embedded and, where another did, will embed.

    With `embed_again` nothing that was embedded before this is kept. Returns at once; searches go on in the old index.
    """
    async with database.transaction() as session:
        up_to = await newest_change(session) if embed_again else 0
        session.add(Rebuild(requested_at=clock(), embed_up_to=up_to))
        await session.flush()
        await session.execute(text(f"SELECT pg_notify('{PASSAGE_CHANNEL}', '')"))
    log.info("a new index was asked for; the process with the role index makes it, and searches go on meanwhile")


async def last_wish(session: AsyncSession) -> Wish:
    """What the newest complete index must have fulfilled."""
    row = await session.execute(select(func.max(col(Rebuild.number)), func.max(col(Rebuild.embed_up_to))))
    number, embed_up_to = row.one()
    return Wish(number or 0, embed_up_to or 0)
