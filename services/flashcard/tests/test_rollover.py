"""A student's day begins: told once, whatever restarts; cleared when nothing is left."""

import asyncio
from datetime import UTC, datetime

import pytest
from flashcard.rollover import Rollovers

from .desk import Desk, Student


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
    (told,) = await desk.told("reviews.due")
    assert (told["user_id"], told["day"], told["reviews"], told["new"]) == (str(ada.id), "2026-11-26", 0, 1)
    assert told["day_ends_at"] == "2026-11-27T04:00:00Z"


async def test_it_is_told_once_a_day_by_any_number_of_schedulers(desk: Desk) -> None:
    for _ in range(20):
        await student_with_a_card(desk)
    desk.later(days=1)
    counts = await asyncio.gather(*(turned(desk) for _ in range(4)))
    assert sum(counts) == 20
    assert await turned(desk) == 0
    assert len(await desk.told("reviews.due")) == 20


async def test_a_scheduler_that_dies_in_between_leaves_the_day_to_another(desk: Desk) -> None:
    await student_with_a_card(desk)
    desk.later(days=1)
    async with desk.database.transaction() as session:
        assert await Rollovers(session).turn(desk.now) == 1
        await session.rollback()
    assert await turned(desk) == 1
    assert len(await desk.told("reviews.due")) == 1


async def test_nothing_due_is_not_told_and_missed_days_are_told_as_one(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    desk.later(days=1)
    assert await turned(desk) == 1
    assert await desk.told("reviews.due") == []
    await ada.writes()
    desk.later(days=9)
    assert await turned(desk) == 1
    assert [told["day"] for told in await desk.told("reviews.due")] == ["2026-12-06"]


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
    assert [told["day"] for told in await desk.told("reviews.due")] == ["2026-11-27", "2026-11-28"]


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
    (due,) = await desk.told("reviews.due")
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
    (told,) = await desk.told("reviews.due")
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
