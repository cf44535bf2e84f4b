"""What Anki knows of a card, and what we know of it: there and back."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flashcard.anki.collection import AnkiCard, AnkiReview, Collection
from flashcard.fsrs_scheduling import from_sm2
from flashcard.memory import Memory, Phase
from flashcard.ratings import Rating

NEW, LEARNING, REVIEW, RELEARNING = range(4)
SUSPENDED, USER_BURIED, SCHEDULER_BURIED = -1, -3, -2
_PHASES = {NEW: Phase.NEW, LEARNING: Phase.LEARNING, REVIEW: Phase.REVIEW, RELEARNING: Phase.RELEARNING}
_BY_THE_DAY = 3  # a queue of learning cards whose step is over on another day


def memory_of(card: AnkiCard, last: AnkiReview | None, collection: Collection) -> Memory:
    """A card's memory as Anki left it. `last` is its last review, where the package has it."""
    phase = _PHASES[card.type]
    if phase is Phase.NEW:
        return Memory()
    ease, interval = (card.factor or 2500) / 1000, max(card.interval, 0)
    due_day = collection.first_day + timedelta(days=card.due) if phase is Phase.REVIEW else None
    reviewed = _reviewed(card, last)
    last_day = collection.day_of(reviewed) if reviewed else (due_day or collection.first_day) - timedelta(days=interval)
    stability, difficulty = _fsrs(card, ease, interval)
    return Memory(
        phase=phase,
        due_at=None if phase is Phase.REVIEW else _due_at(card, collection),
        due_day=due_day,
        interval=interval,
        stability=stability,
        difficulty=difficulty,
        ease=max(ease, 1.3),
        repetitions=2 if phase is Phase.REVIEW else 0,  # SM-2 goes on with the interval that is there
        lapses=max(card.lapses, 0),
        reviews=max(card.reps, 0),
        last_day=last_day,
        last_reviewed_at=reviewed,
    )


def phase_before(review: AnkiReview) -> Phase:
    """In which phase a card was when it was reviewed."""
    if review.type in (REVIEW - 1, 3):  # 1: a review; 3: in a filtered deck, before it was due
        return Phase.REVIEW
    return Phase.RELEARNING if review.type == 2 else Phase.LEARNING


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


def _interval(memory: Memory, at: datetime) -> int:
    if memory.steps_minutes and memory.due_at is not None:
        return -max(0, math.ceil((memory.due_at - at).total_seconds()))
    return memory.interval


def _reviewed(card: AnkiCard, last: AnkiReview | None) -> datetime | None:
    if isinstance(seconds := card.data.get("lrt"), int | float):
        return datetime.fromtimestamp(seconds, UTC)
    return datetime.fromtimestamp(last.id / 1000, UTC) if last else None


def _due_at(card: AnkiCard, collection: Collection) -> datetime:
    if card.queue == _BY_THE_DAY or card.due < 1_000_000_000:
        day = collection.first_day + timedelta(days=card.due)
        return datetime.combine(day, time(12), UTC) + timedelta(minutes=collection.west)
    return datetime.fromtimestamp(card.due, UTC)


def _fsrs(card: AnkiCard, ease: float, interval: int) -> tuple[float, float]:
    stability, difficulty = card.data.get("s"), card.data.get("d")
    if isinstance(stability, int | float) and isinstance(difficulty, int | float) and stability > 0:
        return float(stability), min(max(float(difficulty), 1.0), 10.0)
    return from_sm2(ease, max(interval, 1))
