"""Leeches: what their log makes of them in any order of arrival, and what the student says of them by hand."""

import itertools
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flashcard.ratings import rating_named
from flashcard.reviewing import Given, Reviews

from .desk import Desk, Json, Student
from .test_anki_packages import bring_in


async def leech_deck(ada: Student, lapses: int = 1) -> str:
    options = {"leech_lapses": lapses, "fuzz": False, "bury_siblings": False}
    made: str = (await ada.post("/decks", name="D", options=options))["id"]
    return made


async def lapse(desk: Desk, ada: Student, card: Json) -> Json:
    """One more lapse, and the card known again where it is not suspended."""
    desk.later(days=40)
    await ada.reviews(card, "again")
    return await ada.get(f"/flashcards/{card['id']}")


def state(card: Json) -> tuple[bool, list[str]]:
    return card["suspended"], card["tags"]


@pytest.mark.parametrize(("algorithm", "ended"), [("fsrs", False), ("sm2", True)])
async def test_reviews_of_two_devices_end_the_same_in_all_orders_of_arrival(
    desk: Desk, algorithm: str, ended: bool
) -> None:
    """With FSRS some orders lapse on the way, with SM-2 some do not; what was a leech on the way is none when the log says so."""
    ada = desk.student()
    options = {"algorithm": algorithm, "leech_lapses": 1, "fuzz": False}
    deck = await ada.post("/decks", name="D", options=options)
    ratings, waits = ("good", "again", "good", "again", "good"), (0, 0.001, 0.002, 5, 5.001)
    start, ends, on_the_way = desk.now, list[Json](), set[bool]()
    for order in itertools.permutations(range(5)):
        desk.now = start
        card = await ada.writes(f"Question {order}", deck_id=deck["id"])
        desk.now = start + timedelta(days=6)
        for number in order:
            name = rating_named(ratings[number])  # type: ignore[arg-type]  # one of the four
            moment = start + timedelta(days=waits[number])
            given = Given(uuid4(), name, name.quality, moment)
            async with desk.database.transaction() as session:
                shown = await Reviews(session, ada.id).add(UUID(card["id"]), given, desk.now)
                on_the_way.add(shown.card.suspended)
        after = await ada.get(f"/flashcards/{card['id']}")
        ends.append({name: value for name, value in after.items() if name not in IDENTITY})
    assert all(end == ends[0] for end in ends)
    assert (ends[0]["reviews"], ends[0]["suspended"], ends[0]["tags"]) == (5, ended, ["leech"] if ended else [])
    assert on_the_way == {True, False}


IDENTITY = {"id", "note_id", "question", "front", "front_html", "created_at"}


