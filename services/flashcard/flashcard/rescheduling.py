"""Another way of studying, of a deck or in another deck: the log stays, and what it comes to is counted anew."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.decks import Decks
from flashcard.models import Card, Deck
from flashcard.notes import Notes
from flashcard.reviewing import Reviews
from flashcard.scheduling import DeckOptions


async def reschedule_deck(session: AsyncSession, deck: Deck, options: DeckOptions, now: datetime) -> None:
    """Give a locked deck other options. Those that the schedule depends on replay the log of each card that was reviewed, so that what
    is due and what a button says is always what a replay with the present options gives."""
    before = DeckOptions.model_validate(deck.options)
    deck.options = options.model_dump(mode="json")
    deck.version, deck.updated_at = deck.version + 1, now
    await session.flush()
    if options.scheduler() == before.scheduler():
        return
    reviewed = select(Card).where(Card.deck_id == deck.id, Card.reviews > 0)
    # The notes first, as whoever reviews a card does: it buries siblings, which may be locked here already.
    await Notes(session, deck.user_id).lock(reviewed.with_only_columns(col(Card.note_id)))
    cards = (await session.execute(reviewed.order_by(col(Card.id)).with_for_update())).scalars().all()
    await Reviews(session, deck.user_id).reschedule(cards, options)


async def move(session: AsyncSession, owner: UUID, note_ids: Sequence[UUID], deck: Deck) -> None:
    """Put all cards of these locked notes into a deck, which is kept. Logs of those that were scheduled otherwise are replayed."""
    options = await Decks(session, owner).options()
    mine = select(Card).where(col(Card.note_id).in_(note_ids), Card.user_id == owner).order_by(col(Card.id))
    there, otherwise = options[deck.id], list[Card]()
    for card in (await session.execute(mine.with_for_update())).scalars():
        if card.reviews and options[card.deck_id].scheduler() != there.scheduler():
            otherwise.append(card)
        card.deck_id, card.version = deck.id, card.version + 1
    await Reviews(session, owner).reschedule(otherwise, there)
