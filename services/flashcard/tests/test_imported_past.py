"""What was reviewed in Anki is replayed by another algorithm, and stands as it came by the same."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from chassis.study_day import StudyDay
from flashcard.fsrs_scheduling import Fsrs
from flashcard.memory import Memory, Review
from flashcard.ratings import Rating
from flashcard.replaying import at_once
from flashcard.scheduling import DeckOptions, replayed
from sqlalchemy import text

from .desk import Desk, Json, Student
from .real_anki import anki
from .test_anki_packages import bring_in
from .test_recalls import graded, hears
from .test_replays import FSRS, SM2, behind, change, finish, progress, scheduled

# Days ago, the button, and Anki's kind of review: learnt, known, forgotten, learnt again, crammed.
LEARN, KNOW, RELEARN, CRAM = range(4)
LOG = ((60, 3, LEARN), (60, 3, LEARN), (58, 3, KNOW), (50, 1, KNOW), (50, 3, RELEARN), (48, 4, KNOW), (30, 3, KNOW))


def package(
    folder: Path,
    log: Sequence[tuple[int, int, int]] = LOG,
    *,
    cards: int = 1,
    forgotten: bool = False,
    fsrs: bool = False,
) -> bytes:
    """A deck `D` of real Anki with cards of this log, due in a week."""
    with anki(folder, fsrs=fsrs) as real:
        for number in range(cards):
            real.add("Basic", "D", f"Question {number}", "A")
        database = real.collection.db
        assert database is not None
        midnight = int(datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0).timestamp() * 1000)
        for place, card in enumerate(real.collection.find_cards("")):
            for number, (days, ease, kind) in enumerate(log):
                moment = midnight - days * 86_400_000 + number * 600_000 + place
                factor = 0 if kind in (LEARN, CRAM) else 2300
                row = (moment, card, -1, ease, 10, 5, factor, 3000, kind)
                database.execute(f"INSERT INTO revlog VALUES ({','.join('?' * 9)})", *row)
            if not forgotten:
                due = real.collection.sched.today + 7
                known = f"type = 2, queue = 2, due = {due}, ivl = 37, factor = 2150, reps = {len(log)}, lapses = 1"
                memory = '{"s":40.5,"d":6.5}' if fsrs else "{}"
                database.execute(f"UPDATE cards SET {known}, data = ? WHERE id = ?", memory, card)
        return real.export(folder / "d.apkg", "D", legacy=True)


async def imported(desk: Desk, ada: Student, content: bytes) -> tuple[UUID, Json]:
    """The deck and its first card."""
    await bring_in(desk, ada, "d.apkg", content)
    (deck,) = (await ada.get("/decks"))["items"]
    return UUID(deck["id"]), (await ada.get("/flashcards"))["items"][0]


async def read(ada: Student, card: Json) -> Json:
    return {name: value for name, value in (await ada.get(f"/flashcards/{card['id']}")).items() if name in KNOWN}


KNOWN = ("phase", "interval", "due_day", "due_at", "reviews", "lapses")


async def only(desk: Desk, deck: UUID) -> Memory:
    (memory,) = (await scheduled(desk, deck)).values()
    return memory


async def log_of(ada: Student, card: Json) -> list[Review]:
    """The card's log as its student sees it, the oldest first."""
    items = (await ada.get(f"/flashcards/{card['id']}/reviews"))["items"]
    days = StudyDay()
    return [
        Review(rating=Rating[each["rating"].upper()], quality=each["quality"], at=at, day=days.day_of(at))
        for each in reversed(items)
        for at in [datetime.fromisoformat(each["reviewed_at"])]
    ]


def comes_to(log: Sequence[Review], card: Json, options: Json) -> Memory:
    return replayed(Memory(), log, DeckOptions.model_validate(options).scheduler(), UUID(card["id"]))[-1]


@pytest.fixture
def ada(desk: Desk) -> Student:
    desk.now = datetime.now(UTC)
    return desk.student()


