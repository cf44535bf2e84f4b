"""A student's day begins: told once, whatever restarts; cleared when nothing is left."""

import asyncio
import random
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from flashcard.queue import Queues
from flashcard.rollover import Rollovers
from flashcard.students import Students
from sqlalchemy import text

from .desk import Desk, Json, Student
from .test_recalls import graded, hears


async def turned(desk: Desk) -> int:
    async with desk.database.transaction() as session:
        return await Rollovers(session).turn(desk.now)


async def student_with_a_card(desk: Desk, zone: str = "UTC") -> Student:
    ada = desk.student()
    await desk.knows(ada, zone)
    await ada.writes()
    return ada


async def test_what_is_due_is_told_when_the_day_begins(desk: Desk) -> None:
    desk.now = datetime(2026, 11, 26, 3, 59, tzinfo=UTC)
    ada = await student_with_a_card(desk)
    assert await turned(desk) == 0
    desk.later(minutes=1)
    assert await turned(desk) == 1
    *_, told = await desk.told("reviews.due")
    assert (told["user_id"], told["day"], told["reviews"], told["new"]) == (str(ada.id), "2026-11-26", 0, 1)
    assert told["since"] is None
    assert told["day_ends_at"] == "2026-11-27T04:00:00Z"


async def test_it_is_told_once_a_day_by_any_number_of_schedulers(desk: Desk) -> None:
    for _ in range(20):
        await student_with_a_card(desk)
    desk.later(days=1)
    counts = await asyncio.gather(*(turned(desk) for _ in range(4)))
    assert sum(counts) == 20
    assert await turned(desk) == 0
    days = [told["day"] for told in await desk.told("reviews.due")]
    assert days == ["2026-11-26"] * 20 + ["2026-11-27"] * 20


async def test_a_scheduler_that_dies_in_between_leaves_the_day_to_another(desk: Desk) -> None:
    await student_with_a_card(desk)
    desk.later(days=1)
    async with desk.database.transaction() as session:
        assert await Rollovers(session).turn(desk.now) == 1
        await session.rollback()
    assert await turned(desk) == 1
    assert [told["day"] for told in await desk.told("reviews.due")] == ["2026-11-26", "2026-11-27"]


async def test_students_of_one_batch_are_told_each_of_its_own_day(desk: Desk) -> None:
    desk.now = datetime(2026, 11, 26, 14, 30, tzinfo=UTC)
    zones = {"UTC": "26", "Pacific/Honolulu": "26", "Pacific/Kiritimati": "27", "Asia/Tokyo": None}
    students = {zone: desk.student() for zone in zones}
    for number, (zone, student) in enumerate(students.items()):
        for card in range(number + 1 if zones[zone] else 0):
            await student.writes(f"Question {card}")
        async with desk.database.transaction() as session:
            await Students(session, lambda: desk.now).put(student.profile(zone))
    assert await turned(desk) == 4
    told = {
        event["user_id"]: (event["day"][-2:], event["new"], event["version"])
        for event in await desk.told("reviews.due")
    }
    days = [(day, number, 1) for number, day in enumerate(zones.values(), 1) if day]
    assert [told.get(str(student.id)) for student in students.values()] == [*days, None]
    desk.later(days=1)
    assert await turned(desk) == 4
    assert [event["version"] for event in await desk.told("reviews.due")] == [1, 1, 1, 2, 2, 2]


