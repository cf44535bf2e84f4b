"""Reviews over HTTP: they count once, in their own time, and can be taken back."""

import asyncio
import itertools
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from flashcard.models import LoggedReview
from sqlmodel import col, select

from .desk import Desk, Json, Student

FATE = ("phase", "due_day", "due_at", "interval", "stability", "difficulty", "lapses", "reviews")


def fate(card: Json) -> dict[str, object]:
    return {name: card[name] for name in FATE}


def report(moment: datetime, rating: str = "good") -> Json:
    return {"id": str(uuid4()), "rating": rating, "reviewed_at": moment.isoformat()}


async def test_the_queue_shows_what_each_button_does_and_the_button_does_it(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes()
    (item,) = (await ada.queue())["items"]
    assert [item["choices"][name]["wait"] for name in ("again", "hard", "good")] == ["1 min", "6 min", "10 min"]
    after = await ada.reviews(card, "easy")
    assert after["due_day"] == item["choices"]["easy"]["due_day"]


async def test_a_review_is_told_to_the_mesh_once(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes()
    body = report(desk.now)
    for _ in range(3):
        await ada.post(f"/flashcards/{card['id']}/review", **body)
    told = [event for kind, event in await desk.events() if kind == "flashcard.card.reviewed.v1"]
    assert [(event["review_id"], event["rating"], event["version"]) for event in told] == [(body["id"], "good", 2)]


async def test_a_review_sent_twice_at_once_counts_once(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes()
    body = report(desk.now, "easy")
    await asyncio.gather(*(ada.post(f"/flashcards/{card['id']}/review", **body) for _ in range(8)))
    assert (await ada.get(f"/flashcards/{card['id']}"))["reviews"] == 1


async def test_reviews_of_a_card_at_once_each_count_and_end_as_the_merged_log_gives(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="D", options={"fuzz": False})
    one, other = [await ada.writes(question, deck_id=deck["id"]) for question in ("a", "b")]
    start = desk.now
    desk.later(days=9)
    moments = [start + timedelta(days=wait) for wait in (0, 0.01, 2, 3, 5, 8)]
    for moment in moments:
        await ada.post(f"/flashcards/{one['id']}/review", **report(moment))
    await asyncio.gather(*(ada.post(f"/flashcards/{other['id']}/review", **report(moment)) for moment in moments))
    assert fate(await ada.get(f"/flashcards/{other['id']}")) == fate(await ada.get(f"/flashcards/{one['id']}"))
    told = [event["version"] for event in await desk.told("card.reviewed") if event["card_id"] == other["id"]]
    assert told == [2, 3, 4, 5, 6, 7]


async def test_an_id_that_said_something_else_is_refused(desk: Desk) -> None:
    ada = desk.student()
    card, other = await ada.writes("a"), await ada.writes("b")
    body = report(desk.now)
    await ada.post(f"/flashcards/{card['id']}/review", **body)
    for path, rating in ((card["id"], "again"), (other["id"], "good")):
        answer = await ada.http.post(f"/flashcards/{path}/review", json=body | {"rating": rating})
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:studyteddy:problem:review-id-used")


async def test_a_late_review_counts_on_its_own_day(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes()
    then = desk.now
    (queued,) = (await ada.http.get("/flashcards/due")).json()["items"]
    desk.later(days=3)
    late = await ada.post(f"/flashcards/{card['id']}/review", **report(then, "easy"))
    assert late["card"]["due_day"] == queued["choices"]["easy"]["due_day"]


async def test_undo_goes_back_several_steps(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes()
    states = [fate(card)]
    for rating in ("good", "good", "again"):
        states.append(fate(await ada.reviews(card, rating)))
        desk.later(minutes=10)
    for state in states[-2::-1]:
        assert fate((await ada.post("/reviews/undo"))["card"]) == state
    assert (await ada.http.post("/reviews/undo")).status_code == 409
    undone = [kind for kind, _ in await desk.events() if kind == "flashcard.review.undone.v1"]
    assert len(undone) == 3


async def test_two_undos_at_once_take_back_two_reviews(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes()
    for _ in range(4):
        await ada.reviews(card)
    await asyncio.gather(ada.post("/reviews/undo"), ada.post("/reviews/undo"))
    assert (await ada.get(f"/flashcards/{card['id']}"))["reviews"] == 2


async def test_siblings_wait_until_tomorrow_and_two_reviews_of_them_at_once_do_not_block(desk: Desk) -> None:
    ada = desk.student()
    made = await ada.post("/flashcards", kind="reversed", question="casa", answer="house")
    first, second = made["cards"]
    await ada.reviews(first, "easy")
    assert (await ada.queue())["items"] == []
    desk.later(days=1)
    assert [item["id"] for item in (await ada.queue())["items"]] == [second["id"]]
    both = [asyncio.create_task(ada.reviews(card)) for card in (first, second) for _ in range(5)]
    await asyncio.wait_for(asyncio.gather(*both), 20)


@pytest.mark.parametrize("by_hand", ["before", "after"])
async def test_undo_digs_out_what_its_review_buried_and_nothing_else(desk: Desk, by_hand: str) -> None:
    ada = desk.student()
    made = await ada.post("/flashcards", kind="cloze", question="{{c1::a}} {{c2::b}} {{c3::c}}")
    first, second, third = made["cards"]

    async def bury() -> None:
        await ada.post("/flashcards/bulk", card_ids=[third["id"]], action="bury")

    async def buried() -> list[bool]:
        cards = [await ada.get(f"/flashcards/{card['id']}") for card in (first, second, third)]
        return [card["buried_until"] is not None for card in cards]

    if by_hand == "before":
        await bury()
    await ada.reviews(first)
    if by_hand == "after":
        await bury()
    await ada.reviews(first)
    assert await buried() == [False, True, True]
    await ada.post("/reviews/undo")
    assert await buried() == [False, True, True], "another review of today still counts"
    await ada.post("/reviews/undo")
    assert await buried() == [False, False, True]


async def test_a_leech_is_tagged_and_suspended_and_undo_takes_that_back(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="D", options={"leech_lapses": 2})
    card = await ada.writes(deck_id=deck["id"])
    await ada.reviews(card, "easy")
    for _ in range(2):
        desk.later(days=30)
        card = await ada.reviews(card, "again")
        if not card["suspended"]:
            desk.later(minutes=10)
            await ada.reviews(card, "good")
    assert (card["suspended"], card["tags"], card["lapses"]) == (True, ["leech"], 2)
    back = (await ada.post("/reviews/undo"))["card"]
    assert (back["suspended"], back["tags"], back["lapses"]) == (False, [], 1)


async def test_switching_the_algorithm_replays_the_log(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="D", options={"fuzz": False})
    card = await ada.writes(deck_id=deck["id"])
    for days in (0, 1, 6):
        desk.later(days=days)
        fsrs = await ada.reviews(card)

    async def switch(algorithm: str) -> Json:
        await ada.http.patch(f"/decks/{deck['id']}", json={"options": {"algorithm": algorithm, "fuzz": False}})
        return await ada.get(f"/flashcards/{card['id']}")

    sm2 = await switch("sm2")
    assert (sm2["interval"], sm2["ease"]) == (15, 2.5)
    assert fate(await switch("fsrs")) == fate(fsrs)


async def test_limits_of_the_day_and_learning_first(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="D", options={"new_per_day": 3, "reviews_per_day": 1})
    cards = [await ada.writes(f"Question {number}", deck_id=deck["id"]) for number in range(5)]
    assert (await ada.queue())["new"] == 3
    for card in cards[:2]:
        await ada.reviews(card, "easy")
    await ada.reviews(cards[2], "again")
    queue = await ada.queue()
    assert (queue["new"], queue["learning"], queue["next_at"] is not None) == (0, 1, False)
    assert [item["id"] for item in queue["items"]] == [cards[2]["id"]], (
        "a step that is over soon, where nothing else is"
    )
    desk.later(days=30)
    queue = await ada.queue()
    assert (queue["learning"], queue["due"], queue["new"]) == (1, 1, 2)
    assert [item["phase"] for item in queue["items"]] == ["learning", "review", "new", "new"]


async def test_limits_of_the_deck_that_is_studied_hold_for_all_that_lies_in_it(desk: Desk) -> None:
    ada = desk.student()
    outer = await ada.post("/decks", name="Medicine", options={"new_per_day": 3, "reviews_per_day": 1})
    inner = [await ada.post("/decks", name=f"Medicine::{name}", options={"new_per_day": 2}) for name in "AB"]
    cards = [await ada.writes(f"Question {n}", deck_id=deck["id"]) for n in range(4) for deck in (*inner, outer)]

    async def counts(deck: Json) -> tuple[int, int, int]:
        queue = await ada.queue(deck_id=deck["id"])
        assert len(queue["items"]) == queue["learning"] + queue["due"] + queue["new"]
        return queue["learning"], queue["due"], queue["new"]

    assert [await counts(deck) for deck in (outer, *inner)] == [(0, 0, 3), (0, 0, 2), (0, 0, 2)]
    for card in cards[:2]:
        await ada.reviews(card, "easy")
    assert [await counts(deck) for deck in (outer, *inner)] == [(0, 0, 1), (0, 0, 1), (0, 0, 1)]
    desk.later(days=60)
    assert await counts(outer) == (0, 1, 3)
    assert (await ada.queue())["due"] == 2, "everywhere, each deck by itself"


async def test_due_is_by_the_students_day(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada, "Pacific/Auckland")
    desk.now = datetime.fromisoformat("2026-11-26T14:59:00+00:00")  # 03:59 of the 27th in Auckland
    assert (await ada.queue())["day"] == "2026-11-26"
    desk.later(minutes=1)
    assert (await ada.queue())["day"] == "2026-11-27"


async def test_log_of_a_card_says_what_each_review_changed(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    card = await ada.writes()
    for rating in ("again", "good", "easy"):
        desk.later(minutes=10)
        await ada.reviews(card, rating)
    await ada.post("/reviews/undo")
    first = await ada.get(f"/flashcards/{card['id']}/reviews", limit=2)
    rest = await ada.get(f"/flashcards/{card['id']}/reviews", limit=2, cursor=first["next_cursor"])
    items: list[Json] = first["items"] + rest["items"]
    undone, good, again = items
    assert [each["rating"] for each in (undone, good, again)] == ["easy", "good", "again"]
    assert (undone["undone_at"] is not None, undone["after"], good["undone_at"]) == (True, None, None)
    assert good["before"] == again["after"]
    assert (again["before"]["phase"], again["after"]["phase"], again["imported"]) == ("new", "learning", False)
    assert (await eve.http.get(f"/flashcards/{card['id']}/reviews")).status_code == 404
    assert (await ada.http.get(f"/flashcards/{card['id']}/reviews", params={"cursor": "x"})).status_code == 422


async def test_impossible_reviews_are_refused(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes()

    async def told(**body: object) -> tuple[int, str]:
        answer = await ada.http.post(f"/flashcards/{card['id']}/review", json=body)
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    tomorrow, long_ago = desk.now + timedelta(days=1), desk.now - timedelta(days=3650)
    assert await told(rating="good", reviewed_at=tomorrow.isoformat()) == (422, "review-in-the-future")
    assert await told(rating="good", reviewed_at=long_ago.isoformat()) == (422, "review-before-card")
    for body in ({"quality": 6}, {}, {"rating": "good", "quality": 4}, {"rating": "great"}):
        assert (await told(**body))[0] == 422
    assert (await told(rating="good", reviewed_at="2026-11-26T12:00:00"))[0] == 422
    assert (await ada.get(f"/flashcards/{card['id']}"))["reviews"] == 0


async def reviewed_with_quality(ada: Student, card: Json, quality: int) -> Json:
    after: Json = (await ada.post(f"/flashcards/{card['id']}/review", quality=quality))["card"]
    return after


async def test_quality_is_what_sm2_counts(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="D", options={"algorithm": "sm2", "fuzz": False})
    card = await ada.writes(deck_id=deck["id"])
    after = await reviewed_with_quality(ada, card, 5)
    assert (after["ease"], after["interval"], after["phase"]) == (2.6, 1, "review")


async def test_the_log_keeps_each_review_with_the_state_before_and_after_and_what_was_taken_back(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes()
    for rating in ("good", "good", "again"):
        card = await ada.reviews(card, rating)
        desk.later(minutes=10)
    await ada.post("/reviews/undo")
    async with desk.database.transaction() as session:
        rows = (await session.execute(select(LoggedReview).order_by(col(LoggedReview.received)))).scalars().all()
    assert [(row.rating, row.undone_at is not None) for row in rows] == [(3, False), (3, False), (1, True)]
    assert rows[0].memory_before == {}
    for earlier, later in itertools.pairwise(rows):
        assert earlier.memory_after == later.memory_before
    assert rows[2].memory_after is not None


async def test_another_algorithm_and_reviews_of_siblings_at_once_do_not_block(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="D")
    notes = [
        await ada.post("/flashcards", kind="reversed", question=word, answer="x", deck_id=deck["id"]) for word in "abcd"
    ]
    for note in notes:
        for card in note["cards"]:
            await ada.reviews(card, "easy")
    for turn in range(3):
        desk.later(days=40)
        option = {"options": {"algorithm": ("sm2", "fsrs")[turn % 2]}}
        reviews = [ada.reviews(card, "easy") for note in notes for card in note["cards"]]
        switching = asyncio.create_task(ada.http.patch(f"/decks/{deck['id']}", json=option))
        await asyncio.gather(*reviews)
        switched = await switching
        assert switched.status_code == 200, switched.text
