"""Students as auth's events tell of them: where they are, and when their day begins."""

from datetime import date, datetime
from uuid import UUID

from contracts.auth import Profile
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from flashcard.models import Student
from flashcard.study_day import StudyDay


class Students:
    """Every student's profile. What is newer by the profile's version wins, in any order."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def put(self, profile: Profile) -> None:
        """This is the profile, unless a newer one is known."""
        statement = insert(Student).values(
            user_id=profile.user_id,
            version=profile.version,
            time_zone=profile.time_zone,
            day_starts_at=profile.day_starts_at,
            deleted=False,
        )
        newer = statement.on_conflict_do_update(
            index_elements=["user_id"],
            set_={name: statement.excluded[name] for name in ("version", "time_zone", "day_starts_at")},
            where=(col(Student.version) < statement.excluded.version) & ~col(Student.deleted),
        )
        await self._session.execute(newer)

    async def study_day(self, user_id: UUID) -> StudyDay:
        """How this student counts days; by UTC from 4 am until the profile has arrived."""
        student = await self._session.get(Student, user_id)
        return StudyDay(student.time_zone, student.day_starts_at) if student else StudyDay()


async def today_of(session: AsyncSession, user_id: UUID, now: datetime) -> tuple[StudyDay, date]:
    """How a student counts days, and the day that it is for the student."""
    counting = await Students(session).study_day(user_id)
    return counting, counting.day_of(now)
