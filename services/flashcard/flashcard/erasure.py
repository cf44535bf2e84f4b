"""The end of what flashcard keeps of a user."""

from uuid import UUID

from chassis.errors import Unauthorized
from chassis.personal_data import erase_user, is_erased
from chassis.storage import Storage
from sqlalchemy.ext.asyncio import AsyncSession

from flashcard.models import tables


class AccountEnded(Unauthorized):
    type, title = "account-ended", "This account was deleted"


async def expect_account(session: AsyncSession, storage: Storage, user_id: UUID) -> None:
    """After files of the user were stored, and before the rows that lead to them are written: nobody is erased from now on until the
    transaction ends. Of who was erased in the meantime the files go, too. Raises `AccountEnded`."""
    if await is_erased(session, user_id):
        await storage.discard_folder(str(user_id))
        raise AccountEnded("This account was deleted, and nothing is kept for it any more.")


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
