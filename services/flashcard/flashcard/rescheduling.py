"""Another way of studying, of a deck or in another deck: the log stays, and what it comes to is counted anew.

A deck's row says that its cards are to be rescheduled, and how far that is. They are taken in the order of their ids, so many in a
transaction, which moves the row on: a process that dies has done nothing, and another goes on from there. Whoever reviews a card
replays its log by the present options anyway, whether the replay has come to that card or not.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.decks import Decks
from flashcard.memory import Phase
from flashcard.models import Card, Deck
from flashcard.notes import Notes
from flashcard.replaying import at_once
from flashcard.reviewing import Reviews
from flashcard.scheduling import DeckOptions

# New ones among them are locked, too, and pass at once. A deck that has no more, of which few enough are known, is a small one.
_LOOKED_AT = 1000
# Not only what was reviewed: in Anki a new card can be given a day by hand.
_KNOWN = Card.phase != Phase.NEW
# `reviews` counts those elsewhere, of which only so many can be replayed.
_LOGGED = Card.reviews - func.coalesce(col(Card.base)["reviews"].as_integer(), 0) + col(Card.base_reviews)


async def reschedule_deck(session: AsyncSession, deck: Deck, options: DeckOptions, now: datetime) -> None:
    """Give a locked deck other options. Those that the schedule depends on replay the log of each card that is not new: here of as
    many as a request has time for, which are all of a small deck, and then by whoever works on replays."""
    before = DeckOptions.model_validate(deck.options)
    deck.options = options.model_dump(mode="json")
    deck.version, deck.updated_at = deck.version + 1, now
    await session.flush()
    if options.scheduler() == before.scheduler():
        return
    known = select(func.count()).where(Card.deck_id == deck.id, _KNOWN)
    deck.replay_cards = (await session.execute(known)).scalar_one()
    deck.replayed_cards, deck.replayed_to = 0, None
    await replay_next(session, deck, now)


async def next_replay(session: AsyncSession, now: datetime) -> Deck | None:
    """The deck whose replay waits longest, locked; None if none waits, or others have them all."""
    waiting = select(Deck).where(col(Deck.replay_at) <= now).order_by(col(Deck.replay_at)).limit(1)
    # Cards may be written into it meanwhile.
    return (await session.execute(waiting.with_for_update(skip_locked=True, key_share=True))).scalar_one_or_none()


async def replay_next(session: AsyncSession, deck: Deck, now: datetime) -> None:
    """Replay the logs of the next cards of a locked deck by its options. The deck goes behind the others that wait."""
    cards, last = await _next_cards(session, deck)
    # The notes first, as whoever reviews a card does: it buries siblings, which may be locked here already. Those of new cards, too:
    # a first review that is being written now is by the options of before, and is to be seen.
    await Notes(session, deck.user_id).lock({card.note_id for card in cards})
    known = select(Card).where(col(Card.id).in_([card.id for card in cards]), Card.deck_id == deck.id, _KNOWN)
    locked = known.order_by(col(Card.id)).with_for_update().execution_options(populate_existing=True)
    replayed = (await session.execute(locked)).scalars().all()
    await Reviews(session, deck.user_id).reschedule(replayed, DeckOptions.model_validate(deck.options))
    deck.replayed_cards += len(replayed)
    deck.replay_at = None if last else now
    deck.replayed_to = cards[-1].id if cards else deck.replayed_to
    await session.flush()


async def _next_cards(session: AsyncSession, deck: Deck) -> tuple[Sequence[Row[UUID, UUID, str, int]], bool]:
    """The next cards, among which are as many known ones as are replayed at once, and whether they are the last."""
    there = select(Card.id, Card.note_id, Card.phase, _LOGGED.label("logged")).where(Card.deck_id == deck.id)
    if deck.replayed_to is not None:
        there = there.where(col(Card.id) > deck.replayed_to)
    found = (await session.execute(there.order_by(col(Card.id)).limit(_LOOKED_AT))).all()
    known = [place for place, card in enumerate(found) if card.phase != Phase.NEW]
    if (fit := at_once(found[place].logged for place in known)) < len(known):
        return found[: known[fit]], False
    return found, len(found) < _LOOKED_AT


async def move(session: AsyncSession, owner: UUID, note_ids: Sequence[UUID], deck: Deck) -> None:
    """Put all cards of these locked notes into a deck, which is kept. Logs of those that were scheduled otherwise are replayed."""
    decks = {each.id: each for each in await Decks(session, owner).all()}
    schedulers = {each.id: DeckOptions.model_validate(each.options).scheduler() for each in decks.values()}
    mine = select(Card).where(col(Card.note_id).in_(note_ids), Card.user_id == owner).order_by(col(Card.id))
    otherwise = list[Card]()
    for card in (await session.execute(mine.with_for_update())).scalars():
        # What a deck's replay has not come to is not scheduled as the deck says.
        stale = decks[card.deck_id].replay_at is not None
        if card.phase != Phase.NEW and (stale or schedulers[card.deck_id] != schedulers[deck.id]):
            otherwise.append(card)
        card.deck_id, card.version = deck.id, card.version + 1
    await Reviews(session, owner).reschedule(otherwise, DeckOptions.model_validate(deck.options))


async def catch_up(session: AsyncSession, owner: UUID, note_ids: Sequence[UUID]) -> None:
    """Replay the logs of these locked notes' cards whose decks are being replayed, which may not have come to them yet."""
    waiting = select(Card).join(Deck).where(col(Card.note_id).in_(note_ids), Card.user_id == owner, _KNOWN)
    stale = waiting.where(col(Deck.replay_at).is_not(None)).order_by(col(Card.id)).with_for_update(of=Card)
    by_deck = defaultdict[UUID, list[Card]](list)
    for card in (await session.execute(stale)).scalars():
        by_deck[card.deck_id].append(card)
    options = await Decks(session, owner).options(list(by_deck)) if by_deck else {}
    for deck_id, cards in by_deck.items():
        await Reviews(session, owner).reschedule(cards, options[deck_id])
