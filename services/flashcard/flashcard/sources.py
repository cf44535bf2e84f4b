"""The documents that cards were made from, as far as they are gone."""

from collections.abc import Collection
from uuid import UUID

from chassis.personal_data import is_erased
from sqlalchemy import TextClause, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.models import Draft, GoneDocument, Note

_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:source, 0))")
_TOGETHER = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:source, 0))")


class Sources:
    """What was deleted stays deleted: a tombstone marks cards that are made from it afterwards, too."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def remove(self, document_id: UUID, *, owner: UUID) -> None:
        """The document is gone: every card and draft made from it says so."""
        if await is_erased(self._session, owner):
            return
        await self._hold(_ALONE, document_id)
        gone = insert(GoneDocument).values(document_id=document_id, user_id=owner).on_conflict_do_nothing()
        await self._session.execute(gone)
        await self._mark(document_id, owner)

    async def recheck(self, document_ids: Collection[UUID], *, owner: UUID) -> None:
        """Cards that were not here for a while say of these documents whether they are gone."""
        for document_id in sorted(document_ids):
            if await self.is_gone(document_id, owner=owner):
                await self._mark(document_id, owner)

    async def _mark(self, document_id: UUID, owner: UUID) -> None:
        for table in (Note, Draft):
            source = col(table.source).op("||")({"available": False})
            mine = (col(table.document_id) == document_id) & (col(table.user_id) == owner)
            await self._session.execute(
                update(table).where(mine).values(source=source), execution_options={"synchronize_session": False}
            )

    async def is_gone(self, document_id: UUID, *, owner: UUID) -> bool:
        """Whether the document was deleted. Who finds that it was not, has written before anybody hears that it is."""
        await self._hold(_TOGETHER, document_id)
        statement = select(GoneDocument.document_id).where(
            GoneDocument.document_id == document_id, GoneDocument.user_id == owner
        )
        return (await self._session.execute(statement)).first() is not None

    async def _hold(self, lock: TextClause, document_id: UUID) -> None:
        # Until the transaction ends: a card that is being written is not seen by who marks those of the document meanwhile.
        await self._session.execute(lock, {"source": f"source {document_id}"})
