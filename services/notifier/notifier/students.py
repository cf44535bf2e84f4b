"""Copies of users' profiles. The newest version is kept, in whatever order they are heard."""

from uuid import UUID

from chassis.personal_data import is_erased
from contracts.auth import Profile
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from notifier.models import Student

_COPIED = ("version", "email", "name", "time_zone", "day_starts_at", "email_verified")


class Students:
    """Everybody who has an account."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def put(self, profile: Profile) -> None:
        """Keep a profile, if it is newer and its user is not gone."""
        if await is_erased(self._session, profile.user_id):
            return
        copied = {name: getattr(profile, name) for name in _COPIED}
        statement = insert(Student).values(user_id=profile.user_id, **copied)
        newer = statement.on_conflict_do_update(
            index_elements=["user_id"],
            set_={name: statement.excluded[name] for name in _COPIED},
            where=col(Student.version) < statement.excluded.version,
        )
        await self._session.execute(newer)

    async def get(self, user_id: UUID) -> Student | None:
        """The profile, as far as it was heard of."""
        return await self._session.get(Student, user_id)
