"""Cards of one note stay apart: one of them at a time is in the queue, in its counts and in what is told of the day."""

import asyncio
import random
from collections import Counter
from uuid import UUID

import pytest
from chassis.study_day import StudyDay
from flashcard.decks import Decks
from flashcard.notes import Notes
from flashcard.queue import Queues
from flashcard.rescheduling import move
from flashcard.rollover import Rollovers, Today
from sqlalchemy import text

from .desk import Desk, Json, Student


async def reversed_note(ada: Student, **body: object) -> list[Json]:
    made = await ada.post("/flashcards", kind="reversed", question="casa", answer="house", **body)
    cards: list[Json] = made["cards"]
    return cards


async def shown(ada: Student) -> list[str]:
    return [item["id"] for item in (await ada.queue(limit=200))["items"]]


async def test_of_two_new_siblings_one_is_in_the_queue(desk: Desk) -> None:
    ada = desk.student()
    first, _ = await reversed_note(ada)
    queue = await ada.queue()
    assert ([item["id"] for item in queue["items"]], queue["new"]) == ([first["id"]], 1)


async def test_they_come_together_in_a_deck_that_wants_it(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="D", options={"bury_siblings": False})
    cards = await reversed_note(ada, deck_id=deck["id"])
    queue = await ada.queue()
    assert ([item["id"] for item in queue["items"]], queue["new"]) == ([card["id"] for card in cards], 2)


async def test_what_is_due_comes_before_its_new_sibling_and_takes_no_place_of_another(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="D", options={"new_per_day": 1})
    first, second = await reversed_note(ada, deck_id=deck["id"])
    await ada.reviews(second, "easy")
    desk.later(days=60)
    other = await ada.writes("Another", deck_id=deck["id"])
    queue = await ada.queue()
    assert [item["id"] for item in queue["items"]] == [second["id"], other["id"]]
    assert (queue["due"], queue["new"]) == (1, 1)
    await ada.post("/flashcards/bulk", card_ids=[second["id"]], action="suspend")
    assert await shown(ada) == [first["id"]]


