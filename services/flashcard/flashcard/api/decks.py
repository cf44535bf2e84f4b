"""Decks."""

from uuid import UUID

from chassis.idempotency import IdempotencyDep
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from flashcard.api.parts import DeskDep
from flashcard.decks import Decks
from flashcard.rescheduling import reschedule_deck
from flashcard.schemas import DeckChange, DeckOut, NewDeck, deck_out

router = APIRouter(prefix="/decks", tags=["flashcards"])


@router.post("", status_code=201, responses={201: {"model": DeckOut}}, response_model=None)
async def create_deck(body: NewDeck, desk: DeskDep, once: IdempotencyDep) -> Response:
    """Make a deck; `Biology::Cells` also makes `Biology`."""
    if (earlier := await once.replay(body)) is not None:
        return earlier
    shown = deck_out(await Decks(desk.session, desk.owner).create(body.name, body.options, desk.now))
    await once.remember(shown)
    return JSONResponse(shown.model_dump(mode="json"), status_code=201)


@router.get("")
async def list_decks(desk: DeskDep) -> list[DeckOut]:
    """All decks, by name."""
    return [deck_out(deck) for deck in await Decks(desk.session, desk.owner).all()]


@router.get("/{deck_id}")
async def get_deck(deck_id: UUID, desk: DeskDep) -> DeckOut:
    """One deck."""
    return deck_out(await Decks(desk.session, desk.owner).get(deck_id))


@router.patch("/{deck_id}")
async def change_deck(deck_id: UUID, body: DeckChange, desk: DeskDep) -> DeckOut:
    """Rename a deck, or change how it is studied. Another algorithm replays the log of reviews."""
    decks = Decks(desk.session, desk.owner)
    deck = await decks.get(deck_id, lock=True)
    if body.name is not None:
        await decks.rename(deck, body.name, desk.now)
    if body.options is not None:
        await reschedule_deck(desk.session, deck, body.options, desk.now)
    return deck_out(deck)


@router.delete("/{deck_id}", status_code=204)
async def delete_deck(deck_id: UUID, desk: DeskDep) -> None:
    """Delete a deck with its cards, and those that lie in it."""
    decks = Decks(desk.session, desk.owner)
    await decks.delete(await decks.get(deck_id, lock=True))
