"""What the role `scheduler` does by the clock: reminds students whose time has come. Several may run at once.

Each student is a transaction of its own: the row is locked, the reminder stored and its event written, the row settled. A process
that dies in between leaves the row to another; a row that fails is put off, and keeps nobody else waiting.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from logging import getLogger
from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database
from contracts.flashcard import DueDeck
from contracts.notifier import ReviewReminderRaised
from mesh import Outbox
from mesh.retry import passes_with_time
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from notifier import news
from notifier.kinds import Channel, NotificationKind
from notifier.metrics import REMINDER_LATENESS, REMINDERS
from notifier.models import SCHEMA, Reminder
from notifier.notifications import Desk, notification_id
from notifier.preferences import Preferences
from notifier.reminders import Reminders, subject_of

log = getLogger(__name__)
_BATCH = 200
_LANES = 4
# A row that cannot be settled, as for a zone that this machine does not know.
_PUT_OFF = timedelta(hours=1)
_SHORTEST_WAIT = 0.2


class Reminding:
    """Looks every so many seconds, and sooner where a reminder is known to come."""

    def __init__(self, database: Database, clock: Clock, every: float) -> None:
        self._database = database
        self._clock = clock
        self._every = every

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; an outage of the database is waited out."""
        while not stop.is_set():
            wait = self._every
            try:
                wait = await self.remind(stop)
            except Exception:
                log.warning("reminding failed, and is tried again", exc_info=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await stop.wait()

    async def remind(self, stop: asyncio.Event | None = None) -> float:
        """Settle every reminder whose time has come; seconds until it is worth looking again."""
        while owners := await self._waiting():
            # Others look at the same rows: nobody begins where they do.
            random.shuffle(owners)
            async with asyncio.TaskGroup() as group:
                lanes = [group.create_task(self._lane(owners[lane::_LANES], stop)) for lane in range(_LANES)]
            if not any(lane.result() for lane in lanes) or (stop is not None and stop.is_set()):
                break
        async with self._database.transaction() as session:
            first = select(Reminder.next_at).where(col(Reminder.next_at).is_not(None)).order_by(col(Reminder.next_at))
            next_at: datetime | None = (await session.execute(first.limit(1))).scalar_one_or_none()
        if next_at is None:
            return self._every
        return min(self._every, max(_SHORTEST_WAIT, (next_at - self._clock()).total_seconds()))

    async def _waiting(self) -> list[UUID]:
        statement = select(Reminder.user_id).where(col(Reminder.next_at) <= self._clock())
        async with self._database.transaction() as session:
            found = await session.execute(statement.order_by(col(Reminder.next_at)).limit(_BATCH))
        return list(found.scalars())

    async def _lane(self, owners: Sequence[UUID], stop: asyncio.Event | None) -> int:
        settled = 0
        for owner in owners:
            if stop is not None and stop.is_set():
                break
            try:
                settled += await self._settle(owner)
            except Exception as error:
                if passes_with_time(error):
                    raise
                log.exception("the reminder of user %s is put off", owner)
                await self._put_off(owner)
        return settled

    async def _settle(self, owner: UUID) -> bool:
        """Whether this process did it, and not another."""
        now = self._clock()
        async with self._database.transaction() as session:
            if (claimed := await Reminders(session, owner).claim(now)) is None:
                return False
            row, window = claimed
            row.next_at = None
            if window is None or now >= window.closes:
                outcome = "late"
            elif now < window.opens:
                outcome, row.next_at = "moved", window.opens
            elif not await _is_wanted(session, owner):
                outcome = "unwanted"
            else:
                outcome = "raised"
                await _raise(session, row, window.closes, now)
        REMINDERS.labels(outcome).inc()
        if window is not None and outcome == "raised":
            REMINDER_LATENESS.observe((now - window.opens).total_seconds())
        return True

    async def _put_off(self, owner: UUID) -> None:
        async with self._database.transaction() as session:
            later = update(Reminder).where(col(Reminder.user_id) == owner, col(Reminder.next_at) <= self._clock())
            await session.execute(later.values(next_at=self._clock() + _PUT_OFF))
        REMINDERS.labels("put_off").inc()


async def _is_wanted(session: AsyncSession, owner: UUID) -> bool:
    chosen = await Preferences(session, owner).all()
    return any(chosen[NotificationKind.REVIEW_REMINDER, channel] for channel in Channel)


async def _raise(session: AsyncSession, row: Reminder, closes: datetime, now: datetime) -> None:
    """Store it for the app, and tell the mesh, from where it is mailed."""
    assert row.due_day is not None
    row.told_day = row.due_day
    decks = [DueDeck.model_validate(deck) for deck in row.decks]
    told = news.reviews_due(row.due_day, row.reviews, row.new, decks, row.more_decks, since=row.due_since)
    subject, version = subject_of(row.user_id), row.due_version
    await Desk(session).tell(subject, version, owner=row.user_id, news=told, now=now)
    await Outbox(session, SCHEMA).add(
        ReviewReminderRaised(
            version=1,
            notification_id=notification_id(subject, told.kind, version),
            user_id=row.user_id,
            due_version=version,
            day=row.due_day,
            reviews=row.reviews,
            new=row.new,
            decks=decks,
            more_decks=row.more_decks,
            since=row.due_since,
            expires_at=closes,
        )
    )
