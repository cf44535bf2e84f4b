"""The end of what flashcard keeps of a user."""

from uuid import UUID

from chassis.personal_data import erase_user
from chassis.storage import Storage
from sqlalchemy.ext.asyncio import AsyncSession

from flashcard.models import tables


class Erasure:
    """Erases users."""

    def __init__(self, session: AsyncSession, storage: Storage) -> None:
        self._session = session
        self._storage = storage

    async def erase(self, user_id: UUID) -> None:
        """Delete the user's files, and then the rows: whoever dies in between begins again, and nobody misses the files."""
        # By their folder and not by rows: an import that failed or broke off leaves pictures without one.
        await self._storage.discard_folder(str(user_id))
        await erase_user(self._session, tables.metadata, user_id)
        # Once more: what was stored in between has no row any more that would lead to it.
        await self._storage.discard_folder(str(user_id))
