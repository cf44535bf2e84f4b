"""Who has a tab open, at whichever process: an answer that somebody watches needs no notification.

A row for each student and process, renewed while the socket is open; one of a killed process runs out.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from logging import getLogger
from uuid import UUID, uuid4

from chassis.clock import Clock
from chassis.database import Database, DatabaseAway
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from notifier.hub import Hub
from notifier.models import Presence

log = getLogger(__name__)
LEASE = timedelta(seconds=30)
_EVERY_SECONDS = 10.0


async def is_present(session: AsyncSession, user_id: UUID, now: datetime) -> bool:
    """Whether a tab of the student's is open somewhere."""
    found = await session.execute(select(Presence).where(Presence.user_id == user_id, Presence.until > now).limit(1))
    return found.first() is not None


async def forget_the_dead(session: AsyncSession, now: datetime) -> None:
    """Remove what ran out."""
    await session.execute(delete(Presence).where(col(Presence.until) <= now))


class Attendance:
    """Keeps the rows of this process."""

    def __init__(self, hub: Hub, database: Database, clock: Clock) -> None:
        self._hub = hub
        self._database = database
        self._clock = clock
        self._process_id = uuid4()

    async def arrive(self, session: AsyncSession, *user_ids: UUID) -> None:
        """These students have a tab open here."""
        if not user_ids:
            return
        until = self._clock() + LEASE
        rows = [{"user_id": user, "process_id": self._process_id, "until": until} for user in sorted(user_ids)]
        statement = insert(Presence).values(rows)
        renewed = statement.on_conflict_do_update(
            index_elements=["user_id", "process_id"], set_={"until": statement.excluded.until}
        )
        await session.execute(renewed)

    async def leave(self, user_id: UUID) -> None:
        """The student's last tab here is closed. If that cannot be written, it runs out."""
        with _noted("that somebody left"):
            async with self._database.transaction() as session:
                mine = (col(Presence.user_id) == user_id, col(Presence.process_id) == self._process_id)
                await session.execute(delete(Presence).where(*mine))
                if user_id in self._hub.users:  # back already
                    await self.arrive(session, user_id)

    async def keep(self, stop: asyncio.Event) -> None:
        """Renew the rows until `stop`."""
        while not stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_SECONDS):
                    await stop.wait()
            with _noted("who is here"):
                async with self._database.transaction() as session:
                    await self.arrive(session, *self._hub.users)


@contextmanager
def _noted(what: str) -> Iterator[None]:
    # Who is here is said again in a moment, and forgotten by itself.
    try:
        yield
    except (DBAPIError, DatabaseAway, OSError, TimeoutError) as error:
        log.warning("the database could not be told %s: %s", what, error)
