"""What Anki knows of a card, and what we know of it: there and back."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flashcard.anki.collection import AnkiCard, AnkiNote, AnkiReview, Collection
from flashcard.fsrs_scheduling import Fsrs, from_sm2
from flashcard.memory import Memory, Phase, Review
from flashcard.ratings import Rating

NEW, LEARNING, REVIEW, RELEARNING = range(4)
SUSPENDED, USER_BURIED, SCHEDULER_BURIED = -1, -3, -2
_PHASES = {NEW: Phase.NEW, LEARNING: Phase.LEARNING, REVIEW: Phase.REVIEW, RELEARNING: Phase.RELEARNING}
# Nothing that Anki writes is beyond these, and everything within them can be kept and reckoned with.
_MOST_DAYS, _MOST_FACTOR, _MOST_REVIEWS, _LAST_SECOND = 36500, 65535, 9_999_999, 4_102_444_800  # the year 2100
_LEARNT, _FILTERED = 0, 3  # kinds of reviews
_MOST_REPLAYED = 2000  # of one card: half a second, and more than anybody has
# What Anki can read; of a package with a number beyond these it reads nothing.
_REVLOG = {
    "ease": (0, 255), "ivl": (-(2**31), 2**31 - 1), "lastIvl": (-(2**31), 2**31 - 1), "factor": (0, 2**32 - 1),
    "time": (0, 2**32 - 1), "type": (0, 255),
}  # fmt: skip
_BY_THE_DAY = 3  # a queue of learning cards whose step is over on another day


@dataclass(slots=True)
class Replays:
    """How many reviews of a package may still be replayed, at some 30 µs each, for cards that FSRS has not seen. Whose log is longer is
    taken from what SM-2 knew: the same at each reading, whatever else the machine does."""

    left: int = 200_000


def memory_of(card: AnkiCard, reviews: Sequence[AnkiReview], collection: Collection, replays: Replays) -> Memory:
    """A card's memory as Anki left it. `reviews` are those that the package has, in their order."""
    phase = _PHASES[card.type]
    if phase is Phase.NEW:
        return Memory()
    ease, interval = _within(card.factor or 2500, 1300, _MOST_FACTOR) / 1000, int(_within(card.interval, 0, _MOST_DAYS))
    due_day = _day(collection, card.due) if phase is Phase.REVIEW else None
    reviewed = _reviewed(card, reviews[-1] if reviews else None)
    last_day = collection.day_of(reviewed) if reviewed else (due_day or collection.first_day) - timedelta(days=interval)
    stability, difficulty = _fsrs(card, ease, interval, reviews, collection, replays=replays)
    return Memory(
        phase=phase,
        due_at=None if phase is Phase.REVIEW else _due_at(card, collection),
        due_day=due_day,
        interval=interval,
        stability=stability,
        difficulty=difficulty,
        ease=ease,
        repetitions=2 if phase is Phase.REVIEW else 0,  # SM-2 goes on with the interval that is there
        lapses=int(_within(card.lapses, 0, _MOST_REVIEWS)),
        reviews=int(_within(card.reps, 0, _MOST_REVIEWS)),
        last_day=last_day,
        last_reviewed_at=reviewed,
    )


def since_new(reviews: Sequence[AnkiReview]) -> Sequence[AnkiReview]:
    """The reviews since the card was learnt, the last time; none where the log does not reach back so far. Who crams in a filtered
    deck leaves reviews that count for nothing."""
    counting = [review for review in reviews if review.type != _FILTERED or review.factor]
    learnt = next((place for place in reversed(range(len(counting))) if counting[place].type == _LEARNT), None)
    while learnt and counting[learnt - 1].type == _LEARNT:
        learnt -= 1
    return [] if learnt is None else counting[learnt:]


def replayable(card: AnkiCard, reviews: Sequence[AnkiReview]) -> Set[int]:
    """The numbers of those reviews that can be replayed in place of what Anki knows of the card: since it was learnt, where the package
    has them all. None of a card that is new, again or still."""
    log = since_new(reviews) if card.type != NEW else []
    return {review.id for review in log} if len(log) <= _MOST_REPLAYED else set()


def position_of(card: AnkiCard) -> int:
    """Its place among new cards."""
    return int(_within(card.data.get("pos", card.due if card.type == NEW else 0), 0, 2**31 - 1))


def moment_of(note: AnkiNote) -> datetime | None:
    """When its text was last changed, where that can be."""
    return datetime.fromtimestamp(note.changed, UTC) if is_plausible(note.changed) else None


def is_plausible(seconds: float) -> bool:
    """Whether this may be when something happened, in seconds since 1970."""
    return 0 < seconds < _LAST_SECOND


def phase_before(review: AnkiReview) -> Phase:
    """In which phase a card was when it was reviewed."""
    if review.type in (REVIEW - 1, 3):  # 1: a review; 3: in a filtered deck, before it was due
        return Phase.REVIEW
    return Phase.RELEARNING if review.type == 2 else Phase.LEARNING


def days_before(review: AnkiReview) -> int:
    """The interval, in days, that a card had when it was reviewed."""
    return int(_within(review.last_interval, 0, _MOST_DAYS))


