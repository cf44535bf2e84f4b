"""What the role `scheduler` does: answers whose process died are marked, and what was kept long enough is removed."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from logging import getLogger

from chassis.clock import Clock
from chassis.database import Database
from chassis.idempotency import forget_old_keys
from chassis.personal_data import erase_again, forget_old_exports
from mesh import sweep

from chat.conversation import fail_interrupted
from chat.erasure import erase

log = getLogger(__name__)
KEEP_EVENTS = timedelta(days=7)
_TIDY_EVERY = 3600.0


class Upkeep:
    """Several may run at once."""

    def __init__(self, database: Database, clock: Clock, every: float, keep_events: timedelta = KEEP_EVENTS) -> None:
        self._database = database
        self._clock = clock
        self._every = every
        self._keep_events = keep_events

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; an outage of the database is waited out."""
        loop = asyncio.get_running_loop()
        tidy_at = loop.time()
        while not stop.is_set():
            try:
                await self.mark_interrupted()
                if loop.time() >= tidy_at:
                    await self.tidy()
                    tidy_at = loop.time() + _TIDY_EVERY
            except Exception:
                log.warning("upkeep failed, and is tried again", exc_info=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await stop.wait()

    async def mark_interrupted(self) -> int:
        """Answers that nobody is writing any more become failed, and can be asked for again."""
        async with self._database.transaction() as session:
            marked = await fail_interrupted(session, self._clock())
        if marked:
            log.warning("%d answers were interrupted by the end of their process", marked)
        return marked

    async def tidy(self) -> None:
        """Remove old idempotency keys, what students who left still left behind, and events that were sent and received long ago."""
        async with self._database.transaction() as session:
            await forget_old_keys(session, self._clock())
            await forget_old_exports(session, self._clock())
        await sweep(self._database, self._keep_events)
        await erase_again(self._database, erase)
