"""A link to a deck, and a copy of it."""

import asyncio
import re

import pytest
from flashcard.erasure import Erasure

from .desk import Desk
from .test_anki_packages import bring_in


async def test_a_copy_has_the_cards_and_nothing_of_the_owners_history(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    deck = await ada.post("/decks", name="Biology", options={"new_per_day": 7})
    inner = await ada.post("/decks", name="Biology::Cells")
    source = {"document_id": "018f3b2e-0000-7000-8000-000000000003", "page": 3, "quote": "…"}
    card = await ada.writes(deck_id=deck["id"], tags=["exam", "leech"], source=source)
    await ada.post("/flashcards", kind="cloze", question="{{c1::a}} {{c2::b}}", deck_id=inner["id"])
    await ada.reviews(card, "easy")
    link = await ada.post(f"/decks/{deck['id']}/share")

    seen = await bob.get(f"/decks/shared/{link['token']}")
    assert seen == {"name": "Biology", "cards": 3, "samples": ["What is a cell?", "{{c1::a}} {{c2::b}}"]}
    copied = await bob.post(f"/decks/shared/{link['token']}/copy")

    assert (copied["name"], copied["options"]["new_per_day"]) == ("Biology", 7)
    assert [deck["name"] for deck in (await bob.get("/decks"))["items"]] == ["Biology", "Biology::Cells"]
    cards = (await bob.get("/flashcards"))["items"]
    assert len(cards) == 3
    assert {(card["phase"], card["reviews"], card["source"], "leech" in card["tags"]) for card in cards} == {
        ("new", 0, None, False)
    }
    assert (await ada.get(f"/flashcards/{card['id']}"))["reviews"] == 1


async def test_a_copy_shows_the_decks_own_pictures(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    for student, name, content in ((ada, "x.png", b"adas"), (ada, "y.png", b"too"), (bob, "x.png", b"bobs")):
        await student.http.post("/flashcards/media", files={"file": (name, content)})
    await ada.writes('<img src="x.png">', "![](y.png) and nothing: <img src=gone%00.png>")
    await ada.writes("Not in a deck that is shared", "x")
    (deck,) = (await ada.get("/decks"))["items"]
    token = (await ada.post(f"/decks/{deck['id']}/share"))["token"]
    await bob.post(f"/decks/shared/{token}/copy")
    copied = (await bob.get("/flashcards", q="img"))["items"][0]
    shown = await bob.get(f"/flashcards/{copied['id']}")
    pictures = [re.findall(r'src="/api/v1([^"]+)"', shown[side])[0] for side in ("front_html", "back_html")]
    assert [(await bob.http.get(picture)).content for picture in pictures] == [b"adas", b"too"]
    assert (await bob.http.get("/flashcards/media/x.png")).content == b"bobs"
    async with desk.database.transaction() as session:
        await Erasure(session, desk.storage).erase(ada.id)
    assert [(await bob.http.get(picture)).content for picture in pictures] == [b"adas", b"too"]


async def test_a_deck_is_copied_without_the_picture_that_the_storage_has_lost(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    for name in ("gone.png", "here.png"):
        await ada.http.post("/flashcards/media", files={"file": (name, name.encode())})
    await ada.writes('<img src="gone.png">', "![](here.png)")
    lost = [path for path in desk.folder.rglob("*") if path.is_file() and path.read_bytes() == b"gone.png"]
    assert len(lost) == 1
    lost[0].unlink()
    (deck,) = (await ada.get("/decks"))["items"]
    token = (await ada.post(f"/decks/{deck['id']}/share"))["token"]
    await bob.post(f"/decks/shared/{token}/copy")
    answers = [await bob.http.get(f"/flashcards/media/{name}") for name in ("gone.png", "here.png")]
    assert [answer.status_code for answer in answers] == [404, 200]


async def test_copying_twice_makes_two_decks(desk: Desk) -> None:
    ada = desk.student()
    await ada.writes()
    (deck,) = (await ada.get("/decks"))["items"]
    token = (await ada.post(f"/decks/{deck['id']}/share"))["token"]
    for _ in range(2):
        await ada.post(f"/decks/shared/{token}/copy")
    assert [deck["name"] for deck in (await ada.get("/decks"))["items"]] == ["Default", "Default (2)", "Default (3)"]


async def test_a_copy_that_is_asked_for_again_with_its_key_is_made_once(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    await ada.writes()
    (deck,) = (await ada.get("/decks"))["items"]
    token = (await ada.post(f"/decks/{deck['id']}/share"))["token"]
    path, key = f"/decks/shared/{token}/copy", {"Idempotency-Key": "one"}
    answers = await asyncio.gather(*(bob.http.post(path, headers=key) for _ in range(3)))
    assert {(answer.status_code, answer.json()["id"]) for answer in answers} == {(201, answers[0].json()["id"])}
    assert [deck["name"] for deck in (await bob.get("/decks"))["items"]] == ["Default"]


async def test_the_link_stays_the_same_is_told_once_and_ends_when_revoked(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    deck = await ada.post("/decks", name="D")
    links = await asyncio.gather(*(ada.post(f"/decks/{deck['id']}/share") for _ in range(4)))
    token = links[0]["token"]
    assert {link["token"] for link in links} == {token}
    assert [told["name"] for told in await desk.told("deck.shared")] == ["D"]
    assert (await ada.http.delete(f"/decks/{deck['id']}/share")).status_code == 204
    assert (await bob.http.get(f"/decks/shared/{token}")).status_code == 404
    assert (await bob.http.post(f"/decks/shared/{token}/copy")).status_code == 404


async def test_only_the_owner_shares_and_revokes(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    deck = await ada.post("/decks", name="D")
    assert (await eve.http.post(f"/decks/{deck['id']}/share")).status_code == 404
    assert (await eve.http.delete(f"/decks/{deck['id']}/share")).status_code == 404
    assert (await eve.http.get("/decks/shared/guessed")).status_code == 404


async def test_a_large_deck_is_copied_whole_and_in_its_order(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    table = "question,answer,deck\n" + "".join(f"Question {number},A,D\n" for number in range(2500))
    await bring_in(desk, ada, "deck.csv", table.encode())
    (deck,) = (await ada.get("/decks"))["items"]
    link = await ada.post(f"/decks/{deck['id']}/share")
    await bob.post(f"/decks/shared/{link['token']}/copy")
    assert (await bob.get("/flashcards/statistics"))["maturity"]["new"] == 2500
    queue = await bob.queue(limit=20)
    assert [item["question"] for item in queue["items"]] == [f"Question {number}" for number in range(20)]
    assert (await ada.get("/flashcards/statistics"))["maturity"]["new"] == 2500


async def test_a_copy_for_which_there_is_no_room_stores_no_pictures(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = desk.student(), desk.student()
    await ada.http.post("/flashcards/media", files={"file": ("x.png", b"x")})
    deck = await ada.post("/decks", name="Biology")
    await ada.post("/decks", name="Biology::Cells")
    await ada.writes('<img src="x.png">', deck_id=deck["id"])
    link = await ada.post(f"/decks/{deck['id']}/share")
    await bob.post("/decks", name="D")
    monkeypatch.setattr("flashcard.decks._MOST_DECKS", 2)
    refused = await bob.http.post(f"/decks/shared/{link['token']}/copy")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:studyteddy:problem:too-many-decks")
    assert [
        path for path in (desk.folder / "flashcard").rglob("*") if path.is_file() and str(bob.id) in path.parts
    ] == []
    monkeypatch.setattr("flashcard.decks._MOST_DECKS", 3)
    assert (await bob.http.post(f"/decks/shared/{link['token']}/copy")).status_code == 201
