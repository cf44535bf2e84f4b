"""Students as auth's events tell of them: where they are, and when their day begins."""

from datetime import date, datetime
from uuid import UUID

from chassis.clock import Clock, system_clock
from chassis.personal_data import is_erased
from chassis.study_day import StudyDay
from contracts.auth import Profile
from sqlalchemy import bindparam, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.models import Student

_FROM_THE_PROFILE = ("version", "time_zone", "day_starts_at")
_STUDY_DAY = select(Student.time_zone, Student.day_starts_at).where(col(Student.user_id) == bindparam("student"))


class Students:
    """Every student's profile. What is newer by the profile's version wins, in any order."""

    def __init__(self, session: AsyncSession, clock: Clock = system_clock) -> None:
        self._session = session
        self._clock = clock

    async def put(self, profile: Profile) -> None:
        """This is the profile, unless a newer one is known or the user is gone.

        The day is looked at anew at once: in another zone it may be a later one, of which nothing was told yet. A day that is over and
        was not looked at yet keeps its moment.
        """
        if await is_erased(self._session, profile.user_id):
            return
        statement = insert(Student).values(
            user_id=profile.user_id,
            version=profile.version,
            time_zone=profile.time_zone,
            day_starts_at=profile.day_starts_at,
            next_day_at=self._clock(),
            told_version=0,
        )
        newer = statement.on_conflict_do_update(
            index_elements=["user_id"],
            set_={name: statement.excluded[name] for name in _FROM_THE_PROFILE}
            | {"next_day_at": func.least(Student.next_day_at, statement.excluded.next_day_at)},
            where=(col(Student.version) < statement.excluded.version),
        )
        await self._session.execute(newer)

    async def study_day(self, user_id: UUID) -> StudyDay:
        """How this student counts days; by UTC from 4 am until the profile has arrived."""
        found = (await self._session.execute(_STUDY_DAY, {"student": user_id})).one_or_none()
        return StudyDay(*found) if found else StudyDay()


def counting_of(student: Student) -> StudyDay:
    """How a student counts days."""
    return StudyDay(student.time_zone, student.day_starts_at)


async def today_of(session: AsyncSession, user_id: UUID, now: datetime) -> tuple[StudyDay, date]:
    """How a student counts days, and the day that it is for the student."""
    counting = await Students(session).study_day(user_id)
    return counting, counting.day_of(now)
