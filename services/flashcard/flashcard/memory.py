"""What is known of a student's memory of one card, and what a review tells about it. Both schedulers share the form."""

from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from flashcard.ratings import Rating


class Phase(StrEnum):
    """New: never reviewed. Learning and relearning: by minutes, within a day. Review: by days."""

    NEW = "new"
    LEARNING = "learning"
    REVIEW = "review"
    RELEARNING = "relearning"


class Memory(BaseModel):
    """The state of a card between two reviews.

    `due_day` is the student's day on which it is due, `due_at` the instant at which a step of minutes is over; `interval` is
    the last one in days. `stability` (days until recall falls to 0.9) and `difficulty` (1 to 10) are FSRS's, `ease` and
    `repetitions` SM-2's. `lapses` counts how often it was forgotten after it was known.
    """

    model_config = ConfigDict(frozen=True)

    phase: Phase = Phase.NEW
    step: int = 0
    due_at: datetime | None = None
    due_day: date | None = None
    interval: int = 0
    stability: float | None = None
    difficulty: float | None = None
    ease: float = 2.5
    repetitions: int = 0
    lapses: int = 0
    reviews: int = 0
    last_day: date | None = None
    last_reviewed_at: datetime | None = None

    @property
    def steps_minutes(self) -> bool:
        """Whether it comes back within the day."""
        return self.phase in (Phase.LEARNING, Phase.RELEARNING)


class Review(BaseModel):
    """One review as it happened: `quality` 0 to 5, `at` the instant, `day` the student's day at that instant."""

    model_config = ConfigDict(frozen=True)

    rating: Rating
    quality: int
    at: datetime
    day: date


class Scheduler(Protocol):
    """Decides when a card comes back."""

    def answer(self, memory: Memory, review: Review, seed: str) -> Memory:
        """The memory after the review. The same arguments give the same result: `seed` decides the fuzz."""
        ...
