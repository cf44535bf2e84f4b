"""A student's reminders on the real database, by a clock that tests set; no process runs."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

from chassis.database import Database
from chassis.study_day import StudyDay
from contracts.auth import UserProfileChanged
from contracts.flashcard import ReviewsCleared, ReviewsDue
from notifier.models import Reminder
from notifier.notifications import Notifications
from notifier.reminder_hours import QuietHours
from notifier.reminders import Reminders
from notifier.reminding import Reminding
from sqlalchemy import text

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@dataclass
class Diary:
    """What happens to one student, and what the student was reminded of."""

    database: Database
    now: datetime = NOON
    owner: UUID = field(default_factory=uuid4)
    profiles: int = 0
    told: int = 0

    async def lives_in(self, zone: str, starts_at: int = 4) -> None:
        """Auth told of a profile."""
        self.profiles += 1
        profile = UserProfileChanged(
            version=self.profiles,
            user_id=self.owner,
            email="ada@example.org",
            name="Ada",
            time_zone=zone,
            day_starts_at=starts_at,
            roles=["student"],
            email_verified=True,
        )
        async with self.database.transaction() as session:
            await Reminders(session, self.owner).move(profile)

    async def is_due(self, day: date, reviews: int = 3, since: datetime | None = None) -> None:
        """Flashcard told that cards are due."""
        self.told += 1
        ends = StudyDay().end_of(day)
        told = {"version": self.told, "day": day, "reviews": reviews, "new": 1, "day_ends_at": ends, "since": since}
        event = ReviewsDue.model_validate(told | {"user_id": self.owner})
        async with self.database.transaction() as session:
            await Reminders(session, self.owner).note(event)

    async def is_done(self, day: date) -> None:
        """Flashcard told that nothing is left."""
        self.told += 1
        async with self.database.transaction() as session:
            await Reminders(session, self.owner).note(ReviewsCleared(version=self.told, user_id=self.owner, day=day))

    async def chooses(self, at: time | None = None, quiet: QuietHours | None = None) -> None:
        """Other hours, at this moment."""
        async with self.database.transaction() as session:
            await Reminders(session, self.owner).choose(
                lambda hours: replace(hours, at=at or hours.at, quiet=quiet), self.now
            )

    def scheduler(self, database: Database | None = None) -> Reminding:
        return Reminding(database or self.database, lambda: self.now, 5.0)

    async def until(self, moment: datetime, step: timedelta = timedelta(minutes=10)) -> None:
        """A scheduler looks every now and then until then."""
        while self.now < moment:
            self.now = min(moment, self.now + step)
            await self.scheduler().remind()

    async def reminded(self) -> list[str]:
        """The days, in the order in which they were told to the mesh."""
        query = "SELECT data::jsonb ->> 'day' FROM outbox WHERE type = 'notifier.review_reminder.raised.v1' AND data::jsonb ->> 'user_id' = :owner ORDER BY position"
        async with self.database.transaction() as session:
            return list((await session.execute(text(query), {"owner": str(self.owner)})).scalars())

    async def listed(self) -> list[str]:
        """The days in the student's list."""
        async with self.database.transaction() as session:
            found = await Notifications(session, self.owner).after(0, 100)
        return [notification.data["day"] for notification in found]

    async def texts(self) -> list[str | None]:
        """What stands in the student's list, and what the mesh was told since when it is so."""
        query = "SELECT data::jsonb ->> 'since' FROM outbox WHERE type = 'notifier.review_reminder.raised.v1' AND data::jsonb ->> 'user_id' = :owner"
        async with self.database.transaction() as session:
            since = (await session.execute(text(query), {"owner": str(self.owner)})).scalars().all()
            found = await Notifications(session, self.owner).after(0, 100)
        return [*(notification.body for notification in found), *since]

    async def row(self) -> Reminder | None:
        async with self.database.transaction() as session:
            return await session.get(Reminder, self.owner)
