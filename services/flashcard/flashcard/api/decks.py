"""Decks."""

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from chassis.database import DatabaseDep
from chassis.idempotency import IdempotencyDep, IdempotencyKey, idempotency_for
from chassis.paging import Page, PageDep
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from flashcard.api.parts import Desk, DeskDep, StorageDep
from flashcard.deck_counts import NOTHING, counts_of
from flashcard.deck_schemas import (
    CountedDeck,
    DeckChange,
    DeckOut,
    NewDeck,
    SharedDeckOut,
    ShareOut,
    counted_deck,
    deck_out,
)
from flashcard.erasure import expect_account
from flashcard.media import Shelves
from flashcard.models import Deck
from flashcard.patience import lose_patience
from flashcard.rescheduling import reschedule_deck
from flashcard.rollover import tell_what_is_left, tell_when_cleared, tell_when_due
from flashcard.scheduling import DeckOptions
from flashcard.sharing import Sharing
from flashcard.students import today_of
from flashcard.trash import Trash

router = APIRouter(prefix="/decks", tags=["flashcards"])
ShareToken = Annotated[str, Path(min_length=1, max_length=100)]


async def _counted(desk: Desk) -> Callable[[Deck], CountedDeck]:
    counting, today = await today_of(desk.session, desk.owner, desk.now)
    counts = await counts_of(desk.session, desk.owner, desk.now, today, counting.end_of(today))
    # A deck that somebody removed since it was read has none.
    return lambda deck: counted_deck(deck, counts.get(deck.id, NOTHING))


@router.post("", status_code=201, responses={201: {"model": DeckOut}}, response_model=None)
async def create_deck(body: NewDeck, desk: DeskDep, once: IdempotencyDep) -> Response:
    """Make a deck; `Biology::Cells` also makes `Biology`."""
    if (earlier := await once.replay(body)) is not None:
        return earlier
    await lose_patience(desk.session)  # an import may be making a deck of this name
    shown = deck_out(await desk.decks.create(body.name, desk.chosen(body.options), desk.now))
    await once.remember(shown)
    return JSONResponse(shown.model_dump(mode="json"), status_code=201)


@router.get("")
async def list_decks(desk: DeskDep, page: PageDep) -> Page[CountedDeck]:
    """The decks by name, each before those that lie in it, with what is to be done in them today."""
    decks = await desk.decks.page(page)
    return page.cut(decks, await _counted(desk), lambda deck: (deck.name, str(deck.id)))


@router.get("/shared/{token}")
async def look_at_shared_deck(token: ShareToken, desk: DeskDep) -> SharedDeckOut:
    """What a link leads to, before it is copied."""
    found = await Sharing(desk.session, desk.owner, desk.ring).look(token)
    return SharedDeckOut(name=found.name, cards=found.cards, samples=list(found.samples))


@router.post(
    "/shared/{token}/copy",
    status_code=201,
    responses={201: {"model": DeckOut}},
    response_model=None,
    openapi_extra={"x-timeout": 120},
)
async def copy_shared_deck(
    token: ShareToken,
    request: Request,
    desk: DeskDep,
    database: DatabaseDep,
    storage: StorageDep,
    *,
    key: IdempotencyKey = None,
) -> Response:
    """A deck of one's own with the same cards and pictures, without its owner's history and documents."""
    # The files between two transactions: the desk's own begins with its first statement.
    async with database.transaction() as session:
        if (earlier := await idempotency_for(request, session, desk.owner, key).answered(b"")) is not None:
            return earlier
        used = await Sharing(session, desk.owner, desk.ring).media(token)
    shelves = Shelves(storage, desk.owner)
    stored = {}
    for media in used:
        # A file that is gone from the storage is gone for the owner, too: the cards are copied without it.
        with suppress(FileNotFoundError):
            stored[media.name] = await shelves.take(media)
    await expect_account(desk.session, storage, desk.owner)
    once = idempotency_for(request, desk.session, desk.owner, key)
    if (earlier := await once.replay(b"")) is not None:
        return earlier
    await lose_patience(desk.session)
    deck = await Sharing(desk.session, desk.owner, desk.ring).copy(token, stored, desk.now)
    await tell_when_due(desk.session, desk.owner, desk.now)
    shown = deck_out(deck)
    await once.remember(shown)
    return JSONResponse(shown.model_dump(mode="json"), status_code=201)


@router.post("/{deck_id}/share")
async def share_deck(deck_id: UUID, desk: DeskDep) -> ShareOut:
    """Let whoever has the link copy the deck; the same link as long as it is shared."""
    token = await Sharing(desk.session, desk.owner, desk.ring).share(deck_id, desk.now)
    return ShareOut(token=token, path=f"/api/v1/decks/shared/{token}")


@router.delete("/{deck_id}/share", status_code=204)
async def stop_sharing_deck(deck_id: UUID, desk: DeskDep) -> None:
    """Stop sharing: the link leads nowhere, copies stay."""
    await Sharing(desk.session, desk.owner, desk.ring).revoke(deck_id)


@router.get("/{deck_id}")
async def get_deck(deck_id: UUID, desk: DeskDep) -> CountedDeck:
    """One deck, with what is to be done in it today."""
    deck = await desk.decks.get(deck_id)
    return (await _counted(desk))(deck)


@router.patch("/{deck_id}")
async def change_deck(deck_id: UUID, body: DeckChange, desk: DeskDep) -> DeckOut:
    """Rename a deck, or change how it is studied. Another algorithm, retention, steps, longest interval or fuzz replay the log of reviews,
    so that cards are due as the options say. A small deck is done with the answer: of less than a thousand cards, of which a hundred were
    reviewed, with five hundred reviews in all. Of a larger one `rescheduling` says how far it is, here and in `GET /decks/{deck_id}`, until
    it is null. Meanwhile everything goes on, and options may be changed again. What was reviewed elsewhere and imported is
    replayed by another algorithm, too, where its log was imported whole, and is as it came by the algorithm of before."""
    decks = desk.decks
    if body.name is not None:
        await decks.change_tree()
    deck = await decks.get(deck_id, lock=True)
    if body.name is not None:
        await decks.rename(deck, body.name, desk.now)
    if body.options is not None:
        options = deck.options | body.options.model_dump(mode="json", exclude_unset=True)
        await reschedule_deck(desk.session, deck, DeckOptions.model_validate(options), desk.now)
        await tell_what_is_left(desk.session, desk.owner, desk.now)
    return deck_out(deck)


@router.delete("/{deck_id}", status_code=204)
async def delete_deck(deck_id: UUID, desk: DeskDep) -> None:
    """Delete a deck with its cards, and those that lie in it. `POST /flashcards/trash/{id}/restore` takes it back, without its link."""
    await desk.decks.change_tree()
    await Trash(desk.session, desk.owner).take_deck(await desk.decks.get(deck_id, lock=True), desk.now)
    await tell_when_cleared(desk.session, desk.owner, desk.now)
