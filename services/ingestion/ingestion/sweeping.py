"""What the scheduler does: find documents whose job vanished, files that no document owns, and what was kept long enough."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from logging import getLogger
from uuid import UUID

import mesh.sweeping
from chassis.clock import Clock
from chassis.database import Database
from chassis.idempotency import forget_old_keys
from chassis.personal_data import erase_again, forget_old_exports
from chassis.storage import Storage
from sqlmodel import col, delete, select

from ingestion import metrics
from ingestion.claims import lost_jobs
from ingestion.jobs import Jobs
from ingestion.library import erase
from ingestion.models import StrayFile

log = getLogger(__name__)
FILES_AT_ONCE = 100
KEEP_EVENTS = timedelta(days=7)
RETENTION_EVERY = timedelta(minutes=10)


class Sweeper:
    """Several may run: rows are locked while they are looked at, and everything may be done twice."""

    def __init__(
        self,
        *,
        database: Database,
        storage: Storage,
        jobs: Jobs,
        clock: Clock,
        rehint: timedelta,
        keep_events: timedelta = KEEP_EVENTS,
    ) -> None:
        self._database = database
        self._storage = storage
        self._jobs = jobs
        self._clock = clock
        self._rehint = rehint
        self._keep_events = keep_events

    async def run(self, every: float, stop: asyncio.Event) -> None:
        """Sweep every so many seconds until `stop` is set; outages are waited out."""
        retained = self._clock() - RETENTION_EVERY
        while not stop.is_set():
            try:
                await self.hint_again()
                await self.discard_strays()
                if self._clock() - retained >= RETENTION_EVERY:
                    await self.forget()
                    retained = self._clock()
            except Exception:
                log.exception("a sweep failed; the next one may succeed")
            try:
                async with asyncio.timeout(every):
                    await stop.wait()
            except TimeoutError:
                continue

    async def hint_again(self) -> Sequence[UUID]:
        """Send a job for each document that waits without one."""
        async with self._database.transaction() as session:
            lost = await lost_jobs(session, self._clock(), self._rehint)
        for document_id in lost:
            await self._jobs.hint(document_id)
        metrics.HINTED_AGAIN.inc(len(lost))
        return lost

    async def discard_strays(self) -> int:
        """Delete files whose upload was given up and those of deleted documents; how many."""
        overdue = select(StrayFile.storage_key).where(StrayFile.delete_after <= self._clock()).limit(FILES_AT_ONCE)
        async with self._database.transaction() as session:
            keys = (await session.exec(overdue)).all()
        return sum([await discard(self._database, self._storage, key) for key in keys])

    async def forget(self) -> None:
        """Remove idempotency keys, sent events and received ones that were kept long enough, and what users who left still left behind."""
        async with self._database.transaction() as session:
            await forget_old_exports(session, self._clock())
            await forget_old_keys(session, self._clock())
        await mesh.sweeping.sweep(self._database, self._keep_events)
        await erase_again(self._database, lambda session, user_id: erase(session, user_id, self._clock()))


async def discard(database: Database, storage: Storage, key: str) -> bool:
    """Delete a stray file, then the row that remembers it; False where that must wait for the next sweep.

    Without such a row a document owns the file, and it stays.
    """
    try:
        async with database.transaction() as session:
            if await session.get(StrayFile, key) is None:
                return True
        await storage.discard(key)
        async with database.transaction() as session:
            await session.exec(delete(StrayFile).where(col(StrayFile.storage_key) == key))
    except Exception as error:  # whatever it is, the row stays and says what is left to do
        log.warning("a stray file stays for the next sweep: %r", error)
        return False
    return True
