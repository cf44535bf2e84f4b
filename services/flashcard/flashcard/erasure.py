"""The end of what flashcard keeps of a user."""

from uuid import UUID

from chassis.personal_data import erase_user
from chassis.storage import Storage
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from flashcard.media import Shelves
from flashcard.models import DeckImport, Media, tables


class Erasure:
    """Erases users."""

    def __init__(self, session: AsyncSession, storage: Storage) -> None:
        self._session = session
        self._storage = storage

    async def erase(self, user_id: UUID) -> None:
        """Delete the user's files, and then the rows: whoever dies in between begins again, and nobody misses the files."""
        shelves = Shelves(self._storage, user_id)
        for digest in (await self._session.execute(select(Media.digest).where(Media.user_id == user_id))).scalars():
            await shelves.discard(digest)
        files = select(DeckImport.storage_key).where(DeckImport.user_id == user_id)
        for key in (await self._session.execute(files)).scalars():
            await self._storage.discard(key)
        await erase_user(self._session, tables.metadata, user_id)
