"""What a card's log comes to by the options of its deck, and replaying many logs so that others have their turn.

The log of a card begins with its base: nothing, or the memory that it was imported with. That stands as long as the deck has the
algorithm by which it was imported; by another one, what was reviewed elsewhere is replayed, too, where it was imported from the card's
first review on. So an algorithm that is tried and left brings back the schedule that the card came with.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from flashcard.fsrs_scheduling import Fsrs
from flashcard.memory import Memory, Phase, Review
from flashcard.models import Card, LoggedReview
from flashcard.ratings import Rating
from flashcard.scheduling import DeckOptions, becomes_leech, replayed

# What is replayed between two statements, while nobody else has these cards: a quarter of a second's work, of which the reviews are most.
_MOST_CARDS, _MOST_REVIEWS = 100, 500
_REVIEWS_IN_A_TURN = 50
_MEMORY = tuple(Memory.model_fields)
# What a log that was replayed says no better than who counted them: it may begin after the card was learnt anew.
_COUNTS = ("reviews", "lapses")
_OF_SM2 = ("ease", "repetitions")


def replays_past(card: Card, options: DeckOptions) -> bool:
    """Whether what was reviewed elsewhere is replayed: imported by one algorithm, the card is studied by another."""
    return (
        bool(card.base_reviews)
        and card.base_options is not None
        and card.base_options["algorithm"] != options.algorithm
    )


def counted(card: Card, log: Sequence[LoggedReview], options: DeckOptions) -> list[Memory]:
    """What is known of the card before its first review here, and after each of these. `log` is in the order in which they happened; those that were
    imported are in it where they are replayed."""
    past, reviews = ([each for each in log if each.imported is imported] for imported in (True, False))
    base = _base(card, past, options)
    return [base, *replayed(base, map(_review, reviews), options.scheduler(), card.id)]


def replay(card: Card, log: Sequence[LoggedReview], options: DeckOptions) -> None:
    """Make the card's memory what this log comes to, and each of its reviews keep what was known before and after it, and whether
    it made the card a leech."""
    before, *memories = counted(card, log, options)
    for logged, after in zip((each for each in log if not each.imported), memories, strict=True):
        # The lapse of before stays what it was by the deck's options of then.
        if logged.memory_after is None or _lapses(logged) != (before.lapses, after.lapses):
            logged.made_leech = after.lapses > before.lapses and becomes_leech(after, options.leech_lapses)
        logged.memory_before, logged.memory_after = _plain(before), _plain(after)
        before = after
    for name in _MEMORY:
        setattr(card, name, getattr(before, name))
    card.due_day = due_by(card, before.due_day)
    card.version += 1


def due_by(card: Card, due_day: date | None) -> date | None:
    """When a card is due that its log makes due on this day: by the day on which its fact was missed elsewhere since."""
    if card.missed_at is None or card.missed_day is None or card.phase != Phase.REVIEW or due_day is None:
        return due_day
    answered = card.last_reviewed_at is not None and card.last_reviewed_at >= card.missed_at
    return due_day if answered else min(due_day, card.missed_day)


def memory_of(card: Card) -> Memory:
    """What is known of a card, as a value."""
    return Memory.model_validate({name: getattr(card, name) for name in _MEMORY})


def at_once(logged: Iterable[int]) -> int:
    """How many of the cards of which so many reviews were logged are replayed at once; one at least, if there is one."""
    cards = reviews = 0
    for more in logged:
        reviews += more
        if cards and (cards == _MOST_CARDS or reviews > _MOST_REVIEWS):
            break
        cards += 1
    return cards


def batches(cards: Sequence[Card]) -> Iterator[Sequence[Card]]:
    """The cards, as many at a time as are replayed at once."""
    while cards:
        # `reviews` counts those elsewhere, of which only so many can be replayed.
        fit = at_once(card.reviews - card.base.get("reviews", 0) + card.base_reviews for card in cards)
        yield cards[:fit]
        cards = cards[fit:]


async def in_turn(
    cards: Sequence[Card], logs: Mapping[UUID, Sequence[LoggedReview]]
) -> AsyncIterator[tuple[Card, Sequence[LoggedReview]]]:
    """Each card with its log. The other requests of this process go on after some of them: after each card, who waits for these cards
    would wait for all requests that there are, again and again."""
    reviews = 0
    for card in cards:
        log = logs.get(card.id, ())
        yield card, log
        reviews += len(log)
        if reviews >= _REVIEWS_IN_A_TURN:
            await asyncio.sleep(0)
            reviews = 0


def _base(card: Card, past: Sequence[LoggedReview], options: DeckOptions) -> Memory:
    """What is known of the card before its first review here."""
    base = Memory.model_validate(card.base)
    if card.base_options is None or card.base_options == options.of_base():
        return base
    if not past:  # of the same algorithm, or a hostile package's twin of the card has its reviews
        return _refitted(card, base, options)
    kept = {name: getattr(base, name) for name in _COUNTS}
    if options.algorithm == "fsrs":
        kept |= {name: getattr(base, name) for name in _OF_SM2}
    *_, known = replayed(Memory(), map(_review, past), options.scheduler(), card.id)
    return known.model_copy(update=kept)


def _refitted(card: Card, base: Memory, options: DeckOptions) -> Memory:
    """The same memory, and the interval that it has by another retention, or within another longest one."""
    assert card.base_options is not None
    if base.phase is not Phase.REVIEW or base.last_day is None:
        return base
    days, scheduler = base.interval, options.scheduler()
    if (
        isinstance(scheduler, Fsrs)
        and card.base_options["retention"] != options.retention
        and base.stability is not None
    ):
        days = scheduler.interval(base.stability, f"{card.id}:{base.reviews}")
    if card.base_options["longest_interval"] != options.longest_interval:  # else a longer one stands as it came
        days = min(days, options.longest_interval)
    if days == base.interval:
        return base
    return base.model_copy(update={"interval": days, "due_day": base.last_day + timedelta(days=days)})


def _lapses(logged: LoggedReview) -> tuple[int, int]:
    """How often the card had lapsed before and after the review."""
    before, after = logged.memory_before or {}, logged.memory_after or {}
    return before.get("lapses", 0), after.get("lapses", 0)


def _review(logged: LoggedReview) -> Review:
    return Review(rating=Rating(logged.rating), quality=logged.quality, at=logged.reviewed_at, day=logged.day)


def _plain(memory: Memory) -> dict[str, object]:
    return memory.model_dump(mode="json", exclude_defaults=True)
