"""What the role `scheduler` does: what was kept long enough is removed."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from logging import getLogger

from chassis.clock import Clock
from chassis.database import Database
from chassis.personal_data import erase_again, erase_user, forget_old_exports
from mesh import sweep
from sqlmodel import col, delete

from notifier.models import Mail, Notification, tables
from notifier.presence import forget_the_dead

log = getLogger(__name__)
KEEP_EVENTS = timedelta(days=7)


class Retention:
    """Several may run at once."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keep: timedelta,
        keep_mails: timedelta,
        *,
        every: float = 3600.0,
        keep_events: timedelta = KEEP_EVENTS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._keep = keep
        self._keep_mails = keep_mails
        self._every = every
        self._keep_events = keep_events

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; an outage of the database is waited out."""
        while not stop.is_set():
            try:
                await self.tidy()
            except Exception:
                log.warning("tidying failed, and is tried again", exc_info=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await stop.wait()

    async def tidy(self) -> None:
        """Remove old notifications and mails, what is left of killed processes, and events that were sent and received long ago.

        What was told of a thing stays known for ever: an event may be repeated years later.
        """
        now = self._clock()
        async with self._database.transaction() as session:
            await session.execute(delete(Notification).where(col(Notification.created_at) < now - self._keep))
            await session.execute(delete(Mail).where(col(Mail.created_at) < now - self._keep_mails))
            await forget_the_dead(session, now)
            await forget_old_exports(session, now)
        await sweep(self._database, self._keep_events)
        await erase_again(self._database, lambda session, user_id: erase_user(session, tables.metadata, user_id))
