"""Changing how a deck is studied: the log stays, and what it comes to is counted anew."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.models import Card, Deck
from flashcard.notes import Notes
from flashcard.reviewing import Reviews
from flashcard.scheduling import DeckOptions


async def reschedule_deck(session: AsyncSession, deck: Deck, options: DeckOptions, now: datetime) -> None:
    """Give a locked deck other options. Another algorithm replays the log of each card that was reviewed; what else changes
    counts for a card, its whole log included, once it is reviewed again."""
    before = DeckOptions.model_validate(deck.options)
    deck.options = options.model_dump(mode="json")
    deck.version, deck.updated_at = deck.version + 1, now
    await session.flush()
    if options.algorithm == before.algorithm:
        return
    reviews = Reviews(session, deck.user_id)
    reviewed = select(Card).where(Card.deck_id == deck.id, Card.reviews > 0)
    # The notes first, as whoever reviews a card does: it buries siblings, which may be locked here already.
    await Notes(session, deck.user_id).lock(reviewed.with_only_columns(col(Card.note_id)))
    for card in (await session.execute(reviewed.order_by(col(Card.id)).with_for_update())).scalars().all():
        await reviews.reschedule(card, options)
