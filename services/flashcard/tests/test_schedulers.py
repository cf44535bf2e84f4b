"""FSRS against the package's own figures, SM-2 against what Woźniak published, and what both promise."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flashcard.fsrs_scheduling import Fsrs
from flashcard.fuzz import fuzz_range, fuzzed
from flashcard.memory import Memory, Phase, Review
from flashcard.ratings import Rating, rating_of
from flashcard.scheduling import DeckOptions, answered, becomes_leech, choices, in_words, replayed
from flashcard.sm2_scheduling import Sm2, next_ease
from fsrs import Card, State
from fsrs import Rating as Button
from fsrs import Scheduler as Package
from hypothesis import given
from hypothesis import strategies as st

START = date(2026, 1, 1)
CARD = UUID(int=7)


def on(day: date, rating: Rating, quality: int | None = None, minute: int = 0) -> Review:
    at = datetime(day.year, day.month, day.day, 12, minute % 60, tzinfo=UTC)
    return Review(rating=rating, quality=rating.quality if quality is None else quality, at=at, day=day)


def when_due(memory: Memory) -> date:
    return memory.due_day or memory.last_day or START


def test_fsrs_gives_the_reference_vector() -> None:
    """Ratings of py-fsrs's and ts-fsrs's own tests; intervals and memory as both give them."""
    buttons = [Rating.GOOD] * 6 + [Rating.AGAIN] * 2 + [Rating.GOOD] * 5
    scheduler, memory, intervals, day = Fsrs(fuzz=False), Memory(), [], START
    for rating in buttons:
        memory = scheduler.answer(memory, on(day, rating), "")
        intervals.append(memory.interval if memory.phase is Phase.REVIEW else 0)
        day = when_due(memory)
    assert intervals == [0, 2, 11, 46, 163, 498, 0, 0, 2, 4, 7, 12, 21]


@given(st.lists(st.tuples(st.sampled_from(Rating), st.integers(0, 400)), min_size=1, max_size=25))
def test_fsrs_agrees_with_its_package(history: list[tuple[Rating, int]]) -> None:
    package, card = Package(enable_fuzzing=False), Card(card_id=1)
    scheduler, memory, day = Fsrs(fuzz=False), Memory(), START
    for rating, wait in history:
        day += timedelta(days=wait)
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        card, _ = package.review_card(card, Button(int(rating)), at)
        memory = scheduler.answer(memory, Review(rating=rating, quality=rating.quality, at=at, day=day), "")
        assert (memory.stability, memory.difficulty) == (card.stability, card.difficulty)
        due = memory.due_at or datetime.combine(memory.due_day or START, datetime.min.time(), UTC)
        assert due == card.due
        assert (memory.phase is Phase.REVIEW) == (card.state is State.Review)


def test_fsrs_counts_nights_and_not_hours() -> None:
    """Late in the evening and early next morning are two days, although ten hours lie between."""
    scheduler = Fsrs(fuzz=False)
    evening = scheduler.answer(Memory(), on(START, Rating.EASY), "")
    morning = scheduler.answer(evening, on(START + timedelta(days=1), Rating.GOOD), "")
    same_day = scheduler.answer(evening, on(START, Rating.GOOD), "")
    assert morning.stability is not None
    assert same_day.stability is not None
    assert morning.stability != same_day.stability


def test_fsrs_steps_are_one_and_ten_minutes_and_hard_lies_between() -> None:
    shown = choices(Memory(), datetime(2026, 1, 1, 12, tzinfo=UTC), START, Fsrs(fuzz=False), CARD)
    assert [choice.wait for choice in shown.values()] == ["1 min", "6 min", "10 min", "8 d"]


@pytest.mark.parametrize("phase", [Phase.REVIEW, Phase.RELEARNING])
def test_fsrs_takes_a_card_that_only_sm2_has_seen(phase: Phase) -> None:
    known = Memory(phase=phase, interval=10, reviews=4, due_day=START, last_day=START - timedelta(days=10))
    again, good = (Fsrs(fuzz=False).answer(known, on(START, rating), "") for rating in (Rating.AGAIN, Rating.GOOD))
    assert 0 < (again.stability or 0) < (good.stability or 0)
    assert good.due_day is not None
    assert good.due_day > START


def test_retrievability_is_nine_tenths_after_the_stability() -> None:
    scheduler = Fsrs(fuzz=False)
    memory = Memory(phase=Phase.REVIEW, stability=50.0, difficulty=5.0, last_day=START, due_day=START)
    assert scheduler.retrievability(memory, START) == pytest.approx(1.0)
    assert scheduler.retrievability(memory, START + timedelta(days=50)) == pytest.approx(0.9)
    assert scheduler.retrievability(Memory(), START) is None


@pytest.mark.parametrize(("quality", "ease"), [(5, 2.6), (4, 2.5), (3, 2.36), (2, 2.18), (1, 1.96), (0, 1.7)])
def test_sm2_factor_changes_as_published(quality: int, ease: float) -> None:
    assert next_ease(2.5, quality) == pytest.approx(ease)


def test_sm2_intervals_are_one_six_and_the_last_times_the_factor() -> None:
    scheduler, memory, intervals, day = Sm2(), Memory(), [], START
    for _ in range(6):
        memory = scheduler.answer(memory, on(day, Rating.GOOD), "")
        intervals.append(memory.interval)
        day = when_due(memory)
    assert intervals == [1, 6, 15, 38, 95, 238]


def test_sm2_starts_again_below_three_and_keeps_the_factor() -> None:
    scheduler = Sm2()
    last = START - timedelta(days=38)
    known = Memory(phase=Phase.REVIEW, interval=38, repetitions=4, ease=2.5, due_day=START, last_day=last)
    forgotten = scheduler.answer(known, on(START, Rating.AGAIN, 2), "")
    assert (forgotten.repetitions, forgotten.interval, forgotten.ease, forgotten.lapses) == (0, 1, 2.5, 1)
    assert forgotten.phase is Phase.RELEARNING


def test_sm2_drills_on_the_same_day_until_four_and_that_changes_nothing() -> None:
    scheduler = Sm2()
    first = scheduler.answer(Memory(), on(START, Rating.HARD), "")
    assert first.due_at == datetime(2026, 1, 1, 12, 10, tzinfo=UTC)
    again = scheduler.answer(first, on(START, Rating.HARD, minute=10), "")
    out = scheduler.answer(again, on(START, Rating.GOOD, minute=20), "")
    assert (out.phase, out.due_at, out.interval, out.repetitions) == (Phase.REVIEW, None, 1, 1)
    assert out.ease == first.ease


@pytest.mark.parametrize("before", [Memory(), Memory(phase=Phase.REVIEW, interval=6, repetitions=2, due_day=START)])
@given(later=st.lists(st.integers(0, 5), max_size=6))
def test_sm2_counts_one_repetition_a_day(before: Memory, later: list[int]) -> None:
    """Two devices that were offline, or a card looked at again: only the first time of a day changes factor and interval."""
    scheduler = Sm2()
    first = memory = scheduler.answer(before, on(START, Rating.GOOD), "")
    for minute, quality in enumerate(later, 1):
        memory = scheduler.answer(memory, on(START, rating_of(quality), quality, minute), "")
        same = ("interval", "repetitions", "ease", "due_day", "lapses")
        assert [getattr(memory, name) for name in same] == [getattr(first, name) for name in same]
        assert memory.steps_minutes == (quality < 4) == (memory.due_at is not None)


def test_sm2_lets_a_drill_of_a_card_that_is_not_due_end_on_another_day() -> None:
    known = Memory(phase=Phase.REVIEW, interval=15, repetitions=3, due_day=START, last_day=START - timedelta(days=15))
    drilled = Sm2().answer(known, on(START, Rating.HARD), "")
    out = Sm2().answer(drilled, on(START + timedelta(days=1), Rating.GOOD), "")
    assert (out.phase, out.interval, out.due_day) == (Phase.REVIEW, drilled.interval, drilled.due_day)


def test_sm2_forgets_a_drill_that_was_not_ended() -> None:
    scheduler = Sm2()
    drilled = scheduler.answer(Memory(), on(START, Rating.HARD), "")
    tomorrow = scheduler.answer(drilled, on(START + timedelta(days=1), Rating.GOOD), "")
    assert (tomorrow.repetitions, tomorrow.interval) == (2, 6)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 100)), max_size=30),
    st.sampled_from(["fsrs", "sm2"]),
)
def test_a_schedule_is_never_in_the_past_and_always_there(history: list[tuple[int, int]], algorithm: str) -> None:
    scheduler = DeckOptions.model_validate({"algorithm": algorithm}).scheduler()
    memory, day = Memory(), START
    for quality, wait in history:
        day += timedelta(days=wait)
        review = on(day, rating_of(quality), quality)
        memory = answered(memory, review, scheduler, CARD)
        assert memory.due_at is not None or memory.due_day is not None
        assert memory.due_at is None or memory.due_at > review.at
        assert memory.due_day is None or memory.due_day > day
        assert memory.ease >= 1.3
        assert Memory.model_validate_json(memory.model_dump_json(exclude_defaults=True)) == memory


@given(st.integers(1, 40000), st.text(max_size=10), st.integers(1, 36500))
def test_fuzz_stays_within_its_range_and_is_the_same_for_the_same_seed(interval: int, seed: str, longest: int) -> None:
    days = fuzzed(interval, seed, longest)
    assert days == fuzzed(interval, seed, longest) <= longest
    if interval >= 3:
        least, most = fuzz_range(interval, longest)
        assert least <= days <= most


def test_fuzz_uses_its_whole_range() -> None:
    drawn = {fuzzed(10, str(seed), 36500) for seed in range(300)}
    assert drawn == set(range(8, 13))


def test_a_replay_is_what_was_answered_one_by_one() -> None:
    scheduler = DeckOptions().scheduler()
    reviews = [on(START + timedelta(days=3 * n), Rating.GOOD) for n in range(5)]
    card, memory = uuid4(), Memory()
    for review in reviews:
        memory = answered(memory, review, scheduler, card)
    assert replayed(Memory(), reviews, scheduler, card)[-1] == memory


def test_a_card_is_a_leech_at_eight_lapses_and_then_every_four() -> None:
    lapsed = [n for n in range(1, 25) if becomes_leech(Memory(phase=Phase.REVIEW, lapses=n), 8)]
    assert lapsed == [8, 12, 16, 20, 24]


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(seconds=30), "1 min"),
        (timedelta(hours=5), "5 h"),
        (timedelta(days=3), "3 d"),
        (timedelta(days=76), "2.5 mo"),
        (timedelta(days=438), "1.2 y"),
    ],
)
def test_waits_are_said_in_few_words(wait: timedelta, words: str) -> None:
    assert in_words(wait) == words
