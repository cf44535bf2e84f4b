"""SM-2 as P. A. Woźniak published it: "Optimization of learning", 1990, chapter 3.2, the algorithm of SuperMemo 1 to 3.

    I(1) = 1, I(2) = 6, I(n) = I(n-1) · EF, rounded up; EF' = EF + (0.1 − (5 − q) · (0.08 + (5 − q) · 0.02)), at least 1.3.
    q < 3: repetitions start again from I(1), EF stays. What scored below 4 is repeated on the same day until it scores 4.

The factor is changed before the next interval is taken from it. Repetitions on the same day are drill: they change neither
factor nor interval, and a drill that was not ended is forgotten when the card is due. Times of steps are ours (SuperMemo had
none), and so is the fuzz, which is off unless the deck asks for it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flashcard.fuzz import fuzzed
from flashcard.memory import Memory, Phase, Review
from flashcard.ratings import Rating

VERSION = "sm-2"
FIRST_EASE, LEAST_EASE = 2.5, 1.3
_RECALLED, _DRILLED = 3, 4


@dataclass(frozen=True)
class Sm2:
    """SM-2; `drill_steps` are the waits of a drill, the longest interval is in days."""

    drill_steps: Sequence[timedelta] = (timedelta(minutes=10),)
    longest: int = 36500
    fuzz: bool = False

    def answer(self, memory: Memory, review: Review, seed: str) -> Memory:
        """The memory after the review."""
        seen: dict[str, object] = {"reviews": memory.reviews + 1, "last_reviewed_at": review.at}
        if self._is_drill(memory, review.day):
            return self._drilled(memory, review).model_copy(update=seen)
        return self._repeated(memory, review, seed).model_copy(update=seen | {"last_day": review.day})

    @staticmethod
    def _is_drill(memory: Memory, day: date) -> bool:
        """A second time on the day of the last repetition, or a drill that is not ended and whose card is not due yet."""
        if memory.last_day is not None and day <= memory.last_day:
            return True
        return memory.steps_minutes and memory.due_day is not None and day < memory.due_day

    def _repeated(self, memory: Memory, review: Review, seed: str) -> Memory:
        recalled = review.quality >= _RECALLED
        ease = next_ease(memory.ease, review.quality) if recalled else memory.ease
        repetitions = memory.repetitions + 1 if recalled else 0
        days = next_interval(memory.interval, repetitions, ease) if recalled else 1
        days = fuzzed(min(days, self.longest), seed, self.longest) if self.fuzz else min(days, self.longest)
        known = memory.phase is not Phase.NEW
        after = memory.model_copy(
            update={
                "ease": ease,
                "repetitions": repetitions,
                "interval": days,
                "due_day": date.fromordinal(min(review.day.toordinal() + days, date.max.toordinal())),
                "lapses": memory.lapses + (known and memory.repetitions > 0 and not recalled),
            }
        )
        drilling = Phase.RELEARNING if known else Phase.LEARNING
        return self._drilled(after.model_copy(update={"phase": drilling, "step": 0}), review)

    def _drilled(self, memory: Memory, review: Review) -> Memory:
        """Out of the drill with a quality of 4, or back to its first step."""
        if review.quality >= _DRILLED or not self.drill_steps:
            return memory.model_copy(update={"phase": Phase.REVIEW, "step": 0, "due_at": None})
        wait = self.drill_steps[0] if review.rating is Rating.AGAIN else self.drill_steps[-1]
        phase = Phase.RELEARNING if memory.phase is Phase.REVIEW else memory.phase
        return memory.model_copy(update={"phase": phase, "due_at": review.at + wait})


def next_ease(ease: float, quality: int) -> float:
    """The factor after a repetition of this quality."""
    missing = 5 - quality
    return max(LEAST_EASE, ease + 0.1 - missing * (0.08 + missing * 0.02))


def next_interval(interval: int, repetitions: int, ease: float) -> int:
    """Days until the next repetition, after the n-th in a row that was recalled."""
    if repetitions <= 1:
        return 1
    if repetitions == 2:
        return 6
    # A product such as 6 · 2.6 must not become 16 through the last bit of a float.
    return math.ceil(round(max(interval, 1) * ease, 6))
