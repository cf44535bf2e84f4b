"""What was deleted can be taken back, as it was, or says why not."""

import asyncio
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import pytest
from flashcard.erasure import Erasure
from flashcard.sources import Sources
from sqlalchemy import text

from .desk import Desk, Json, Student
from .hostile import hostile
from .test_anki_packages import bring_in
from .test_replays import SM2, behind, change, finish, large_deck


async def rows(desk: Desk) -> dict[str, list[Any]]:
    """Every row of decks, notes and cards, whole."""
    found = {}
    async with desk.database.transaction() as session:
        for kind in ("deck", "note", "card"):
            found[kind] = list((await session.execute(text(f"SELECT * FROM {kind} ORDER BY id"))).all())
    return found


async def trash(ada: Student) -> list[Json]:
    items: list[Json] = (await ada.get("/flashcards/trash"))["items"]
    return items


async def restore(ada: Student, deletion: Json, status: int = 200) -> Json:
    answer = await ada.http.post(f"/flashcards/trash/{deletion['id']}/restore")
    assert answer.status_code == status, answer.text
    told: Json = answer.json()
    return told


async def biology(ada: Student) -> Json:
    """A deck in a deck with cards of all kinds, two reviewed, one buried by its sibling; the outer deck."""
    outer = await ada.post("/decks", name="Science::Biology", options={"algorithm": "sm2", "new_per_day": 7})
    inner = await ada.post("/decks", name="Science::Biology::Cells")
    source = {"document_id": str(uuid4()), "document_title": "T", "page": 1, "part": 1, "quote": "Q"}
    await ada.reviews(await ada.writes("Q1", deck_id=outer["id"], tags=["a", "b"], source=source), "good")
    await ada.reviews(await ada.writes("casa", "house", kind="reversed", deck_id=inner["id"]), "easy")
    await ada.writes("{{c1::ATP}} of {{c2::cells}}", kind="cloze", deck_id=inner["id"])
    return outer