def rating_of(review: AnkiReview) -> Rating:
    """The button of a review."""
    return Rating(min(max(review.ease, 1), 4))


def card_columns(memory: Memory, first_day: date, position: int, steps: int) -> Mapping[str, int]:
    """`type`, `queue`, `due`, `ivl`, `factor`, `reps`, `lapses` and `left` of Anki's card."""
    kind = {phase: number for number, phase in _PHASES.items()}[memory.phase]
    if kind == LEARNING and memory.due_day is not None:
        kind = (
            RELEARNING  # SM-2's drill of a new card: it has an interval and a factor, which Anki keeps for these alone
        )
    due, left = position, 0
    if memory.phase is Phase.REVIEW and memory.due_day is not None:
        due = (memory.due_day - first_day).days
    elif memory.due_at is not None:
        due = int(memory.due_at.timestamp())
        left = 1001 * max(1, steps - memory.step)
    return {
        "type": kind,
        "queue": LEARNING if memory.steps_minutes else kind,
        "due": due,
        "ivl": memory.interval,
        "factor": 0 if kind in (NEW, LEARNING) else round(memory.ease * 1000),
        "reps": memory.reviews,
        "lapses": memory.lapses,
        "left": left,
    }


def card_data(memory: Memory, position: int) -> Mapping[str, Any]:
    """Anki's JSON beside a card: FSRS's memory, the last review, the place among new cards."""
    data: dict[str, Any] = {"pos": position}
    if memory.stability is not None and memory.difficulty is not None:
        data |= {"s": round(memory.stability, 4), "d": round(memory.difficulty, 3)}
    if memory.last_reviewed_at is not None:
        data["lrt"] = int(memory.last_reviewed_at.timestamp())
    return data


def revlog_columns(
    before: Memory, after: Memory, rating: Rating, at: datetime, duration_ms: int | None
) -> Mapping[str, int]:
    """Anki's row for one of our reviews; FSRS's difficulty stands in `factor` as Anki scales it."""
    factor = round(after.ease * 1000)
    if after.difficulty is not None:
        factor = round((after.difficulty - 1) / 9 * 1000) + 100
    return {
        "ease": int(rating),
        "ivl": _interval(after, at),
        "lastIvl": _interval(before, before.last_reviewed_at or at),
        "factor": factor,
        "time": min(duration_ms or 0, 2**31 - 1),
        "type": {Phase.NEW: 0, Phase.LEARNING: 0, Phase.REVIEW: 1, Phase.RELEARNING: 2}[before.phase],
    }


def readable_revlog(row: Mapping[str, int]) -> list[int]:
    """`ease`, `ivl`, `lastIvl`, `factor`, `time` and `type` of a row, such that Anki reads them."""
    return [int(_within(row[name], least, most)) for name, (least, most) in _REVLOG.items()]


def _interval(memory: Memory, at: datetime) -> int:
    if memory.steps_minutes and memory.due_at is not None:
        return -max(0, math.ceil((memory.due_at - at).total_seconds()))
    return memory.interval


def _reviewed(card: AnkiCard, last: AnkiReview | None) -> datetime | None:
    if is_plausible(seconds := card.data.get("lrt", 0)):
        return datetime.fromtimestamp(seconds, UTC)
    return datetime.fromtimestamp(last.id / 1000, UTC) if last else None


def _due_at(card: AnkiCard, collection: Collection) -> datetime:
    if card.queue == _BY_THE_DAY or card.due < 1_000_000_000:
        return collection.counting.start_of(_day(collection, card.due))
    return datetime.fromtimestamp(_within(card.due, 0, _LAST_SECOND), UTC)


def _fsrs(
    card: AnkiCard,
    ease: float,
    interval: int,
    reviews: Sequence[AnkiReview],
    collection: Collection,
    *,
    replays: Replays,
) -> tuple[float, float]:
    """Stability and difficulty: Anki's own, or as Anki makes them where FSRS is switched on later: from the whole log, else from
    what SM-2 knew, also where the log is longer than may be replayed."""
    stability, difficulty = card.data.get("s", 0), card.data.get("d", 0)
    if stability > 0 and difficulty > 0:
        return _within(stability, 0.001, _MOST_DAYS), _within(difficulty, 1.0, 10.0)
    log = since_new(reviews)
    if len(log) > replays.left:
        return from_sm2(ease, max(interval, 1))
    replays.left -= len(log)
    memory, scheduler = Memory(), Fsrs(fuzz=False)
    for review in log:
        at, rating = datetime.fromtimestamp(review.id / 1000, UTC), rating_of(review)
        answer = Review(rating=rating, quality=rating.quality, at=at, day=collection.day_of(at))
        memory = scheduler.answer(memory, answer, "")
    if memory.stability is None or memory.difficulty is None:
        return from_sm2(ease, max(interval, 1))
    return _within(memory.stability, 0.001, _MOST_DAYS), memory.difficulty


def _day(collection: Collection, number: int) -> date:
    return collection.first_day + timedelta(days=int(_within(number, -_MOST_DAYS, _MOST_DAYS)))


def _within(number: float, least: float, most: float) -> float:
    """The number, or the nearest that may be: a stranger's may be anything that JSON can say, NaN too."""
    return min(max(least, number), most)
