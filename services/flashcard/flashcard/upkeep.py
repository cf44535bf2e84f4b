"""What the role `scheduler` does besides timed work for students: what was kept long enough is removed."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from logging import getLogger

from chassis.clock import Clock
from chassis.database import Database
from chassis.idempotency import forget_old_keys
from mesh import sweep

log = getLogger(__name__)
KEEP_EVENTS = timedelta(days=7)


class Upkeep:
    """Several may run at once."""

    def __init__(self, database: Database, clock: Clock, every: float) -> None:
        self._database = database
        self._clock = clock
        self._every = every

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; an outage of the database is waited out."""
        while not stop.is_set():
            try:
                await self.tidy()
            except Exception:
                log.warning("upkeep failed, and is tried again", exc_info=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await stop.wait()

    async def tidy(self) -> None:
        """Remove old idempotency keys, and events that were sent and received long ago."""
        async with self._database.transaction() as session:
            await forget_old_keys(session, self._clock())
        await sweep(self._database, KEEP_EVENTS)
