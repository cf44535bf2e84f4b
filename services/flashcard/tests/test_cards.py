"""Decks and cards over HTTP: written, found, changed, removed."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from chassis.database import Database
from chassis.paging import encode_cursor
from flashcard.sources import Sources

from .desk import Desk


async def test_a_card_without_a_deck_goes_into_default(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes(tags=["biology"])
    assert [deck["name"] for deck in (await ada.get("/decks"))["items"]] == ["Default"]
    assert (card["front"], card["back"], card["phase"]) == ("What is a cell?", "The unit of life", "new")
    assert card["tags"] == ["biology"]


async def test_a_new_card_is_told_to_the_mesh(desk: Desk) -> None:
    card = await desk.student().writes()
    ((kind, event),) = await desk.events()
    assert (kind, event["card_id"], event["question"]) == ("flashcard.card.created.v1", card["id"], "What is a cell?")


async def test_a_deck_within_a_deck_makes_what_it_lies_in(desk: Desk) -> None:
    ada = desk.student()
    await ada.post("/decks", name="Biology:: Cells ::Walls")
    names = [deck["name"] for deck in (await ada.get("/decks"))["items"]]
    assert names == ["Biology", "Biology::Cells", "Biology::Cells::Walls"]


async def test_renaming_a_deck_moves_what_lies_in_it(desk: Desk) -> None:
    ada = desk.student()
    await ada.post("/decks", name="A::B::C")
    await ada.post("/decks", name="AB")
    deck = (await ada.get("/decks"))["items"][1]
    assert (await ada.http.patch(f"/decks/{deck['id']}", json={"name": "X::Y"})).status_code == 200
    assert [deck["name"] for deck in (await ada.get("/decks"))["items"]] == ["A", "AB", "X", "X::Y", "X::Y::C"]


async def test_a_deck_cannot_be_put_into_itself_or_upon_another(desk: Desk) -> None:
    ada = desk.student()
    first = await ada.post("/decks", name="A")
    await ada.post("/decks", name="B")
    assert (await ada.http.patch(f"/decks/{first['id']}", json={"name": "A::A"})).status_code == 422
    assert (await ada.http.patch(f"/decks/{first['id']}", json={"name": "B"})).status_code == 409


async def test_deleting_a_deck_takes_cards_and_inner_decks_along(desk: Desk) -> None:
    ada = desk.student()
    inner = await ada.post("/decks", name="A::B")
    await ada.writes(deck_id=inner["id"])
    outer = (await ada.get("/decks"))["items"][0]
    assert (await ada.http.delete(f"/decks/{outer['id']}")).status_code == 204
    assert (await ada.get("/decks"))["items"] == []
    assert (await ada.get("/flashcards"))["items"] == []


async def test_a_cloze_makes_a_card_for_each_number(desk: Desk) -> None:
    ada = desk.student()
    made = await ada.post("/flashcards", kind="cloze", question="{{c1::ATP}} is made in {{c2::mitochondria}}")
    assert [card["front"] for card in made["cards"]] == ["[…] is made in mitochondria", "ATP is made in […]"]


async def test_rewriting_a_cloze_keeps_what_is_known_of_the_cards_that_stay(desk: Desk) -> None:
    ada = desk.student()
    made = await ada.post("/flashcards", kind="cloze", question="{{c1::a}} {{c2::b}}")
    first, second = made["cards"]
    await ada.reviews(first, "easy")
    change = {"question": "{{c1::a}} {{c3::c}}"}
    assert (await ada.http.patch(f"/flashcards/{first['id']}", json=change)).status_code == 200
    assert (await ada.http.get(f"/flashcards/{second['id']}")).status_code == 404
    cards = (await ada.get("/flashcards"))["items"]
    assert {(card["front"], card["reviews"]) for card in cards} == {("[…] c", 1), ("a […]", 0)}


async def test_the_same_key_writes_one_card(desk: Desk) -> None:
    ada = desk.student()
    body = {"question": "Q", "answer": "A"}
    answers = [await ada.http.post("/flashcards", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await ada.get("/flashcards"))["items"]) == 1


async def test_searching_by_deck_tag_state_and_words(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="Biology::Cells")
    wall = await ada.writes("What is a cell wall?", "Cellulose", deck_id=deck["id"], tags=["exam::final"])
    war = await ada.writes("When did the war end?", "1945", tags=["history"])
    await ada.reviews(war, "easy")

    async def found(q: str) -> list[str]:
        return [card["id"] for card in (await ada.get("/flashcards", q=q))["items"]]

    assert await found("deck:biology") == [wall["id"]]
    assert await found("tag:EXAM") == [wall["id"]]
    assert await found('"cell wall" cellulose') == [wall["id"]]
    assert await found("-is:new") == [war["id"]]
    assert await found("is:due") == []
    desk.later(days=30)
    assert await found("is:due") == [war["id"]]
    assert await found("100%_") == []
    assert set(await found("")) == {wall["id"], war["id"]}
    await ada.post("/flashcards/bulk", card_ids=[war["id"]], action="bury")
    assert (await found("is:due"), await found("is:buried")) == ([], [war["id"]])
    mine = await ada.writes("Mine", "x", deck_id=(await ada.post("/decks", name="My Deck"))["id"], tags=["x"])
    for quoted in ('deck:"my deck"', '"deck:My Deck"', '"deck:my deck" "tag:x"'):
        assert await found(quoted) == [mine["id"]], quoted
    assert mine["id"] not in await found('-"deck:My Deck"')


async def test_what_is_not_so_is_found_although_it_has_no_day(desk: Desk) -> None:
    ada = desk.student()
    _, due, buried = [await ada.writes(question) for question in ("new", "due", "buried")]
    await ada.reviews(due, "easy")
    desk.later(days=30)
    await ada.post("/flashcards/bulk", card_ids=[buried["id"]], action="bury")

    async def found(q: str) -> set[str]:
        return {card["question"] for card in (await ada.get("/flashcards", q=q))["items"]}

    assert await found("-is:due") == {"new", "buried"}
    assert await found("-is:buried") == {"new", "due"}
    assert await found("-is:due -is:buried") == {"new"}


@pytest.mark.parametrize("name", ["Straße", "Λόγος", "STRASSE", "İzmir", "50%_"])
async def test_decks_and_tags_are_found_by_their_names_in_any_script(desk: Desk, name: str) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name=f"{name}::inner")
    await ada.writes(deck_id=deck["id"])
    await ada.writes(tags=[f"{name}::inner"])
    await ada.writes("another", tags=["50xx::inner"])
    for field in ("deck", "tag"):
        assert len((await ada.get("/flashcards", q=f"{field}:{name}"))["items"]) == 1


async def test_pages_of_decks_hold_each_once_and_in_order(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    names = ["A", "A::B", "AB", "Z", "a", "\xe4", "\U0001f9ec"]
    for name in reversed(names[1:]):  # `A::B` also makes `A`
        await ada.post("/decks", name=name)
    await bob.post("/decks", name="Bobs")
    page = await ada.get("/decks", limit=3)
    found = [deck["name"] for deck in page["items"]]
    while page["next_cursor"]:
        page = await ada.get("/decks", limit=3, cursor=page["next_cursor"])
        found += [deck["name"] for deck in page["items"]]
    assert found == names
    for key in (["a\x00", str(uuid4())], ["a"], ["a", "b"], ["\ud800", str(uuid4())]):
        answer = await ada.http.get("/decks", params={"cursor": encode_cursor(key)})
        assert answer.status_code == 422, key


async def test_options_that_are_left_out_stay(desk: Desk) -> None:
    ada = desk.student()
    chosen = {"algorithm": "sm2", "retention": 0.8, "learning_steps": [5], "new_per_day": 7, "fuzz": False}
    deck = await ada.post("/decks", name="D", options=chosen)
    changed = await ada.http.patch(f"/decks/{deck['id']}", json={"options": {"new_per_day": 9, "learning_steps": []}})
    assert changed.json()["options"] == deck["options"] | {"new_per_day": 9, "learning_steps": []}


async def test_a_search_for_what_cannot_be_stored_is_refused_in_words(desk: Desk) -> None:
    answer = await desk.student().http.get("/flashcards", params={"q": "a\x00b"})
    assert answer.status_code == 422
    assert "control character" in answer.text


async def test_pages_of_cards_hold_each_once(desk: Desk) -> None:
    ada = desk.student()
    written = [(await ada.writes(f"Question {number}"))["id"] for number in range(7)]
    page, found = await ada.get("/flashcards", limit=3), list[str]()
    while True:
        found += [card["id"] for card in page["items"]]
        if page["next_cursor"] is None:
            break
        page = await ada.get("/flashcards", limit=3, cursor=page["next_cursor"])
    assert sorted(found) == sorted(written)


async def test_many_cards_are_changed_at_once(desk: Desk) -> None:
    ada = desk.student()
    for number in range(5):
        await ada.writes(f"Question {number}", tags=["old"])
    deck = await ada.post("/decks", name="Elsewhere")
    assert (await ada.post("/flashcards/bulk", q="tag:old", action="tag", tags=["new"]))["changed"] == 5
    assert (await ada.post("/flashcards/bulk", q="tag:new", action="untag", tags=["old"]))["changed"] == 5
    assert (await ada.post("/flashcards/bulk", q="tag:new", action="move", deck_id=deck["id"]))["changed"] == 5
    assert (await ada.post("/flashcards/bulk", q="deck:Elsewhere", action="suspend"))["changed"] == 5
    cards = (await ada.get("/flashcards"))["items"]
    assert {(tuple(card["tags"]), card["deck_id"], card["suspended"]) for card in cards} == {
        (("new",), deck["id"], True)
    }
    assert (await ada.queue())["items"] == []
    assert (await ada.post("/flashcards/bulk", q="is:suspended", action="delete"))["changed"] == 5
    assert (await ada.get("/flashcards"))["items"] == []


@pytest.mark.parametrize(("action", "left"), [("move", 3), ("tag", 3), ("untag", 3), ("delete", 0)])
async def test_siblings_of_what_is_found_are_changed_along_and_counted(desk: Desk, action: str, left: int) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="Elsewhere")
    await ada.post("/flashcards", kind="cloze", question="{{c1::a}} {{c2::b}} {{c3::c}}", tags=["t"])
    first = (await ada.get("/flashcards"))["items"][0]
    assert (await ada.post("/flashcards/bulk", card_ids=[first["id"]], action="suspend"))["changed"] == 1
    more = {"tags": ["t"]} if action.endswith("tag") else {"deck_id": deck["id"]} if action == "move" else {}
    assert (await ada.post("/flashcards/bulk", q="is:suspended", action=action, **more))["changed"] == 3
    cards = (await ada.get("/flashcards"))["items"]
    assert len(cards) == left
    if action == "move":
        assert {card["deck_id"] for card in cards} == {deck["id"]}


@pytest.mark.parametrize("q", ["", "  ", '""', "\u3000", "\xa0"])
async def test_empty_search_deletes_nothing(desk: Desk, q: str) -> None:
    ada = desk.student()
    await ada.writes("Keep me")
    refused = await ada.http.post("/flashcards/bulk", json={"q": q, "action": "delete"})
    assert refused.status_code == 422
    assert "every card" in refused.json()["detail"]
    assert len((await ada.get("/flashcards"))["items"]) == 1
    assert (await ada.post("/flashcards/bulk", q=q, action="suspend"))["changed"] == 1


ANKIS = ["added:7", "prop:ivl>3", "flag:1", "front:foo", "is:", "a OR b", "(cell", "cell)", "deck:Bio*", "cel*"]


@pytest.mark.parametrize("q", [*ANKIS, *(f"-{each}" for each in ANKIS)])
async def test_what_only_anki_understands_is_refused_and_deletes_nothing(desk: Desk, q: str) -> None:
    ada = desk.student()
    await ada.writes("Keep me")
    refused = await ada.http.post("/flashcards/bulk", json={"q": q, "action": "delete"})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:studyteddy:problem:not-a-search")
    assert "quotation marks" in refused.json()["detail"]
    assert len((await ada.get("/flashcards"))["items"]) == 1


@pytest.mark.parametrize("q", ["f(x)", "https://a.b/c", '"added:7"', "10:30", "OR-gate", '"a OR b"', "either or"])
async def test_what_only_looks_like_anki_is_text(desk: Desk, q: str) -> None:
    ada = desk.student()
    card = await ada.writes("f(x) https://a.b/c added:7 10:30 OR-gate a OR b either")
    await ada.writes("another")
    assert [found["id"] for found in (await ada.get("/flashcards", q=q))["items"]] == [card["id"]]


async def test_nobody_reaches_anothers_cards(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    card = await ada.writes()
    deck = (await ada.get("/decks"))["items"][0]
    mine = await eve.writes()
    answers = [
        await eve.http.get(f"/flashcards/{card['id']}"),
        await eve.http.patch(f"/flashcards/{card['id']}", json={"answer": "x"}),
        await eve.http.delete(f"/flashcards/{card['id']}"),
        await eve.http.post(f"/flashcards/{card['id']}/review", json={"rating": "good"}),
        await eve.http.get(f"/decks/{deck['id']}"),
        await eve.http.patch(f"/decks/{deck['id']}", json={"name": "x"}),
        await eve.http.delete(f"/decks/{deck['id']}"),
        await eve.http.post("/flashcards", json={"question": "q", "answer": "a", "deck_id": deck["id"]}),
        await eve.http.patch(f"/flashcards/{mine['id']}", json={"deck_id": deck["id"]}),
        await eve.http.get("/flashcards/due", params={"deck_id": deck["id"]}),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert (await eve.http.get("/flashcards/due", params={"userId": str(ada.id)})).status_code == 403
    assert (await eve.post("/flashcards/bulk", card_ids=[card["id"]], action="delete"))["changed"] == 0
    assert (await ada.http.get(f"/flashcards/{card['id']}")).status_code == 200


async def test_an_admin_sees_what_is_due_for_a_student(desk: Desk) -> None:
    ada, admin = desk.student(), desk.student("student", "admin")
    await ada.writes()
    assert (await admin.queue(userId=str(ada.id)))["new"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"question": "", "answer": "a"},
        {"question": "q", "answer": " "},
        {"question": "q\x00", "answer": "a"},
        {"question": "q", "answer": "a" * 64_001},
        {"question": "q", "answer": "a", "tags": [f"t{n}" for n in range(101)]},
        {"question": "q", "answer": "a", "kind": "cloze"},
        {"question": "q", "answer": "a", "deck_id": "x"},
        {"question": "q", "answer": "a", "colour": "red"},
    ],
)
async def test_a_bad_card_is_refused_and_leaves_nothing(desk: Desk, body: dict[str, Any]) -> None:
    ada = desk.student()
    answer = await ada.http.post("/flashcards", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await ada.get("/flashcards"))["items"] == []


async def test_scripts_are_kept_as_they_were_written(desk: Desk) -> None:
    card = await desk.student().writes("<script>alert(1)</script>", "<img src=x onerror=alert(1)>")
    assert card["question"] == "<script>alert(1)</script>"


async def test_a_card_is_shown_as_clean_html_beside_what_was_written(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes("**x**<script>alert(1)</script> \\(y_1\\)", "<img src=x.png onerror=alert(1)>")
    (queued,) = (await ada.queue())["items"]
    for shown in (queued, await ada.get(f"/flashcards/{card['id']}")):
        assert shown["front_html"] == '<p><strong>x</strong> <span class="math">\\(y_1\\)</span></p>\n'
        path = "/api/v1/flashcards/media/x.png"
        assert shown["back_html"] == f'<img src="{path}" referrerpolicy="no-referrer">'
    await ada.http.patch(f"/flashcards/{card['id']}", json={"markup": "html", "question": "*x*"})
    assert (await ada.get(f"/flashcards/{card['id']}"))["front_html"] == "*x*"
    assert (await ada.http.patch(f"/flashcards/{card['id']}", json={"markup": "word"})).status_code == 422


async def test_a_card_of_a_deleted_document_stays_and_says_so(desk: Desk) -> None:
    ada, document = desk.student(), uuid4()
    source = {"document_id": str(document), "page": 3, "quote": "The cell is …"}
    before = await ada.writes(source=source)
    assert before["source"]["available"] is True
    async with desk.database.transaction() as session:
        await Sources(session).remove(document, owner=ada.id)
    after = await ada.get(f"/flashcards/{before['id']}")
    assert after["source"] == before["source"] | {"available": False}
    assert (await ada.writes("Another", source=source))["source"]["available"] is False


async def test_a_hundred_thousand_tags_are_refused_at_once_and_bit_by_bit(desk: Desk) -> None:
    ada = desk.student()
    body = {"question": "q", "answer": "a", "tags": [f"t{number}" for number in range(100_000)]}
    assert (await ada.http.post("/flashcards", json=body)).status_code in (413, 422)
    card = await ada.writes(tags=[f"t{number}" for number in range(99)])
    change = {"card_ids": [card["id"]], "action": "tag", "tags": ["t1", "one more"]}
    assert (await ada.http.post("/flashcards/bulk", json=change)).status_code == 200
    answer = await ada.http.post("/flashcards/bulk", json=change | {"tags": ["too many"]})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:studyteddy:problem:too-many-tags")
    assert len((await ada.get(f"/flashcards/{card['id']}"))["tags"]) == 100


async def test_buried_cards_are_back_tomorrow_or_when_dug_out(desk: Desk) -> None:
    ada = desk.student()
    first, second = await ada.writes("a"), await ada.writes("b")
    await ada.post("/flashcards/bulk", q="is:new", action="bury")
    assert (await ada.queue())["items"] == []
    await ada.post("/flashcards/bulk", card_ids=[first["id"]], action="unbury")
    assert [item["id"] for item in (await ada.queue())["items"]] == [first["id"]]
    desk.later(days=1)
    assert {item["id"] for item in (await ada.queue())["items"]} == {first["id"], second["id"]}


async def test_a_lapse_shows_the_passage_that_the_card_was_made_from(desk: Desk) -> None:
    ada, source = (
        desk.student(),
        {"document_id": str(uuid4()), "page": 3, "part": 2, "quote": "The cell is the unit of life."},
    )
    card = await ada.reviews(await ada.writes(source=source), "again")
    assert card["source"] == source | {"document_title": "", "available": True}


async def test_a_deck_for_which_nothing_is_chosen_is_scheduled_as_the_deployment_says(
    database: Database, tmp_path: Path
) -> None:
    async with Desk.open(database, tmp_path, algorithm="sm2") as desk:
        ada = desk.student()
        card = await ada.writes()
        chosen = await ada.post("/decks", name="D", options={"algorithm": "fsrs"})
        left_out = await ada.post("/decks", name="E::F", options={"fuzz": False})
        assert {deck["name"]: deck["options"]["algorithm"] for deck in (await ada.get("/decks"))["items"]} == {
            "Default": "sm2", "D": "fsrs", "E": "sm2", "E::F": "sm2",
        }  # fmt: skip
        assert (chosen["options"]["algorithm"], left_out["options"]["fuzz"]) == ("fsrs", False)
        assert (await ada.reviews(card, "easy"))["interval"] == 1
