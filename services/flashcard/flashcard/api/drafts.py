"""Cards that were proposed: taken, edited or left."""

from typing import Annotated
from uuid import UUID

from chassis.idempotency import IdempotencyDep
from chassis.paging import Page, PageDep
from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from flashcard.api.parts import DeskDep
from flashcard.draft_schemas import AllDraftsAcceptance, DraftAcceptance, DraftChange, DraftOut, MadeCards, draft_out
from flashcard.drafts import Drafts, Edited
from flashcard.models import DraftStatus
from flashcard.rollover import tell_when_cleared, tell_when_due
from flashcard.schemas import card_out

router = APIRouter(prefix="/flashcards/drafts", tags=["flashcards"])


@router.get("")
async def list_drafts(
    desk: DeskDep,
    page: PageDep,
    status: Annotated[DraftStatus, Query(description="What became of them")] = "waiting",
    proposal_id: Annotated[UUID | None, Query(description="Of one proposal, as chat has answered with it")] = None,
) -> Page[DraftOut]:
    """Proposed cards, in the order in which they came."""
    rows = await Drafts(desk.session, desk.owner).page(page, status, proposal_id)
    return page.cut(rows, draft_out, lambda row: (row.place or 0,))


@router.post("/accept", status_code=201, responses={201: {"model": MadeCards}}, response_model=None)
async def accept_all_drafts(body: AllDraftsAcceptance, desk: DeskDep, once: IdempotencyDep) -> Response:
    """Take all drafts as they are."""
    if (earlier := await once.replay(body)) is not None:
        return earlier
    deck = await desk.deck_for_cards(body.deck_id)
    made = await Drafts(desk.session, desk.owner).accept_all(deck, desk.now, body.proposal_id)
    await tell_when_due(desk.session, desk.owner, desk.now)
    shown = MadeCards(cards=[card_out(shown) for shown in made])
    await once.remember(shown)
    return JSONResponse(shown.model_dump(mode="json"), status_code=201)


@router.patch("/{draft_id}")
async def change_draft(draft_id: UUID, body: DraftChange, desk: DeskDep) -> DraftOut:
    """Edit a draft, and let it wait on."""
    return draft_out(await Drafts(desk.session, desk.owner).change(draft_id, body.question, body.answer))


@router.post("/{draft_id}/accept", status_code=201, responses={201: {"model": MadeCards}}, response_model=None)
async def accept_draft(draft_id: UUID, body: DraftAcceptance, desk: DeskDep, once: IdempotencyDep) -> Response:
    """Take a draft, as it is or edited."""
    if (earlier := await once.replay(body)) is not None:
        return earlier
    edited, deck = Edited(body.question, body.answer, body.tags), await desk.deck_for_cards(body.deck_id)
    made = await Drafts(desk.session, desk.owner).accept(draft_id, deck, edited, desk.now)
    await tell_when_due(desk.session, desk.owner, desk.now)
    shown = MadeCards(cards=[card_out(shown) for shown in made])
    await once.remember(shown)
    return JSONResponse(shown.model_dump(mode="json"), status_code=201)


@router.post("/{draft_id}/reject", status_code=204)
async def reject_draft(draft_id: UUID, desk: DeskDep) -> None:
    """Leave a draft; it is not proposed again."""
    await Drafts(desk.session, desk.owner).reject(draft_id)


@router.post("/{draft_id}/restore")
async def restore_draft(draft_id: UUID, desk: DeskDep) -> DraftOut:
    """Take back that a draft was taken or left: it waits again. Cards that it made go, unless they were reviewed."""
    draft = await Drafts(desk.session, desk.owner).restore(draft_id)
    await tell_when_cleared(desk.session, desk.owner, desk.now)
    return draft_out(draft)
