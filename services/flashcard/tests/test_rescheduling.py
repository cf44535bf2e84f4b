"""Cards that are scheduled in another way: in another deck, or with other options. The buttons say what a press gives."""

import random
from datetime import timedelta

import pytest
from flashcard.ratings import Rating

from .desk import Desk, Json, Student

SM2, FSRS = {"algorithm": "sm2", "fuzz": False}, {"algorithm": "fsrs", "fuzz": False}
STARTED = Desk.now


async def deck_of(ada: Student, name: str, **options: object) -> str:
    made: str = (await ada.post("/decks", name=name, options=options))["id"]
    return made


async def expect_honest_buttons(ada: Student) -> None:
    """The cards in the queue come back when their buttons say, whichever are pressed."""
    for place, item in enumerate((await ada.queue(limit=200))["items"]):
        for rating in list(Rating)[place % 2 :: 2]:
            said = item["choices"][rating.label]
            after = await ada.reviews(item, rating.label)
            assert (after["due_at"], after["due_day"] if said["due_day"] else None) == (said["due_at"], said["due_day"])
            await ada.post("/reviews/undo")


async def moved(ada: Student, card: Json, deck: str, how: str) -> Json:
    if how == "patch":
        answer = await ada.http.patch(f"/flashcards/{card['id']}", json={"deck_id": deck})
        assert answer.status_code == 200, answer.text
    else:
        await ada.post("/flashcards/bulk", card_ids=[card["id"]], action="move", deck_id=deck)
    return await ada.get(f"/flashcards/{card['id']}")


@pytest.mark.parametrize("how", ["patch", "bulk"])
@pytest.mark.parametrize("last", ["good", "again"])
async def test_a_card_that_is_moved_is_scheduled_as_its_new_deck_says(desk: Desk, how: str, last: str) -> None:
    ada = desk.student()
    there, other = await deck_of(ada, "SM-2", **SM2), await deck_of(ada, "FSRS", **FSRS)
    card, twin = [await ada.writes(question, deck_id=deck) for question, deck in (("a", there), ("b", other))]
    for rating in ("good", "good", last):
        for each in (card, twin):
            await ada.reviews(each, rating)
        desk.later(days=7)
    after, expected = await moved(ada, card, other, how), await ada.get(f"/flashcards/{twin['id']}")
    same = ("phase", "due_at", "due_day", "interval", "stability", "difficulty", "lapses", "reviews")
    assert {name: after[name] for name in same} == {name: expected[name] for name in same}
    await expect_honest_buttons(ada)
    back = await moved(ada, card, there, how)
    assert back["stability"] is None
    await expect_honest_buttons(ada)


@pytest.mark.parametrize("seed", range(3))
async def test_buttons_stay_honest_whatever_becomes_of_decks_and_cards(desk: Desk, seed: int) -> None:
    chance, ada = random.Random(seed), desk.student()
    decks = [await deck_of(ada, "A", **SM2), await deck_of(ada, "B", **FSRS)]
    cards = [await ada.writes(f"Question {number}", deck_id=chance.choice(decks)) for number in range(3)]
    for _ in range(8):
        card = chance.choice(cards)
        match chance.choice(["review", "review", "review", "late", "move", "undo"]):
            case "review":
                await ada.reviews(card, chance.choice(list(Rating)).label)
            case "late":
                earlier = max(desk.now - timedelta(days=chance.randint(0, 9)), STARTED)
                await ada.reviews(card, chance.choice(list(Rating)).label, reviewed_at=earlier.isoformat())
            case "move":
                await moved(ada, card, chance.choice(decks), chance.choice(["patch", "bulk"]))
            case "undo":
                await ada.http.post("/reviews/undo")
        desk.later(days=chance.choice([0, 1, 5, 30]), minutes=chance.randint(1, 30))
        await expect_honest_buttons(ada)
