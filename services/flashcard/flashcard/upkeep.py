"""What the role `scheduler` does: days of students begin, and what was kept long enough is removed. Several may run at once."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from logging import getLogger

from chassis.clock import Clock
from chassis.database import Database
from chassis.idempotency import forget_old_keys
from chassis.personal_data import erase_again, forget_old_exports
from chassis.storage import Storage
from mesh import sweep

from flashcard.erasure import Erasure
from flashcard.import_work import ImportWork
from flashcard.rollover import BATCH, Rollovers
from flashcard.trash import forget_old

log = getLogger(__name__)
KEEP_EVENTS = timedelta(days=7)
_TIDY_EVERY = 3600.0


class Upkeep:
    """Looks every so many seconds, and sooner where a day is known to begin."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        every: float,
        *,
        imports: ImportWork,
        storage: Storage,
        keep_events: timedelta = KEEP_EVENTS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._every = every
        self._imports = imports
        self._storage = storage
        self._keep_events = keep_events

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; an outage of the database is waited out."""
        loop = asyncio.get_running_loop()
        tidy_at = loop.time()
        while not stop.is_set():
            wait = self._every
            try:
                wait = await self.turn_days()
                if loop.time() >= tidy_at:
                    await self.tidy()
                    tidy_at = loop.time() + _TIDY_EVERY
            except Exception:
                log.warning("upkeep failed, and is tried again", exc_info=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await stop.wait()

    async def turn_days(self) -> float:
        """Tell what is due to all students whose day has begun; seconds until it is worth looking again."""
        turned = BATCH
        while turned == BATCH:
            async with self._database.transaction() as session:
                turned = await Rollovers(session).turn(self._clock())
        async with self._database.transaction() as session:
            next_at = await Rollovers(session).next_at()
        if next_at is None:
            return self._every
        return min(self._every, max(0.2, (next_at - self._clock()).total_seconds()))

    async def tidy(self) -> None:
        """Remove old idempotency keys, what was deleted long ago, what students who left still left behind, and events that were sent and received long ago."""
        async with self._database.transaction() as session:
            await forget_old_keys(session, self._clock())
            await forget_old_exports(session, self._clock())
            await forget_old(session, self._clock())
        await sweep(self._database, self._keep_events)
        await self._imports.forget_old()
        # With their files: a process that ends between storing one and looking whether the account is there leaves it without a row.
        await erase_again(self._database, lambda session, user_id: Erasure(session, self._storage).erase(user_id))