async def test_another_algorithm_replays_what_was_reviewed_in_anki_and_the_same_brings_its_schedule_back(
    desk: Desk, ada: Student, tmp_path: Path
) -> None:
    deck, card = await imported(desk, ada, package(tmp_path))
    came = await only(desk, deck)
    assert (came.interval, came.due_day, came.ease) == (37, StudyDay().day_of(desk.now) + timedelta(days=7), 2.15)
    await change(ada, deck, **SM2)
    log = await log_of(ada, card)
    assert len(log) == len(LOG)
    by_sm2 = comes_to(log, card, SM2)
    now = await only(desk, deck)
    assert (now.interval, now.due_day, now.ease, now.repetitions) == (
        by_sm2.interval, by_sm2.due_day, by_sm2.ease, by_sm2.repetitions,
    )  # fmt: skip
    assert now.interval != came.interval
    assert (now.reviews, now.lapses) == (came.reviews, came.lapses), "Anki's counts stay"
    await change(ada, deck, **FSRS)
    assert await only(desk, deck) == came


async def test_reviews_here_go_on_from_the_replayed_past_in_any_order_and_are_undone(
    desk: Desk, ada: Student, tmp_path: Path
) -> None:
    deck, card = await imported(desk, ada, package(tmp_path))
    at = desk.now + timedelta(days=1)
    desk.later(days=3)
    await change(ada, deck, **SM2)
    await ada.reviews(card, "good", reviewed_at=(at + timedelta(days=1)).isoformat())
    late = await ada.reviews(card, "hard", reviewed_at=at.isoformat())
    shown = await read(ada, card)
    assert {name: late[name] for name in KNOWN} == shown
    log = await log_of(ada, card)
    expected = comes_to(log, card, SM2)
    now = await only(desk, deck)
    assert (now.interval, now.due_day, now.ease) == (expected.interval, expected.due_day, expected.ease)
    assert await behind(desk, ada, deck) == []
    await change(ada, deck, **FSRS)
    fsrs = await only(desk, deck)
    await change(ada, deck, **SM2)
    assert await only(desk, deck) == now
    for _ in range(2):
        await ada.post("/reviews/undo")
    assert (await only(desk, deck)).interval == comes_to(log[: len(LOG)], card, SM2).interval
    await change(ada, deck, **FSRS)
    assert (await only(desk, deck)).interval == 37 != fsrs.interval


async def test_a_card_that_is_moved_to_a_deck_of_the_other_algorithm_has_its_past_replayed(
    desk: Desk, ada: Student, tmp_path: Path
) -> None:
    deck, card = await imported(desk, ada, package(tmp_path))
    came = await only(desk, deck)
    other = UUID((await ada.post("/decks", name="Other", options=SM2))["id"])
    await ada.http.patch(f"/flashcards/{card['id']}", json={"deck_id": str(other)})
    assert (await only(desk, other)).interval == comes_to(await log_of(ada, card), card, SM2).interval
    await ada.http.patch(f"/flashcards/{card['id']}", json={"deck_id": str(deck)})
    assert await only(desk, deck) == came


async def test_another_retention_keeps_the_memory_of_anki_and_gives_its_interval(
    desk: Desk, ada: Student, tmp_path: Path
) -> None:
    deck, _ = await imported(desk, ada, package(tmp_path, fsrs=True))
    came = await only(desk, deck)
    assert came.last_day is not None
    await change(ada, deck, retention=0.8, fuzz=False)
    now = await only(desk, deck)
    assert (now.stability, now.difficulty) == (came.stability, came.difficulty) == (40.5, 6.5)
    assert now.interval == Fsrs(retention=0.8, fuzz=False).interval(40.5, "") > 40
    assert now.due_day == came.last_day + timedelta(days=now.interval)
    await change(ada, deck, longest_interval=50)
    assert (await only(desk, deck)).interval == 50
    await change(ada, deck, retention=0.9, longest_interval=36500, learning_steps=[5], relearning_steps=[], fuzz=True)
    assert await only(desk, deck) == came


async def test_what_sm2_does_not_depend_on_changes_no_interval_that_is_longer_than_the_decks_longest(
    desk: Desk, ada: Student, tmp_path: Path
) -> None:
    await ada.post("/decks", name="D", options=SM2 | {"longest_interval": 30})
    deck, card = await imported(desk, ada, package(tmp_path))
    assert (await read(ada, card))["interval"] == 37, "as it came"
    await change(ada, deck, retention=0.8)
    assert await behind(desk, ada, deck) == []


