"""Cards that are scheduled in another way: in another deck, or with other options. The buttons say what a press gives."""

import asyncio
import random
from datetime import timedelta
from time import monotonic
from uuid import UUID

import pytest
from flashcard.decks import Decks
from flashcard.ratings import Rating
from flashcard.rescheduling import reschedule_deck
from flashcard.scheduling import DeckOptions
from sqlalchemy import event

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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FSRS, FSRS | {"learning_steps": [5, 20, 40]}),
        (FSRS, FSRS | {"relearning_steps": []}),
        (SM2, SM2 | {"longest_interval": 9}),
        (SM2, SM2 | {"fuzz": True}),
        (SM2, SM2 | {"relearning_steps": []}),
        (FSRS, SM2),
    ],
)
async def test_buttons_say_what_a_press_gives_after_other_options(desk: Desk, before: Json, after: Json) -> None:
    ada = desk.student()
    deck = await deck_of(ada, "D", **before)
    cards = [await ada.writes(f"Question {number}", deck_id=deck) for number in range(3)]
    for ratings in (("good", "easy", "good"), ("good", "good", "hard"), ("again", "good", "easy")):
        for card, rating in zip(cards, ratings, strict=True):
            await ada.reviews(card, rating)
        desk.later(days=20)
    assert (await ada.http.patch(f"/decks/{deck}", json={"options": after})).status_code == 200
    desk.later(days=90)
    await expect_honest_buttons(ada)


async def test_a_deck_is_replayed_with_as_many_statements_for_many_cards_as_for_few(desk: Desk) -> None:
    ada, counts = desk.student(), list[int]()
    for size in (3, 30):
        deck = UUID(await deck_of(ada, f"Of {size}", **FSRS))
        cards = [await ada.writes(f"{size}: {number}", deck_id=str(deck)) for number in range(size)]
        for card in cards:
            await ada.reviews(card, "easy")
        counts.append(0)

        def count(*_: object) -> None:
            counts[-1] += 1

        event.listen(desk.database.engine.sync_engine, "before_cursor_execute", count)
        async with desk.database.transaction() as session:
            locked = await Decks(session, ada.id).get(deck, lock=True)
            await reschedule_deck(session, locked, DeckOptions(algorithm="sm2"), desk.now)
        event.remove(desk.database.engine.sync_engine, "before_cursor_execute", count)
    assert counts[0] == counts[1] > 0


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


async def test_who_meets_a_deck_that_is_being_replayed_is_told_soon_to_come_again(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="D")
    card = await ada.writes(deck_id=deck["id"])
    await ada.reviews(card, "good")
    asked: dict[str, Json] = {
        f"/flashcards/{card['id']}/review": {"rating": "good"},
        "/flashcards": {"question": "Q", "answer": "A", "deck_id": deck["id"]},
        "/reviews/undo": {},
        "/flashcards/bulk": {"card_ids": [card["id"]], "action": "bury"},
        f"/decks/{deck['id']}/share": {},
    }
    async with desk.database.transaction() as session:
        locked = await Decks(session, ada.id).get(UUID(deck["id"]), lock=True)
        await reschedule_deck(session, locked, DeckOptions(algorithm="sm2"), desk.now)
        begun = monotonic()
        answers = await asyncio.gather(*(ada.http.post(path, json=body) for path, body in asked.items()))
        assert monotonic() - begun < 5
    assert [(answer.status_code, "retry-after" in answer.headers) for answer in answers] == [(503, True)] * len(asked)
    assert {answer.json()["type"] for answer in answers} == {"urn:studyteddy:problem:being-changed"}
    assert {answer.headers["retry-after"] for answer in answers} == {"1"}
    again = [await ada.http.post(path, json=body) for path, body in asked.items()]
    assert [answer.status_code < 300 for answer in again] == [True] * len(asked)
