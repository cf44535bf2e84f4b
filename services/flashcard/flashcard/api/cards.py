"""Cards: written, found, changed, studied."""

from typing import Annotated
from uuid import UUID

from chassis.errors import Forbidden
from chassis.idempotency import IdempotencyDep
from chassis.paging import Page, PageDep
from chassis.problems import BeingChanged
from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator

from flashcard.api.parts import DeskDep
from flashcard.catalogue import Catalogue
from flashcard.leeches import Leeches
from flashcard.notes import Notes, Shown
from flashcard.queue import Queues
from flashcard.replaying import memory_of
from flashcard.rescheduling import move
from flashcard.reviewing import Reviews
from flashcard.rollover import tell_what_is_left, tell_when_cleared, tell_when_due
from flashcard.scheduling import choices
from flashcard.schemas import (
    BulkChange,
    BulkOut,
    CardChange,
    CardOut,
    ChangedCard,
    NewCard,
    NewCardsOut,
    QueuedCard,
    QueueOut,
    RenderedCard,
    card_out,
    changed_card,
    rendered_card,
    rendered_fields,
    storable,
)
from flashcard.search import IN_WORDS
from flashcard.students import today_of
from flashcard.trash import Trash

router = APIRouter(prefix="/flashcards", tags=["flashcards"])


@router.post("", status_code=201, responses={201: {"model": NewCardsOut}}, response_model=None)
async def create_card(body: NewCard, desk: DeskDep, once: IdempotencyDep) -> Response:
    """Write a card, or several at once: reversed and cloze notes have siblings. Duplicates are told, not refused."""
    if (earlier := await once.replay(body)) is not None:
        return earlier
    notes = Notes(desk.session, desk.owner)
    deck = await desk.deck_for_cards(body.deck_id)
    alike = await notes.alike(body.question)
    made = await notes.write(deck, body.written(), desk.now)
    await tell_when_due(desk.session, desk.owner, desk.now)
    shown = NewCardsOut(cards=[card_out(card) for card in made], alike=alike)
    await once.remember(shown)
    return JSONResponse(shown.model_dump(mode="json"), status_code=201)


@router.get("")
async def list_cards(
    desk: DeskDep,
    page: PageDep,
    q: Annotated[str, Query(max_length=500, description=IN_WORDS), AfterValidator(storable)] = "",
) -> Page[CardOut]:
    """The student's cards, the newest first."""
    rows = await Catalogue(desk.session, desk.owner).page(q, page, desk.now, await desk.today())
    return page.cut(rows, card_out, lambda row: (row.card.created_at.isoformat(), str(row.card.id)))


@router.get("/due")
async def due_cards(
    desk: DeskDep,
    user_id: Annotated[UUID | None, Query(alias="userId", description="Another's, for admins alone")] = None,
    deck_id: Annotated[
        UUID | None,
        Query(
            description="This deck and what lies in it, together within its limits of the day; each deck within its own"
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> QueueOut:
    """What to study now: steps of minutes that are over, then what is due by its day, then new cards, within the day's limits."""
    owner = user_id or desk.owner
    if owner != desk.owner and "admin" not in desk.roles:
        raise Forbidden("Only an admin sees what is due for somebody else. Leave userId out.")
    counting, today = await today_of(desk.session, owner, desk.now)
    queue = await Queues(desk.session, owner).now(desk.now, today, counting.end_of(today), deck_id, limit)
    schedulers = {deck: chosen.scheduler() for deck, chosen in queue.options.items()}
    anew = await Reviews(desk.session, owner).memories(queue.stale, queue.options)

    def queued(shown: Shown) -> QueuedCard:
        scheduler = schedulers[shown.card.deck_id]
        memory = anew.get(shown.card.id) or memory_of(shown.card)
        buttons = choices(memory, desk.now, today, scheduler, shown.card.id)
        named = {rating.label: choice for rating, choice in buttons.items()}
        return QueuedCard.model_validate(rendered_fields(shown) | {"choices": named})

    counts = {"learning": queue.learning, "due": queue.due, "new": queue.new}
    return QueueOut(items=[queued(shown) for shown in queue.cards], day=today, next_at=queue.next_at, **counts)


@router.post("/bulk")
async def change_cards(body: BulkChange, desk: DeskDep) -> BulkOut:
    """Suspend, bury, tag, move or delete many cards at once. Tags and deck are those of a note: its other cards are changed along, and go
    along where one is deleted. What is deleted can be taken back (`GET /flashcards/trash`)."""
    catalogue = Catalogue(desk.session, desk.owner)
    today = await desk.today()
    chosen = body.card_ids if body.q is None else await catalogue.matching(body.q, desk.now, today)
    deck = await desk.decks.keep(body.deck_id) if body.deck_id else None
    changed = await catalogue.change(chosen or [], body.action, today, now=desk.now, tags=body.tags, deck=deck)
    await tell_what_is_left(desk.session, desk.owner, desk.now)
    return BulkOut(changed=changed)


@router.get("/{card_id}")
async def get_card(card_id: UUID, desk: DeskDep) -> RenderedCard:
    """One card, as text and as HTML that may stand in a page."""
    return rendered_card(await Notes(desk.session, desk.owner).get(card_id))


@router.patch("/{card_id}")
async def change_card(card_id: UUID, body: CardChange, desk: DeskDep) -> ChangedCard:
    """Change a card; its siblings share question, answer, tags and deck. Duplicates are told, not refused."""
    notes = Notes(desk.session, desk.owner)
    before = await notes.get(card_id)
    # Another question may make more cards, in the same deck.
    deck = await desk.decks.keep(body.deck_id or before.card.deck_id)
    shown = await notes.get(card_id, lock=True)
    if body.deck_id is None and shown.card.deck_id != deck.id:
        # Its deck is kept before its note is locked, and so is another one than it lies in by now.
        raise BeingChanged("The card was moved to another deck this moment. Send the change again.", retry_after=1)
    if body.deck_id is not None:
        await move(desk.session, desk.owner, [shown.note.id], deck)
    if body.suspended is not None:
        await Leeches(desk.session, desk.owner).suspend(shown.card, body.suspended)
    change = body.model_dump(include={"question", "answer", "kind", "markup", "tags"}, exclude_none=True)
    if change:
        await notes.rewrite(shown.note, change, deck, desk.now)
    await tell_what_is_left(desk.session, desk.owner, desk.now)
    return changed_card(shown, await notes.alike(body.question, shown.note.id) if body.question else [])


@router.delete("/{card_id}", status_code=204)
async def delete_card(card_id: UUID, desk: DeskDep) -> None:
    """Delete a card with its siblings; what was reviewed stays in the statistics. `POST /flashcards/trash/{id}/restore` takes it back."""
    shown = await Notes(desk.session, desk.owner).get(card_id, lock=True)
    await Trash(desk.session, desk.owner).take_notes([shown.note.id], desk.now)
    await tell_when_cleared(desk.session, desk.owner, desk.now)