@pytest.mark.parametrize(
    "log",
    [LOG[2:], ((60, 3, LEARN), *((59, 3, KNOW),) * 2000)],
    ids=["it does not reach back to the first review", "it is beyond reason"],
)
async def test_a_log_that_cannot_be_replayed_leaves_the_schedule_that_came(
    desk: Desk, ada: Student, tmp_path: Path, log: Sequence[tuple[int, int, int]]
) -> None:
    deck, card = await imported(desk, ada, package(tmp_path, log))
    came = await read(ada, card)
    assert came["interval"] == 37
    await change(ada, deck, **SM2)
    assert await read(ada, card) == came
    assert (await ada.reviews(card, "good"))["interval"] > 37, "SM-2 goes on from what Anki knew"


async def test_a_card_that_was_forgotten_in_anki_stays_new(desk: Desk, ada: Student, tmp_path: Path) -> None:
    deck, card = await imported(desk, ada, package(tmp_path, forgotten=True))
    assert len(await log_of(ada, card)) == len(LOG)
    await change(ada, deck, **SM2)
    assert (await read(ada, card))["phase"] == "new"
    assert (await ada.reviews(card, "easy"))["reviews"] == 1


async def test_what_was_crammed_or_came_before_it_was_learnt_anew_is_not_replayed(
    desk: Desk, ada: Student, tmp_path: Path
) -> None:
    before = ((90, 3, LEARN), (80, 1, KNOW))
    log = (*before, *LOG[:6], (40, 1, CRAM), *LOG[6:])
    deck, card = await imported(desk, ada, package(tmp_path, log))
    await change(ada, deck, **SM2)
    whole = await log_of(ada, card)
    assert len(whole) == len(log)
    counting = [review for place, review in enumerate(whole) if place not in (0, 1, 8)]
    assert (await only(desk, deck)).interval == comes_to(counting, card, SM2).interval
    assert (await only(desk, deck)).interval != comes_to(whole, card, SM2).interval


async def test_what_is_missed_in_a_quiz_stays_due_then_by_every_algorithm(
    desk: Desk, ada: Student, tmp_path: Path
) -> None:
    deck, _ = await imported(desk, ada, package(tmp_path))
    await change(ada, deck, **SM2)
    by_sm2, today = (await only(desk, deck)).due_day, StudyDay().day_of(desk.now)
    assert by_sm2 is not None
    await hears(desk, graded(ada, question="Question 0", concept="Question 0"))
    assert (await only(desk, deck)).due_day == min(today, by_sm2)
    await change(ada, deck, **FSRS)
    assert (await only(desk, deck)).due_day == today


async def test_a_large_imported_deck_is_replayed_by_the_worker(desk: Desk, ada: Student, tmp_path: Path) -> None:
    deck, _ = await imported(desk, ada, package(tmp_path, cards=120))
    fit = at_once([len(LOG)] * 120)
    assert fit < 100
    await change(ada, deck, **SM2)
    assert await progress(ada, deck) == {"cards": 120, "done": fit}
    await finish(desk)
    assert await behind(desk, ada, deck) == []
    assert {memory.interval for memory in (await scheduled(desk, deck)).values()} != {37}


async def test_a_card_that_was_given_a_day_by_hand_and_never_reviewed_is_rescheduled_like_any_other(
    desk: Desk, ada: Student, tmp_path: Path
) -> None:
    with anki(tmp_path) as real:
        real.add("Basic", "D", "Q", "A")
        real.collection.sched.set_due_date(real.collection.find_cards(""), "40")
        content = real.export(tmp_path / "d.apkg", "D", legacy=True)
    deck, card = await imported(desk, ada, content)
    came = await only(desk, deck)
    assert (came.phase, came.interval, came.reviews) == ("review", 40, 0)
    await change(ada, deck, longest_interval=9)
    assert (await only(desk, deck)).interval == 9
    other = UUID((await ada.post("/decks", name="Other"))["id"])
    await ada.http.patch(f"/flashcards/{card['id']}", json={"deck_id": str(other)})
    assert await only(desk, other) == came


async def test_what_is_imported_again_after_it_was_deleted_is_replayed_as_the_new_file_says(
    desk: Desk, ada: Student, tmp_path: Path
) -> None:
    content = package(tmp_path)
    deck, card = await imported(desk, ada, content)
    async with desk.database.transaction() as session:  # as by a version that knew nothing of replaying
        await session.execute(text("UPDATE review SET replayable = false"))
    assert (await ada.http.delete(f"/flashcards/{card['id']}")).status_code == 204
    _, again = await imported(desk, ada, content)
    await change(ada, deck, **SM2)
    assert (await only(desk, deck)).interval == comes_to(await log_of(ada, again), again, SM2).interval != 37
