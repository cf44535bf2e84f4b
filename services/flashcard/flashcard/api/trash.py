"""What was deleted: looked at, taken back, or removed for good."""

from datetime import datetime
from typing import Self
from uuid import UUID

from chassis.paging import Page, PageDep
from fastapi import APIRouter
from pydantic import BaseModel, Field

from flashcard.api.parts import DeskDep
from flashcard.models import Deletion
from flashcard.rollover import tell_when_due
from flashcard.trash import KEPT, Trash

router = APIRouter(prefix="/flashcards/trash", tags=["flashcards"])


class DeletionOut(BaseModel):
    """What was deleted at once."""

    id: UUID
    deck: str | None = Field(
        description="The name of the deck that was deleted with all that lies in it; null for cards"
    )
    decks: int = Field(description="How many decks, those that lie in it among them")
    cards: int
    deleted_at: datetime
    kept_until: datetime

    @classmethod
    def of(cls, row: Deletion) -> Self:
        """A row of the trash."""
        return cls.model_validate(row.model_dump() | {"kept_until": row.deleted_at + KEPT})


@router.get("")
async def list_trash(desk: DeskDep, page: PageDep) -> Page[DeletionOut]:
    """What was deleted in the last 30 days and not taken back, the last first."""
    rows = await Trash(desk.session, desk.owner).page(page)
    return page.cut(rows, DeletionOut.of, lambda row: (row.deleted_at.isoformat(), str(row.id)))


@router.post("/{deletion_id}/restore")
async def restore_from_trash(deletion_id: UUID, desk: DeskDep) -> DeletionOut:
    """Take back a deletion: decks, cards and all that was known of them are as before, due as the decks say now."""
    restored = await Trash(desk.session, desk.owner).restore(deletion_id, desk.now)
    await tell_when_due(desk.session, desk.owner, desk.now)
    return DeletionOut.of(restored)


@router.delete("/{deletion_id}", status_code=204)
async def delete_for_good(deletion_id: UUID, desk: DeskDep) -> None:
    """Remove what was deleted for good, before its time."""
    await Trash(desk.session, desk.owner).forget(deletion_id)
