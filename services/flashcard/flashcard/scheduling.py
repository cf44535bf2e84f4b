"""How a deck's cards are scheduled: its options, the scheduler that they make, and what a log of reviews comes to."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from flashcard.fsrs_scheduling import Fsrs
from flashcard.memory import Memory, Phase, Review, Scheduler
from flashcard.ratings import Rating
from flashcard.sm2_scheduling import Sm2

Algorithm = Literal["fsrs", "sm2"]
_LONGEST_STEP = timedelta(hours=12)


def _whole_minutes(steps: list[int]) -> list[int]:
    if any(not 1 <= minutes <= _LONGEST_STEP // timedelta(minutes=1) for minutes in steps):
        raise ValueError("a step is 1 to 720 minutes; what takes longer is an interval of days")
    return steps


Steps = Annotated[list[int], Field(max_length=10), AfterValidator(_whole_minutes)]


class DeckOptions(BaseModel):
    """How a deck is studied. Steps are in minutes, intervals in days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: Algorithm = Field("fsrs", description="Left out, it is what the deployment chose")
    retention: float = Field(0.9, ge=0.7, le=0.99, description="FSRS: how likely a card is recalled when it comes back")
    learning_steps: Steps = Field([1, 10], description="FSRS: waits of a new card, in minutes")
    relearning_steps: Steps = Field([10], description="Waits of a forgotten card, in minutes")
    longest_interval: int = Field(36500, ge=1, le=36500)
    fuzz: bool = Field(True, description="Spread long intervals a little, so that cards do not come back in one heap")
    new_per_day: int = Field(20, ge=0, le=9999)
    reviews_per_day: int = Field(200, ge=0, le=9999)
    leech_lapses: int = Field(8, ge=0, le=99, description="Lapses after which a card is tagged and suspended; 0: never")
    bury_siblings: bool = Field(
        True, description="Cards of the same note do not come on the same day, nor in one queue"
    )

    def scheduler(self) -> Fsrs | Sm2:
        """The scheduler that these options make."""
        relearning = tuple(timedelta(minutes=step) for step in self.relearning_steps)
        if self.algorithm == "sm2":
            return Sm2(drill_steps=relearning, longest=self.longest_interval, fuzz=self.fuzz)
        learning = tuple(timedelta(minutes=step) for step in self.learning_steps)
        return Fsrs(self.retention, learning, relearning, self.longest_interval, self.fuzz)

    def of_base(self) -> dict[str, Any]:
        """Those by which the memory stands that a card was imported with."""
        return self.model_dump(mode="json", include={"algorithm", "retention", "longest_interval"})


def answered(memory: Memory, review: Review, scheduler: Scheduler, card_id: UUID) -> Memory:
    """The card's memory after one more review."""
    return scheduler.answer(memory, review, f"{card_id}:{memory.reviews}")


def replayed(base: Memory, reviews: Iterable[Review], scheduler: Scheduler, card_id: UUID) -> list[Memory]:
    """The memory after each of the reviews, which are in the order in which they happened."""
    memories = []
    for review in reviews:
        base = answered(base, review, scheduler, card_id)
        memories.append(base)
    return memories


class Choice(BaseModel):
    """What a button would do: when the card comes back, and the wait in words such as `10 min` or `3 d`."""

    due_at: datetime | None = Field(None, description="For steps of minutes")
    due_day: date | None = Field(None, description="The student's day, for intervals of days")
    wait: str


def choices(memory: Memory, now: datetime, today: date, scheduler: Scheduler, card_id: UUID) -> Mapping[Rating, Choice]:
    """What each of the four buttons would do now."""
    pressed = {rating: Review(rating=rating, quality=rating.quality, at=now, day=today) for rating in Rating}
    return {
        rating: _choice(answered(memory, review, scheduler, card_id), now, today) for rating, review in pressed.items()
    }


def _choice(after: Memory, now: datetime, today: date) -> Choice:
    if after.due_at is not None:
        return Choice(due_at=after.due_at, wait=in_words(after.due_at - now))
    assert after.due_day is not None
    return Choice(due_day=after.due_day, wait=in_words(after.due_day - today))


def in_words(wait: timedelta) -> str:
    """A wait as a button shows it: `10 min`, `3 d`, `2.5 mo`, `1.2 y`."""
    if wait < timedelta(hours=1):
        return f"{max(1, round(wait / timedelta(minutes=1)))} min"
    if wait < timedelta(days=1):
        return f"{round(wait / timedelta(hours=1))} h"
    if wait.days < 31:
        return f"{wait.days} d"
    if wait.days < 365:
        return f"{wait.days / 30.4375:.1f} mo"
    return f"{wait.days / 365.25:.1f} y"


def becomes_leech(memory: Memory, threshold: int) -> bool:
    """Whether this many lapses make a card a leech: at the threshold, and at each half of it from then on."""
    beyond = memory.lapses - threshold
    return threshold > 0 and memory.phase is not Phase.NEW and beyond >= 0 and beyond % max(1, threshold // 2) == 0