async def test_a_buried_learning_card_waits_until_tomorrow(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes()
    await ada.reviews(card, "again")
    desk.later(minutes=5)
    assert await shown(ada) == [card["id"]]
    await ada.post("/flashcards/bulk", card_ids=[card["id"]], action="bury")
    queue = await ada.queue()
    assert (queue["items"], queue["learning"], queue["next_at"]) == ([], 0, None)
    desk.later(days=1)
    assert await shown(ada) == [card["id"]]


async def test_who_was_buried_for_a_sibling_and_is_reviewed_all_the_same_goes_on_with_its_steps(desk: Desk) -> None:
    ada = desk.student()
    first, second = await reversed_note(ada)
    await ada.reviews(first, "easy")
    await ada.reviews(second, "again")  # on a device that did not know
    desk.later(minutes=5)
    assert await shown(ada) == [second["id"]]


async def test_a_step_that_ends_on_a_later_day_hides_no_sibling_today(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="D", options={"learning_steps": [720]})
    desk.now = desk.now.replace(hour=20)
    first, second = await reversed_note(ada, deck_id=deck["id"])
    await ada.reviews(first, "again")
    await ada.post("/flashcards/bulk", card_ids=[second["id"]], action="unbury")
    queue = await ada.queue()
    assert ([item["id"] for item in queue["items"]], queue["new"]) == ([second["id"]], 1)
    await expect_agreement(desk, ada)
    desk.now = desk.now.replace(day=27, hour=7)
    assert await shown(ada) == []  # today it is a step, though it is not over yet
    queue = await ada.queue()
    assert queue["next_at"] == "2026-11-27T08:00:00Z"
    desk.later(hours=1)
    assert await shown(ada) == [first["id"]]


async def expect_agreement(desk: Desk, ada: Student) -> None:
    """What is told of the day is what the queue shows, no siblings stand in it together, and it ends when the queue is empty."""
    queue, today = await ada.queue(limit=200), today_of(desk)
    async with desk.database.transaction() as session:
        waiting = (await Rollovers(session).waiting({ada.id: today})).get(ada.id)
        done = await Queues(session, ada.id).is_done(desk.now, today.day, today.ends_at)
        steps = {row.id for row in await session.execute(text("SELECT id FROM card WHERE due_at IS NOT NULL"))}
    told = (waiting.reviews, waiting.new) if waiting else (0, 0)
    assert (queue["due"], queue["new"]) == (told[0] - await steps_here(desk), told[1])
    apart = [item for item in queue["items"] if UUID(item["id"]) not in steps]
    assert max(Counter(item["note_id"] for item in apart).values(), default=1) == 1
    assert done == (waiting is None)


def today_of(desk: Desk) -> Today:
    """The day before midnight, of who gets up at four."""
    day = desk.now.date()
    return Today(day, StudyDay().start_of(day), StudyDay().end_of(day))


async def steps_here(desk: Desk) -> int:
    steps = "SELECT count(*) FROM card WHERE due_at < :ends_at AND NOT suspended"
    here = " AND (buried_until IS NULL OR buried_until <= :today OR buried_by IS NOT NULL)"
    async with desk.database.transaction() as session:
        return int(
            (
                await session.execute(
                    text(steps + here), {"today": today_of(desk).day, "ends_at": today_of(desk).ends_at}
                )
            ).scalar_one()
        )


@pytest.mark.parametrize("seed", range(4))
async def test_queue_counts_and_what_is_told_agree_whatever_happens(desk: Desk, seed: int) -> None:
    chance, ada = random.Random(seed), desk.student()
    desk.now = desk.now.replace(hour=20)
    await desk.knows(ada)
    limits = {"new_per_day": chance.choice([2, 20]), "reviews_per_day": chance.choice([2, 200])}
    steps = chance.choice([[1, 10], [720], [1, 720]])
    deck = await ada.post("/decks", name="D", options=limits | {"learning_steps": steps})
    cards: list[Json] = []
    for _ in range(25):
        match chance.choice(
            ["write", "review", "review", "review", "bury", "unbury", "suspend", "unsuspend", "undo", "sleep"]
        ):
            case "write":
                question = chance.choice(["{{c1::a}} {{c2::b}} {{c3::c}}", "{{c1::a}} {{c2::b}}"])
                made = await ada.post("/flashcards", kind="cloze", question=question, deck_id=deck["id"])
                cards += made["cards"]
            case "review" if cards:
                await ada.reviews(chance.choice(cards), chance.choice(["again", "good", "easy"]))
            case "bury" | "unbury" | "suspend" as action if cards:
                chosen = [card["id"] for card in chance.sample(cards, 2)]
                await ada.post("/flashcards/bulk", card_ids=chosen, action=action)
            case "unsuspend":
                await ada.post("/flashcards/bulk", q="is:suspended", action="unsuspend")
            case "undo":
                await ada.http.post("/reviews/undo")
            case "sleep":
                desk.later(days=chance.choice([1, 4]))
        await expect_agreement(desk, ada)


async def test_a_card_that_is_added_by_an_edit_lies_beside_its_siblings_that_are_moved_meanwhile(desk: Desk) -> None:
    ada = desk.student()
    here, there = [await ada.post("/decks", name=name) for name in "AB"]
    body = {"kind": "cloze", "question": "{{c1::a}} {{c2::b}}", "deck_id": here["id"]}
    first, _ = (await ada.post("/flashcards", **body))["cards"]

    async def add() -> int:
        change = {"question": "{{c1::a}} {{c2::b}} {{c3::c}}"}
        return (await ada.http.patch(f"/flashcards/{first['id']}", json=change)).status_code

    async with desk.database.transaction() as session:
        deck = await Decks(session, ada.id).keep(UUID(there["id"]))
        await Notes(session, ada.id).lock([UUID(first["note_id"])])
        adding = asyncio.create_task(add())
        await somebody_waits(desk)
        await move(session, ada.id, [UUID(first["note_id"])], deck)
    assert await adding == 503
    assert await add() == 200
    cards = (await ada.get("/flashcards"))["items"]
    assert [card["deck_id"] for card in cards] == [there["id"]] * 3


async def somebody_waits(desk: Desk) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while True:
            async with desk.database.transaction() as session:
                if (await session.execute(text(waiting))).scalar_one():
                    return
            await asyncio.sleep(0.01)
