"""Reviews: given, looked at and taken back."""

from uuid import UUID

from chassis.paging import Page, PageDep
from fastapi import APIRouter

from flashcard.api.parts import DeskDep
from flashcard.history import LoggedReviewOut, history
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


@router.get("/flashcards/{card_id}/reviews")
async def list_reviews(card_id: UUID, desk: DeskDep, page: PageDep) -> Page[LoggedReviewOut]:
    """The log of a card, the newest review first: what was said, and the card's state before and after."""
    rows = await history(desk.session, desk.owner, card_id, page)
    return page.cut(rows, LoggedReviewOut.of, lambda row: (row.reviewed_at.isoformat(), str(row.id)))


@router.post("/reviews/undo")
async def undo_review(desk: DeskDep) -> ReviewOut:
    """Take back the last review; again for the one before."""
    logged, shown = await Reviews(desk.session, desk.owner).undo(desk.now)
    await tell_what_is_left(desk.session, desk.owner, desk.now)
    return ReviewOut(id=logged.id, card=card_out(shown))
