"""Reviews: given and taken back."""

from uuid import UUID

from fastapi import APIRouter

from flashcard.api.parts import DeskDep
from flashcard.reviewing import Reviews
from flashcard.rollover import tell_what_is_left
from flashcard.schemas import NewReview, ReviewOut, card_out

router = APIRouter(tags=["flashcards"])


@router.post("/flashcards/{card_id}/review")
async def review_card(card_id: UUID, body: NewReview, desk: DeskDep) -> ReviewOut:
    """Say how well a card was recalled. A review with the same `id` counts once; one of the past counts in its own time."""
    given = body.given(desk.now)
    shown = await Reviews(desk.session, desk.owner).add(card_id, given, desk.now)
    await tell_what_is_left(desk.session, desk.owner, desk.now)
    return ReviewOut(id=given.id, card=card_out(shown))


@router.post("/reviews/undo")
async def undo_review(desk: DeskDep) -> ReviewOut:
    """Take back the last review; again for the one before."""
    logged, shown = await Reviews(desk.session, desk.owner).undo(desk.now)
    await tell_what_is_left(desk.session, desk.owner, desk.now)
    return ReviewOut(id=logged.id, card=card_out(shown))