async def test_undo_leaves_suspended_and_tagged_what_was_so_before(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes(deck_id=await leech_deck(ada), tags=["leech"])
    await ada.reviews(card, "easy")
    await ada.post("/flashcards/bulk", card_ids=[card["id"]], action="suspend")
    assert state(await lapse(desk, ada, card)) == (True, ["leech"])
    assert state((await ada.post("/reviews/undo"))["card"]) == (True, ["leech"])


@pytest.mark.parametrize("by", ["patch", "bulk"])
async def test_undo_goes_back_to_what_the_student_said_since_the_leech_before(desk: Desk, by: str) -> None:
    ada = desk.student()
    card = await ada.writes(deck_id=await leech_deck(ada, 2))
    await ada.reviews(card, "easy")

    async def unsuspend() -> None:
        if by == "patch":
            await ada.http.patch(f"/flashcards/{card['id']}", json={"suspended": False})
        else:
            await ada.post("/flashcards/bulk", card_ids=[card["id"]], action="unsuspend")
        desk.later(minutes=10)
        await ada.reviews(card, "good")

    await lapse(desk, ada, card)
    await unsuspend()
    assert state(await lapse(desk, ada, card)) == (True, ["leech"])
    await unsuspend()
    assert state(await lapse(desk, ada, card)) == (True, ["leech"])
    assert state((await ada.post("/reviews/undo"))["card"]) == (False, ["leech"])
    await ada.post("/reviews/undo")
    assert state((await ada.post("/reviews/undo"))["card"]) == (False, [])


async def test_suspended_by_hand_since_it_stays_so_when_its_lapse_is_undone(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes(deck_id=await leech_deck(ada))
    await ada.reviews(card, "easy")
    await lapse(desk, ada, card)
    await ada.post("/flashcards/bulk", card_ids=[card["id"]], action="suspend")
    assert state((await ada.post("/reviews/undo"))["card"]) == (True, [])


async def test_a_note_is_tagged_as_long_as_one_of_its_cards_is_a_leech(desk: Desk) -> None:
    ada = desk.student()
    deck = await leech_deck(ada)
    made = await ada.post("/flashcards", kind="reversed", question="casa", answer="house", deck_id=deck)
    first, second = made["cards"]
    for card in (first, second):
        await ada.reviews(card, "easy")
    await lapse(desk, ada, first)
    await lapse(desk, ada, second)
    back = (await ada.post("/reviews/undo"))["card"]
    assert (back["id"], state(back)) == (second["id"], (False, ["leech"]))
    assert state(await ada.get(f"/flashcards/{first['id']}")) == (True, ["leech"])
    back = (await ada.post("/reviews/undo"))["card"]
    assert (back["id"], state(back)) == (first["id"], (False, []))


async def test_another_threshold_makes_no_leech_of_what_has_lapsed_before(desk: Desk) -> None:
    ada = desk.student()
    deck = await leech_deck(ada, 8)
    card = await ada.writes(deck_id=deck)
    await ada.reviews(card, "easy")
    await lapse(desk, ada, card)
    await ada.http.patch(f"/decks/{deck}", json={"options": {"leech_lapses": 1, "fuzz": False}})
    desk.later(minutes=10)
    assert state(await ada.reviews(card, "good")) == (False, [])
    assert state(await lapse(desk, ada, card)) == (True, ["leech"])


async def test_importing_again_leaves_the_tag_that_reviews_gave(desk: Desk) -> None:
    ada = desk.student()
    deck = await leech_deck(ada)
    table = "guid,question,answer,tags,deck\ng1,Q,{},mine,D\n"
    await bring_in(desk, ada, "deck.csv", table.format("A").encode())
    (card,) = (await ada.get("/flashcards"))["items"]
    assert card["deck_id"] == deck
    await ada.reviews(card, "easy")
    assert state(await lapse(desk, ada, card)) == (True, ["mine", "leech"])
    done = await bring_in(desk, ada, "deck.csv", table.format("A").encode())
    assert (done["preview"]["updated"], done["preview"]["unchanged"]) == (0, 1)
    await bring_in(desk, ada, "deck.csv", table.format("B").encode())
    again = await ada.get(f"/flashcards/{card['id']}")
    assert (again["answer"], state(again)) == ("B", (True, ["mine", "leech"]))
    assert state((await ada.post("/reviews/undo"))["card"]) == (False, ["mine"])


@pytest.mark.parametrize("by", ["patch", "bulk"])
async def test_undo_leaves_the_tags_that_the_student_wrote_since(desk: Desk, by: str) -> None:
    ada = desk.student()
    card = await ada.writes(deck_id=await leech_deck(ada))
    await ada.reviews(card, "easy")
    assert state(await lapse(desk, ada, card)) == (True, ["leech"])
    if by == "patch":
        await ada.http.patch(f"/flashcards/{card['id']}", json={"tags": ["hard", "leech"]})
    else:
        await ada.post("/flashcards/bulk", card_ids=[card["id"]], action="tag", tags=["hard", "leech"])
    assert state((await ada.post("/reviews/undo"))["card"]) == (False, ["hard", "leech"])


@pytest.mark.parametrize("by", ["patch", "bulk"])
async def test_what_the_student_freed_stays_so_when_another_algorithm_is_tried_and_left(desk: Desk, by: str) -> None:
    ada = desk.student()
    deck = await leech_deck(ada)

    async def schedules(algorithm: str) -> Json:
        assert (await ada.http.patch(f"/decks/{deck}", json={"options": {"algorithm": algorithm}})).status_code == 200
        return await ada.get(f"/flashcards/{card['id']}")

    card = await ada.writes(deck_id=deck)
    await ada.reviews(card, "easy")
    desk.later(minutes=10)  # for SM-2 only the first review of a day counts
    assert state(await ada.reviews(card, "again")) == (True, ["leech"])
    assert state(await schedules("sm2")) == (False, []), "what the log takes back, it gives back"
    assert state(await schedules("fsrs")) == (True, ["leech"])
    if by == "patch":
        await ada.http.patch(f"/flashcards/{card['id']}", json={"suspended": False})
    else:
        await ada.post("/flashcards/bulk", card_ids=[card["id"]], action="unsuspend")
    assert state(await schedules("sm2")) == (False, [])
    assert state(await schedules("fsrs")) == (False, ["leech"])
    desk.later(minutes=10)
    await ada.reviews(card, "good")
    assert state(await lapse(desk, ada, card)) == (True, ["leech"]), "it is one more"
    assert state((await ada.post("/reviews/undo"))["card"]) == (False, ["leech"])


async def untag(ada: Student, card: Json, by: str) -> None:
    if by == "patch":
        await ada.http.patch(f"/flashcards/{card['id']}", json={"tags": ["mine"]})
    else:
        await ada.post("/flashcards/bulk", card_ids=[card["id"]], action="untag", tags=["leech"])


@pytest.mark.parametrize("by", ["patch", "bulk"])
async def test_the_tag_that_the_student_took_off_stays_off_when_another_algorithm_is_tried_and_left(
    desk: Desk, by: str
) -> None:
    ada = desk.student()
    deck = await leech_deck(ada)
    card = await ada.writes(deck_id=deck, tags=["mine"])
    await ada.reviews(card, "easy")
    desk.later(minutes=10)  # for SM-2 only the first review of a day counts
    assert state(await ada.reviews(card, "again")) == (True, ["mine", "leech"])
    await untag(ada, card, by)
    for algorithm, suspended in (("sm2", False), ("fsrs", True), ("sm2", False), ("fsrs", True)):
        await ada.http.patch(f"/decks/{deck}", json={"options": {"algorithm": algorithm}})
        assert state(await ada.get(f"/flashcards/{card['id']}")) == (suspended, ["mine"])
    await ada.http.patch(f"/flashcards/{card['id']}", json={"suspended": False, "answer": "Another"})
    desk.later(minutes=10)
    await ada.reviews(card, "good")
    assert state(await lapse(desk, ada, card)) == (True, ["mine", "leech"]), "it is one more"
    assert state((await ada.post("/reviews/undo"))["card"]) == (False, ["mine"])


@pytest.mark.parametrize("by", ["patch", "bulk"])
async def test_it_comes_back_when_another_card_of_the_note_is_a_leech_too(desk: Desk, by: str) -> None:
    ada = desk.student()
    deck = await leech_deck(ada)
    body = {"kind": "reversed", "question": "casa", "answer": "house", "deck_id": deck, "tags": ["mine"]}
    first, second = (await ada.post("/flashcards", **body))["cards"]
    for card in (first, second):
        await ada.reviews(card, "easy")
    await lapse(desk, ada, first)
    await untag(ada, first, by)
    assert state(await lapse(desk, ada, second)) == (True, ["mine", "leech"])
    assert state((await ada.post("/reviews/undo"))["card"]) == (False, ["mine"])
    assert state((await ada.post("/reviews/undo"))["card"]) == (False, ["mine"])
    assert state(await lapse(desk, ada, second)) == (True, ["mine"]), (
        "it is one, as there was when the tag was taken off"
    )


@pytest.mark.parametrize("by", ["patch", "bulk"])
async def test_a_tag_that_the_student_puts_back_is_the_students(desk: Desk, by: str) -> None:
    ada = desk.student()
    card = await ada.writes(deck_id=await leech_deck(ada), tags=["mine"])
    await ada.reviews(card, "easy")
    await lapse(desk, ada, card)
    await untag(ada, card, by)
    await ada.post("/flashcards/bulk", card_ids=[card["id"]], action="tag", tags=["leech"])
    assert state((await ada.post("/reviews/undo"))["card"]) == (False, ["mine", "leech"])
