"""What flashcard can say of cards and shared decks as they are now. Reviews are what happened, and no state: `--since` says them again."""

from collections.abc import Sequence
from uuid import UUID

from contracts.flashcard import CardCreated, DeckShared
from mesh import Event, Snapshots
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.models import Card, Deck, Note, Share
from flashcard.notes import Shown, created
from flashcard.sharing import shared_now

snapshots = Snapshots()


@snapshots.of(CardCreated)
async def cards(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Event]:
    """Every card, as its note is written now."""
    statement = select(Card, Note).join(Note, col(Note.id) == Card.note_id).order_by(col(Card.id)).limit(limit)
    if after is not None:
        statement = statement.where(col(Card.id) > after)
    return [created(Shown(card, note)) for card, note in (await session.execute(statement)).all()]


@snapshots.of(DeckShared)
async def shared_decks(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Event]:
    """Every deck that has a link."""
    statement = select(Deck).join(Share, col(Share.deck_id) == Deck.id).order_by(col(Deck.id)).limit(limit)
    if after is not None:
        statement = statement.where(col(Deck.id) > after)
    return [await shared_now(session, deck) for deck in (await session.execute(statement)).scalars().all()]
