"""The end of what chat keeps of a user."""

from uuid import UUID

from chassis.personal_data import erase_user
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chat.models import ShelvedDocument, tables

SHELF = "shelved_document"


async def erase(session: AsyncSession, user_id: UUID) -> None:
    """Delete everything of the user's. Of documents a tombstone without a title stays, so that late news brings none back."""
    await erase_user(session, tables.metadata, user_id, keep={SHELF})
    mine = update(ShelvedDocument).where(col(ShelvedDocument.user_id) == user_id)
    await session.execute(mine.values(title="", deleted=True))