async def test_a_deck_is_taken_back_with_everything_that_was_known(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    deck = await biology(ada)
    other = await ada.writes("Another")
    before, due = await rows(desk), [card["id"] for card in (await ada.queue(limit=50))["items"]]
    assert (await ada.http.delete(f"/decks/{deck['id']}")).status_code == 204
    left = (await ada.get("/flashcards"))["items"]
    assert [card["id"] for card in left] == [other["id"]]
    assert {each["name"] for each in (await ada.get("/decks"))["items"]} == {"Science", "Default"}
    (deletion,) = await trash(ada)
    assert (deletion["deck"], deletion["decks"], deletion["cards"]) == ("Science::Biology", 2, 5)
    desk.later(days=0.01)
    assert await restore(ada, deletion) == deletion
    assert await rows(desk) == before
    assert [card["id"] for card in (await ada.queue(limit=50))["items"]] == due
    assert await trash(ada) == []
    await restore(ada, deletion, 404)
    await ada.post("/reviews/undo")


async def test_cards_are_taken_back_one_or_many_and_the_last_deleted_stands_first(desk: Desk) -> None:
    ada = desk.student()
    await biology(ada)
    before = await rows(desk)
    cards = (await ada.get("/flashcards", q="casa"))["items"]
    await ada.http.delete(f"/flashcards/{cards[0]['id']}")
    desk.later(minutes=1)
    assert (await ada.post("/flashcards/bulk", q="ATP", action="delete"))["changed"] == 2
    many, one = await trash(ada)
    assert [(each["deck"], each["decks"], each["cards"]) for each in (many, one)] == [(None, 0, 2), (None, 0, 2)]
    first = await ada.get("/flashcards/trash", limit=1)
    assert (await ada.get("/flashcards/trash", limit=1, cursor=first["next_cursor"]))["items"] == [one]
    for deletion in (one, many):
        await restore(ada, deletion)
    assert await rows(desk) == before


async def test_nothing_that_finds_no_card_is_in_the_trash(desk: Desk) -> None:
    ada = desk.student()
    assert (await ada.post("/flashcards/bulk", q="nothing", action="delete"))["changed"] == 0
    assert await trash(ada) == []


async def test_what_stands_in_the_way_is_told_and_nothing_is_half_restored(desk: Desk) -> None:
    ada = desk.student()
    table = b"guid,question,answer,deck\ng1,Q1,A,D\ng2,Q2,A,D\n"
    await bring_in(desk, ada, "d.csv", table)
    (deck,) = (await ada.get("/decks"))["items"]
    await ada.post("/flashcards/bulk", q="Q1", action="delete")
    desk.later(minutes=1)
    await ada.http.delete(f"/decks/{deck['id']}")
    whole, one = await trash(ada)
    assert (await restore(ada, one, 409))["type"].endswith("deck-is-gone")
    again = await ada.post("/decks", name="D")
    assert (await restore(ada, whole, 409))["type"].endswith("deck-exists")
    await ada.http.patch(f"/decks/{again['id']}", json={"name": "E"})
    await bring_in(desk, ada, "d.csv", table.replace(b",D\n", b",E\n"))
    before = await rows(desk)
    assert (await restore(ada, whole, 409))["type"].endswith("cards-are-back")
    assert await rows(desk) == before
    assert await trash(ada) == [whole, one]
    await ada.post("/flashcards/bulk", q="deck:E", action="delete")
    for deletion in (whole, one):
        await restore(ada, deletion)
    assert len((await ada.get("/flashcards", q="deck:D"))["items"]) == 2


async def test_what_comes_back_is_as_its_deck_and_its_documents_are_now(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="D", options={"algorithm": "fsrs", "fuzz": False})
    document = uuid4()
    source = {"document_id": str(document), "document_title": "T", "page": 1, "part": 1, "quote": "Q"}
    gone, kept = [await ada.writes(name, deck_id=deck["id"], source=source) for name in ("Gone", "Kept")]
    for card in (gone, kept):
        for _ in range(3):
            await ada.reviews(card, "good")
            desk.later(days=6)
    await ada.http.delete(f"/flashcards/{gone['id']}")
    desk.later(minutes=1)
    await ada.http.patch(f"/decks/{deck['id']}", json={"options": {"algorithm": "sm2"}})
    async with desk.database.transaction() as session:
        await Sources(session).remove(document, owner=ada.id)
    await restore(ada, (await trash(ada))[0])
    cards = {card["front"]: card for card in (await ada.get("/flashcards"))["items"]}
    assert cards["Gone"]["source"]["available"] is False
    by_sm2 = [cards[name]["interval"] for name in ("Gone", "Kept")]
    assert by_sm2[0] == by_sm2[1], "both have the same log, and are scheduled by SM-2"


async def test_what_was_deleted_before_the_replay_of_its_deck_came_to_it_comes_back_replayed(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada, 120)
    await change(ada, deck, **SM2)
    waiting = (await behind(desk, ada, deck))[-1]
    desk.later(seconds=1)
    assert (await ada.http.delete(f"/flashcards/{waiting}")).status_code == 204
    await finish(desk)
    (deletion,) = await trash(ada)
    await restore(ada, deletion)
    assert await behind(desk, ada, deck) == []


async def test_a_card_that_was_given_a_day_by_hand_comes_back_as_its_deck_is_now(desk: Desk, tmp_path: Path) -> None:
    ada = desk.student()
    content = hostile(tmp_path, "UPDATE cards SET reps = 0, ivl = 40", "DELETE FROM revlog")
    await bring_in(desk, ada, "d.apkg", content)
    (card,), (deck,) = [(await ada.get(path))["items"] for path in ("/flashcards", "/decks")]
    assert (await ada.http.delete(f"/flashcards/{card['id']}")).status_code == 204
    desk.later(seconds=1)
    await change(ada, UUID(deck["id"]), longest_interval=9)
    (deletion,) = await trash(ada)
    await restore(ada, deletion)
    assert (await ada.get(f"/flashcards/{card['id']}"))["interval"] == 9


async def test_what_was_imported_again_meanwhile_gives_the_log_back(desk: Desk, tmp_path: Path) -> None:
    ada = desk.student()
    content = hostile(tmp_path, "INSERT INTO revlog VALUES (1690000000000, 1, 0, 3, 1, 0, 2500, 1000, 0)")
    logs = []
    for _ in range(2):
        await bring_in(desk, ada, "d.apkg", content)
        (card,) = (await ada.get("/flashcards"))["items"]
        logs.append((await ada.get(f"/flashcards/{card['id']}/reviews"))["items"])
        (deck,) = (await ada.get("/decks"))["items"]
        desk.later(seconds=1)
        assert (await ada.http.delete(f"/decks/{deck['id']}")).status_code == 204
    later, first = await trash(ada)
    await restore(ada, first)
    (card,) = (await ada.get("/flashcards"))["items"]
    assert (await ada.get(f"/flashcards/{card['id']}/reviews"))["items"] == logs[0] == logs[1]
    await ada.http.delete(f"/flashcards/trash/{later['id']}")
    assert (await change(ada, UUID(card["deck_id"]), **SM2))["rescheduling"] is None
    assert (await ada.get(f"/flashcards/{card['id']}"))["interval"] != 5


async def test_a_parent_that_went_too_is_made_again(desk: Desk) -> None:
    ada = desk.student()
    deck = await biology(ada)
    await ada.http.delete(f"/decks/{deck['id']}")
    parent = next(each for each in (await ada.get("/decks"))["items"] if each["name"] == "Science")
    desk.later(minutes=1)
    await ada.http.delete(f"/decks/{parent['id']}")
    await restore(ada, (await trash(ada))[1])
    names = [each["name"] for each in (await ada.get("/decks"))["items"]]
    assert names == ["Science", "Science::Biology", "Science::Biology::Cells"]


async def test_after_thirty_days_or_by_hand_it_is_gone_for_good(desk: Desk) -> None:
    ada = desk.student()
    for name in ("One", "Two"):
        card = await ada.writes(name)
        await ada.http.delete(f"/flashcards/{card['id']}")
        desk.later(minutes=1)
    two, one = await trash(ada)
    assert (await ada.http.delete(f"/flashcards/trash/{one['id']}")).status_code == 204
    await restore(ada, one, 404)
    desk.later(days=29)
    await desk.upkeep.tidy()
    assert await trash(ada) == [two]
    desk.later(days=1, minutes=1)
    await desk.upkeep.tidy()
    assert await trash(ada) == []
    async with desk.database.transaction() as session:
        assert (await session.execute(text("SELECT count(*) FROM deleted_row"))).scalar_one() == 0


async def test_nobody_sees_or_takes_back_what_another_deleted_and_it_goes_with_the_account(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    card = await ada.writes()
    await ada.http.delete(f"/flashcards/{card['id']}")
    (deletion,) = await trash(ada)
    assert await trash(bob) == []
    await restore(bob, deletion, 404)
    assert (await bob.http.delete(f"/flashcards/trash/{deletion['id']}")).status_code == 404
    async with desk.database.transaction() as session:
        await Erasure(session, desk.storage).erase(ada.id)
        assert (await session.execute(text("SELECT count(*) FROM deleted_row"))).scalar_one() == 0


@pytest.mark.parametrize("what", ["deck", "cards"])
async def test_a_deletion_is_restored_once_by_two_at_once(desk: Desk, what: str) -> None:
    ada = desk.student()
    deck = await biology(ada)
    if what == "deck":
        await ada.http.delete(f"/decks/{deck['id']}")
    else:
        await ada.post("/flashcards/bulk", q="deck:Science", action="delete")
    (deletion,) = await trash(ada)
    path = f"/flashcards/trash/{deletion['id']}/restore"
    answers = await asyncio.gather(*(ada.http.post(path) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]
    assert len((await ada.get("/flashcards"))["items"]) == 5


async def test_a_large_deck_comes_back_at_once_though_no_statistics_tell_of_it(desk: Desk) -> None:
    ada = desk.student()
    rows_of_table = (f"g{number},{{{{c1::a{number}}}}} {{{{c2::b}}}},x,D,Cloze\n" for number in range(1500))
    began = perf_counter()
    await bring_in(desk, ada, "d.csv", ("guid,question,answer,deck,notetype\n" + "".join(rows_of_table)).encode())
    imported = perf_counter()
    (deck,) = (await ada.get("/decks"))["items"]
    await ada.http.delete(f"/decks/{deck['id']}")
    deleted = perf_counter()
    (deletion,) = await trash(ada)
    await restore(ada, deletion)
    # Each card compared with each note took ten times as long as bringing them all in.
    assert perf_counter() - deleted < 3 * (imported - began)
    assert (await ada.get("/decks"))["items"][0]["cards"] == deletion["cards"] == 3000
