"""The documents that cards were made from, as far as they are gone."""

from uuid import UUID

from chassis.personal_data import is_erased
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.models import Draft, GoneDocument, Note


class Sources:
    """What was deleted stays deleted: a tombstone marks cards that are made from it afterwards, too."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def remove(self, document_id: UUID, *, owner: UUID) -> None:
        """The document is gone: every card and draft made from it says so."""
        if await is_erased(self._session, owner):
            return
        gone = insert(GoneDocument).values(document_id=document_id, user_id=owner).on_conflict_do_nothing()
        await self._session.execute(gone)
        for table in (Note, Draft):
            source = col(table.source).op("||")({"available": False})
            mine = (col(table.document_id) == document_id) & (col(table.user_id) == owner)
            await self._session.execute(
                update(table).where(mine).values(source=source), execution_options={"synchronize_session": False}
            )

    async def is_gone(self, document_id: UUID, *, owner: UUID) -> bool:
        """Whether the document was deleted."""
        statement = select(GoneDocument.document_id).where(
            GoneDocument.document_id == document_id, GoneDocument.user_id == owner
        )
        return (await self._session.execute(statement)).first() is not None
