"""What is due for a student, and when to remind of it: one row for each student, whose lock serialises whatever changes that.

Order does not matter: of what is due the newest version counts, and each change, of the profile, the hours or what is due, plans
the reminder anew from all of them.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid5

from chassis.personal_data import is_erased
from chassis.study_day import StudyDay
from contracts.auth import Profile
from contracts.flashcard import ReviewsCleared, ReviewsDue
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from notifier.models import Reminder
from notifier.reminder_hours import USUAL_TIME, Hours, QuietHours, Window, window_of
from notifier.students import Students


def subject_of(owner: UUID) -> UUID:
    """The thing that reminders tell of: a student's cards that are due."""
    return uuid5(owner, "reviews due")


def hours_of(row: Reminder) -> Hours:
    """What the student chose."""
    quiet = None
    if row.quiet_from is not None and row.quiet_until is not None:
        quiet = QuietHours(row.quiet_from, row.quiet_until)
    return Hours(row.remind_at, quiet)


class Reminders:
    """One student's reminders, in one transaction."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def hours(self) -> Hours:
        """What the student chose, or what is usual."""
        row = await self._session.get(Reminder, self._owner)
        return hours_of(row) if row else Hours()

    async def next_at(self) -> datetime | None:
        """When the reminder comes, if cards are still due then; None: nothing is due, or it has come."""
        row = await self._session.get(Reminder, self._owner)
        return row.next_at if row else None

    async def choose(self, change: Callable[[Hours], Hours], now: datetime) -> None:
        """From now on other hours. A time of today that has passed counts from tomorrow; the present minute has not."""
        if (row := await self._locked()) is None:
            return
        hours = change(hours_of(row))
        if hours == hours_of(row) and row.next_at is not None:
            return
        row.remind_at = hours.at
        row.quiet_from, row.quiet_until = (hours.quiet.begins, hours.quiet.ends) if hours.quiet else (None, None)
        row.chosen_at = now.replace(second=0, microsecond=0)
        await self._plan(row)

    async def move(self, profile: Profile) -> None:
        """Keep the profile; the student's day may be another now."""
        row = await self._locked()
        await Students(self._session).put(profile)
        if row is not None:
            await self._plan(row)

    async def note(self, event: ReviewsDue | ReviewsCleared) -> None:
        """Cards are due, or none are left."""
        row = await self._locked()
        if row is None or row.due_version >= event.version:
            return
        row.due_version = event.version
        row.due_day, row.due_since, row.reviews, row.new, row.decks, row.more_decks = None, None, 0, 0, [], 0
        if isinstance(event, ReviewsDue):
            row.due_day, row.due_since, row.reviews, row.new = event.day, event.since, event.reviews, event.new
            row.decks, row.more_decks = [deck.model_dump() for deck in event.decks], event.more_decks
        await self._plan(row)

    async def claim(self, now: datetime) -> tuple[Reminder, Window | None] | None:
        """The row and its window, locked until the transaction ends; None where it is not time, or another has it."""
        if await is_erased(self._session, self._owner):
            return None
        statement = select(Reminder).where(Reminder.user_id == self._owner, col(Reminder.next_at) <= now)
        found = await self._session.execute(statement.with_for_update(skip_locked=True))
        if (row := found.scalar_one_or_none()) is None:
            return None
        return row, await self._window(row)

    async def _plan(self, row: Reminder) -> None:
        window = await self._window(row)
        row.next_at = window.opens if window else None

    async def _window(self, row: Reminder) -> Window | None:
        """When there is to be a reminder; None where there is none to come."""
        student = await Students(self._session).get(self._owner)
        if student is None or row.due_day is None or (row.told_day is not None and row.told_day >= row.due_day):
            return None
        counting = StudyDay(student.time_zone, student.day_starts_at)
        window = window_of(row.due_day, counting, hours_of(row))
        # A time that had passed when it was chosen, or when the first cards became due, is tomorrow's.
        begun = [moment for moment in (row.chosen_at, row.due_since) if moment is not None]
        return None if window is not None and any(window.opens < moment for moment in begun) else window

    async def _locked(self) -> Reminder | None:
        """The student's row, made if need be; None for one who is gone."""
        if await is_erased(self._session, self._owner):
            return None
        usual = {"user_id": self._owner, "remind_at": USUAL_TIME, "due_version": 0, "reviews": 0, "new": 0}
        await self._session.execute(insert(Reminder).values(**usual).on_conflict_do_nothing(index_elements=["user_id"]))
        statement = select(Reminder).where(Reminder.user_id == self._owner).with_for_update()
        return (await self._session.execute(statement.execution_options(populate_existing=True))).scalar_one()
