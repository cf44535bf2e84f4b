"""Statistics."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from flashcard.api.parts import DeskDep
from flashcard.statistics import Statistics, StatisticsOf

router = APIRouter(prefix="/flashcards", tags=["flashcards"])


@router.get("/statistics")
async def statistics(
    desk: DeskDep,
    deck_id: Annotated[UUID | None, Query(description="This deck and what lies in it")] = None,
    days: Annotated[int, Query(ge=1, le=365, description="How far to look back and ahead")] = 30,
) -> Statistics:
    """How much is remembered, what is coming, how much time it takes."""
    return await StatisticsOf(desk.session, desk.owner).over(await desk.today(), days, deck_id)
