"""Cards that were proposed: taken, edited or left."""

from uuid import UUID

from chassis.paging import Page, PageDep
from fastapi import APIRouter

from flashcard.api.parts import DeskDep
from flashcard.decks import DEFAULT
from flashcard.drafts import Drafts, Edited
from flashcard.models import Deck
from flashcard.schemas import AllDraftsAcceptance, DraftAcceptance, DraftOut, MadeCards, card_out

router = APIRouter(prefix="/flashcards/drafts", tags=["flashcards"])


@router.get("")
async def list_drafts(desk: DeskDep, page: PageDep) -> Page[DraftOut]:
    """Proposed cards that wait, in the order in which they came."""
    rows = await Drafts(desk.session, desk.owner).page(page)
    return page.cut(rows, lambda row: DraftOut.model_validate(row, from_attributes=True), lambda row: (row.place or 0,))


@router.post("/accept", status_code=201)
async def accept_all_drafts(body: AllDraftsAcceptance, desk: DeskDep) -> MadeCards:
    """Take all drafts as they are."""
    made = await Drafts(desk.session, desk.owner).accept_all(await _deck(desk, body.deck_id), desk.now)
    return MadeCards(cards=[card_out(shown) for shown in made])


@router.post("/{draft_id}/accept", status_code=201)
async def accept_draft(draft_id: UUID, body: DraftAcceptance, desk: DeskDep) -> MadeCards:
    """Take a draft, as it is or edited."""
    edited = Edited(body.question, body.answer, body.tags)
    made = await Drafts(desk.session, desk.owner).accept(draft_id, await _deck(desk, body.deck_id), edited, desk.now)
    return MadeCards(cards=[card_out(shown) for shown in made])


@router.post("/{draft_id}/reject", status_code=204)
async def reject_draft(draft_id: UUID, desk: DeskDep) -> None:
    """Leave a draft; it is not proposed again."""
    await Drafts(desk.session, desk.owner).reject(draft_id)


async def _deck(desk: DeskDep, deck_id: UUID | None) -> Deck:
    decks = desk.decks
    return await decks.get(deck_id) if deck_id else await decks.ensure(DEFAULT, desk.now)
