"""FSRS-6 by the `fsrs` package, counting the student's own days.

The package measures elapsed time in days of 24 hours. Students count nights: a card of yesterday evening is a day old this
morning. So it is given midnights of the student's days; minutes of a step are added to the real instant afterwards.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from fsrs import Card, State
from fsrs import Rating as Button
from fsrs import Scheduler as Package
from fsrs.scheduler import DEFAULT_PARAMETERS

from flashcard.fuzz import fuzzed
from flashcard.memory import Memory, Phase, Review
from flashcard.ratings import Rating

VERSION = "fsrs-6"
_STATES = {
    Phase.NEW: State.Learning,
    Phase.LEARNING: State.Learning,
    Phase.REVIEW: State.Review,
    Phase.RELEARNING: State.Relearning,
}
_PHASES = {State.Learning: Phase.LEARNING, State.Review: Phase.REVIEW, State.Relearning: Phase.RELEARNING}


@dataclass(frozen=True)
class Fsrs:
    """FSRS-6 with these parameters (by default those fitted to all users), steps in minutes, the longest interval in days."""

    retention: float = 0.9
    learning_steps: Sequence[timedelta] = (timedelta(minutes=1), timedelta(minutes=10))
    relearning_steps: Sequence[timedelta] = (timedelta(minutes=10),)
    longest: int = 36500
    fuzz: bool = True
    parameters: Sequence[float] = DEFAULT_PARAMETERS
    _package: Package = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        package = Package(
            parameters=self.parameters,
            desired_retention=self.retention,
            learning_steps=tuple(self.learning_steps),
            relearning_steps=tuple(self.relearning_steps),
            maximum_interval=self.longest,
            enable_fuzzing=False,  # the package draws from the process's own dice
        )
        object.__setattr__(self, "_package", package)

    def answer(self, memory: Memory, review: Review, seed: str) -> Memory:
        """The memory after the review."""
        today = _midnight(review.day)
        card, _ = self._package.review_card(_card(memory), Button(int(review.rating)), today)
        phase, wait = _PHASES[card.state], card.due - today
        after: dict[str, object] = {
            "phase": phase,
            "step": card.step or 0,
            "stability": card.stability,
            "difficulty": card.difficulty,
            "reviews": memory.reviews + 1,
            "last_day": review.day,
            "last_reviewed_at": review.at,
        }
        if phase is Phase.REVIEW:
            days = fuzzed(wait.days, seed, self.longest) if self.fuzz else wait.days
            after |= {"interval": days, "due_day": _later(review.day, days), "due_at": None}
        else:
            after |= {"due_at": review.at + wait, "due_day": None}
        if memory.phase is Phase.REVIEW and review.rating is Rating.AGAIN:
            after["lapses"] = memory.lapses + 1
        return memory.model_copy(update=after)

    def interval(self, stability: float, seed: str) -> int:
        """Days until a memory of this stability has faded to the retention that is wanted."""
        decay, factor = forgetting()
        wanted = stability / factor * (self.retention ** (1 / decay) - 1)
        days = min(max(round(wanted), 1), self.longest)
        return fuzzed(days, seed, self.longest) if self.fuzz else days

    def retrievability(self, memory: Memory, day: date) -> float | None:
        """How likely the card is recalled on that day, from 0 to 1; None before its first review."""
        if memory.stability is None or memory.last_day is None:
            return None
        return float(self._package.get_card_retrievability(_card(memory), _midnight(max(day, memory.last_day))))


def forgetting() -> tuple[float, float]:
    """FSRS-6's decay and factor: after t days a memory of stability S is recalled with a chance of (1 + factor · t / S) ** decay."""
    decay = -DEFAULT_PARAMETERS[20]
    return decay, float(0.9 ** (1 / decay) - 1)


def from_sm2(ease: float, interval: int) -> tuple[float, float]:
    """Stability and difficulty for a card that was only known to SM-2, as FSRS's authors convert it (`memory_state_from_sm2` of
    fsrs-rs, for a retention of 0.9: the interval is the stability)."""
    stability, weights = float(max(interval, 1)), DEFAULT_PARAMETERS
    growth = math.exp(weights[8]) * stability ** -weights[9] * (math.exp(0.1 * weights[10]) - 1)
    return stability, min(max(11.0 - (ease - 1.0) / growth, 1.0), 10.0)


def _card(memory: Memory) -> Card:
    reviewed = memory.phase is not Phase.NEW
    stability, difficulty = memory.stability, memory.difficulty
    if reviewed and stability is None:  # of a card that only SM-2 has seen
        stability, difficulty = from_sm2(memory.ease, memory.interval)
    return Card(
        card_id=1,  # without one the package sleeps a millisecond to find a fresh one
        state=_STATES[memory.phase],
        step=None if memory.phase is Phase.REVIEW else memory.step,
        stability=stability if reviewed else None,
        difficulty=difficulty if reviewed else None,
        last_review=_midnight(memory.last_day) if reviewed and memory.last_day else None,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _later(day: date, days: int) -> date:
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))