TURNING = """
import asyncio, sys
from datetime import datetime
from chassis.database import Database
from flashcard.rollover import Rollovers
from flashcard.students import Students
from sqlalchemy import text

async def main():
    async with Database(sys.argv[1], schema="flashcard").transaction() as session:
        print(await Rollovers(session).turn(datetime.fromisoformat(sys.argv[2]), most=2), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_scheduler_that_is_killed_holds_up_nobody_else_and_its_students_are_told_once(desk: Desk) -> None:
    students = [await student_with_a_card(desk) for _ in range(3)]
    desk.later(days=1)
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TURNING, desk.database.url, desk.now.isoformat(), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert killed.stdout is not None
        assert await killed.stdout.readline() == b"2\n"
        assert await turned(desk) == 1, "it took those of the other"
    finally:
        killed.kill()
        await killed.wait()
    left = 0
    async with asyncio.timeout(20):
        while left < 2:  # the database has yet to see that it is gone
            left += await turned(desk)
            await asyncio.sleep(0.05)
    told = [event["user_id"] for event in await desk.told("reviews.due") if event["day"] == "2026-11-27"]
    assert sorted(told) == sorted(str(student.id) for student in students)


async def test_nothing_due_is_not_told_and_missed_days_are_told_as_one(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    desk.later(days=1)
    assert await turned(desk) == 1
    assert await desk.told("reviews.due") == []
    await ada.writes()
    desk.later(days=9)
    assert await turned(desk) == 1
    assert [told["day"] for told in await desk.told("reviews.due")] == ["2026-11-27", "2026-12-06"]


async def test_who_flies_west_is_told_of_a_day_once(desk: Desk) -> None:
    ada = await student_with_a_card(desk, "Pacific/Auckland")
    desk.later(days=1)
    await turned(desk)
    await desk.knows(ada, "Pacific/Honolulu", version=2)
    for _ in range(30):
        desk.later(hours=1)
        await turned(desk)
    days = [told["day"] for told in await desk.told("reviews.due")]
    assert days == sorted(set(days))


async def test_who_flies_east_is_told_of_the_day_that_it_is_there(desk: Desk) -> None:
    desk.now = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)  # half past four in the morning in Los Angeles
    ada = await student_with_a_card(desk, "America/Los_Angeles")
    desk.later(hours=12)  # in Tokyo it is the 27th, since half past five
    await desk.knows(ada, "Asia/Tokyo", version=2)
    desk.later(days=1)
    await turned(desk)
    assert [told["day"] for told in await desk.told("reviews.due")] == ["2026-11-26", "2026-11-27", "2026-11-28"]


async def test_clearing_is_told_when_the_last_card_is_done_and_once(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    cards = [await ada.writes(f"Question {number}") for number in range(2)]
    desk.later(days=1)
    await turned(desk)
    await ada.reviews(cards[0], "easy")
    await ada.reviews(cards[1], "good")
    assert await desk.told("reviews.cleared") == [], "a step of ten minutes is still to come"
    desk.later(minutes=10)
    await ada.reviews(cards[1], "good")
    await ada.reviews(cards[1], "good")
    (cleared,) = await desk.told("reviews.cleared")
    *_, due = await desk.told("reviews.due")
    assert (cleared["day"], cleared["version"]) == (due["day"], due["version"] + 1)


async def test_limits_and_suspended_cards_count(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    deck = await ada.post("/decks", name="D", options={"new_per_day": 2, "reviews_per_day": 1})
    cards = [await ada.writes(f"Question {number}", deck_id=deck["id"]) for number in range(6)]
    for card in cards[:2]:
        await ada.reviews(card, "easy")
    await ada.post("/flashcards/bulk", card_ids=[cards[5]["id"]], action="suspend")
    desk.later(days=30)
    await turned(desk)
    *_, told = await desk.told("reviews.due")
    assert (told["reviews"], told["new"]) == (1, 2)


async def test_the_role_looks_again_when_the_next_day_begins(desk: Desk) -> None:
    await student_with_a_card(desk)
    upkeep = desk.upkeep
    assert await upkeep.turn_days() == 30.0
    desk.now = datetime(2026, 11, 27, 3, 59, 55, tzinfo=UTC)
    assert await upkeep.turn_days() == pytest.approx(5.0)


@pytest.mark.parametrize("action", ["suspend", "bury", "delete"])
async def test_clearing_is_told_too_when_the_last_card_is_put_away(desk: Desk, action: str) -> None:
    ada = await student_with_a_card(desk)
    desk.later(days=1)
    await turned(desk)
    await ada.post("/flashcards/bulk", q="is:new", action=action)
    assert len(await desk.told("reviews.cleared")) == 1


async def test_two_last_cards_that_are_done_at_once_clear_the_day_once(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    for day in range(1, 6):
        cards = [await ada.writes(f"Question {day} {number}") for number in range(2)]
        desk.later(days=1)
        await turned(desk)
        left = [
            item for item in (await ada.queue(limit=200))["items"] if item["id"] not in {card["id"] for card in cards}
        ]
        for card in left:
            await ada.reviews(card, "easy")
        await asyncio.gather(*(ada.reviews(card, "easy") for card in cards))
        assert len(await desk.told("reviews.cleared")) == day


async def history(desk: Desk) -> list[tuple[str, str, int]]:
    """What was told of days: due or cleared, the day, the version."""
    events = [(name.split(".")[2], data) for name, data in await desk.events() if name.startswith("flashcard.reviews.")]
    return [(kind, data["day"], data["version"]) for kind, data in events]


async def test_who_signs_up_and_makes_cards_is_told_of_them_on_the_same_day_once(desk: Desk) -> None:
    ada = desk.student()
    await ada.writes()
    assert await history(desk) == [], "where and when the day is, is not known"
    await desk.knows(ada)
    await turned(desk)
    (told,) = await desk.told("reviews.due")
    assert (told["new"], told["since"]) == (1, "2026-11-26T12:00:00Z"), (
        "else an evening's first card would be reminded of at once"
    )
    grace = desk.student()
    await desk.knows(grace)
    for number in range(3):
        await grace.writes(f"Question {number}")
    assert await history(desk) == [("due", "2026-11-26", 1), ("due", "2026-11-26", 1)]
    *_, told = await desk.told("reviews.due")
    assert (told["user_id"], told["new"], told["since"]) == (str(grace.id), 1, "2026-11-26T12:00:00Z")


async def test_cards_of_an_import_and_of_a_copy_are_told_on_the_same_day(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    for student in (ada, bob):
        await desk.knows(student)
    answer = await ada.http.post("/decks/import", files={"file": ("deck.csv", b"question,answer\nQ,A\n")})
    await ada.post(f"/decks/imports/{answer.json()['id']}/run")
    assert await desk.work.once()
    deck = (await ada.get("/flashcards"))["items"][0]["deck_id"]
    token = (await ada.post(f"/decks/{deck}/share"))["token"]
    await bob.post(f"/decks/shared/{token}/copy")
    assert [told["user_id"] for told in await desk.told("reviews.due")] == [str(ada.id), str(bob.id)]


async def test_what_is_missed_after_the_day_was_cleared_is_told(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    await ada.reviews(await ada.writes("osmosis"), "easy")
    assert await history(desk) == [("due", "2026-11-26", 1), ("cleared", "2026-11-26", 2)]
    desk.later(hours=1)
    await hears(desk, graded(ada, at=desk.now), graded(ada, at=desk.now))
    assert (await history(desk))[2:] == [("due", "2026-11-26", 3)]


async def test_a_step_of_a_card_that_was_not_due_is_told_after_the_day_was_cleared_and_undoing_it_too(
    desk: Desk,
) -> None:
    ada = desk.student()
    await desk.knows(ada)
    card = await ada.writes()
    await ada.reviews(card, "easy")
    desk.later(hours=1)
    await ada.reviews(card, "again")
    assert [kind for kind, *_ in await history(desk)] == ["due", "cleared", "due"]
    await ada.post("/reviews/undo")
    assert [kind for kind, *_ in await history(desk)] == ["due", "cleared", "due", "cleared"]


async def test_what_the_days_limits_leave_for_tomorrow_is_not_told_today(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    deck = await ada.post("/decks", name="D", options={"new_per_day": 1})
    await ada.reviews(await ada.writes("One", deck_id=deck["id"]), "easy")
    await ada.writes("Two", deck_id=deck["id"])
    assert [kind for kind, *_ in await history(desk)] == ["due", "cleared"]
    await ada.http.patch(f"/decks/{deck['id']}", json={"options": {"new_per_day": 2}})
    assert [kind for kind, *_ in await history(desk)] == ["due", "cleared", "due"]


async def test_a_day_that_the_scheduler_has_not_begun_is_left_to_it(desk: Desk) -> None:
    ada = await student_with_a_card(desk)
    desk.later(days=1)
    await ada.writes("Another")
    assert await history(desk) == [("due", "2026-11-26", 1)]
    await turned(desk)
    *_, told = await desk.told("reviews.due")
    assert (told["day"], told["new"], told["since"]) == ("2026-11-27", 2, None)


async def test_a_profile_that_changes_before_the_day_was_looked_at_does_not_move_its_beginning(desk: Desk) -> None:
    ada = await student_with_a_card(desk)
    desk.later(days=1)
    await desk.knows(ada, version=2)
    *_, told = await desk.told("reviews.due")
    assert (told["day"], told["since"]) == ("2026-11-27", None)


async def test_decks_are_named_by_their_outermost_names_the_most_cards_first(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    cards = {"Biology::Cells": 2, "Biology::Plants": 2, "Art": 1, "History": 3, "Zoology": 1, "Latin": 1}
    for name, count in cards.items():
        deck = await ada.post("/decks", name=name)
        for number in range(count):
            await ada.writes(f"{name} {number}", deck_id=deck["id"])
    desk.later(days=1)
    await turned(desk)
    *_, told = await desk.told("reviews.due")
    assert told["decks"] == [
        {"name": "Biology", "cards": 4}, {"name": "History", "cards": 3}, {"name": "Art", "cards": 1}
    ]  # fmt: skip
    assert (told["new"], told["more_decks"]) == (10, 2)


async def test_a_step_that_ends_on_a_later_day_is_told_on_that_day(desk: Desk) -> None:
    ada = await student_with_a_card(desk)
    (card,) = (await ada.queue())["items"]
    await ada.reviews(card, "again")
    async with desk.database.transaction() as session:  # as Anki's steps of days come
        await session.execute(text("UPDATE card SET due_at = :then"), {"then": desk.now + timedelta(days=3)})
    for _ in range(3):
        desk.later(days=1)
        await turned(desk)
    assert [told["day"] for told in await desk.told("reviews.due")][1:] == ["2026-11-29"]


async def what_stands(desk: Desk, ada: Student) -> tuple[bool, bool]:
    """Whether something stands as due today, and whether something is."""
    today = desk.now.date()
    async with desk.database.transaction() as session:
        left = not await Queues(session, ada.id).is_done(desk.now, today, desk.now + timedelta(hours=16))
    told = [kind for kind, day, _ in await history(desk) if date.fromisoformat(day) == today]
    return bool(told) and told[-1] == "due", left


@pytest.mark.parametrize("seed", range(4))
async def test_due_stands_while_something_is_whatever_happens(desk: Desk, seed: int) -> None:
    chance, ada = random.Random(seed), desk.student()
    await desk.knows(ada)
    cards: list[Json] = []
    for number in range(30):
        acts = ["write", "review", "review", "review", "ahead", "suspend", "unsuspend", "bury", "undo", "sleep"]
        match chance.choice(acts):
            case "write":
                cards.append(await ada.writes(f"Question {number}"))
            case "ahead" if cards:
                await ada.reviews(chance.choice(cards), chance.choice(["again", "good"]))
            case "review":
                for item in (await ada.queue())["items"][:2]:
                    await ada.reviews(item, chance.choice(["easy", "good"]))
            case "suspend" | "unsuspend" | "bury" as action:
                await ada.post("/flashcards/bulk", q="", action=action)
            case "undo":
                await ada.http.post("/reviews/undo")
            case "sleep":
                desk.later(days=1)
                await turned(desk)
        stands, left = await what_stands(desk, ada)
        assert stands == left
    versions = [version for *_, version in await history(desk)]
    assert versions == list(range(1, len(versions) + 1))


async def test_a_card_that_is_made_while_the_last_is_done_is_not_forgotten(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    for number in range(8):
        card: Json = await ada.writes(f"Question {number}")
        new, _ = await asyncio.gather(ada.writes(f"Beside {number}"), ada.reviews(card, "easy"))
        assert await what_stands(desk, ada) == (True, True)
        await ada.reviews(new, "easy")
        assert await what_stands(desk, ada) == (False, False)
