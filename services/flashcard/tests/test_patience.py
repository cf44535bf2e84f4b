"""Whoever meets what a long import is writing is told soon to come again, whatever the import's transaction holds."""

import asyncio
from time import monotonic
from typing import Any

from flashcard.decks import Decks
from flashcard.media import MediaNames, Shelves
from flashcard.models import Draft
from sqlalchemy import select

from .desk import Desk
from .test_drafts import propose, proposed


async def test_who_meets_a_name_or_a_draft_that_is_being_written_is_told_soon_to_come_again(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    deck = await bob.post("/decks", name="Biology")
    await bob.writes(deck_id=deck["id"])
    token = (await bob.post(f"/decks/{deck['id']}/share"))["token"]
    await propose(desk, ada, proposed("One"), proposed("Two"), proposed("Three"))
    drafts = [f"/flashcards/drafts/{draft['id']}" for draft in (await ada.get("/flashcards/drafts"))["items"]]
    picture = await Shelves(desk.storage, ada.id).put(lambda: iter([b"another"]))
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/decks", {"json": {"name": "Chemistry::Salts"}}),
        ("POST", "/flashcards/media", {"files": {"file": ("cell.png", b"a cell")}}),
        ("POST", f"/decks/shared/{token}/copy", {}),
        ("PATCH", drafts[0], {"json": {"question": "Other"}}),
        ("POST", f"{drafts[1]}/reject", {}),
        ("POST", f"{drafts[2]}/restore", {}),
    ]

    async with desk.database.transaction() as session:
        for name in ("Chemistry", "Biology"):
            await Decks(session, ada.id).ensure(name, desk.now)
        await MediaNames(session, ada.id).keep({"cell.png": picture}, desk.now)
        await session.execute(select(Draft).with_for_update())
        begun = monotonic()
        answers = await asyncio.gather(*(ada.http.request(how, path, **sent) for how, path, sent in asked))
        assert monotonic() - begun < 5
    told = {(answer.status_code, answer.headers.get("retry-after"), answer.json()["type"]) for answer in answers}
    assert told == {(503, "1", "urn:studyteddy:problem:being-changed")}
    again = [await ada.http.request(how, path, **sent) for how, path, sent in asked]
    assert [answer.status_code < 300 for answer in again] == [True] * len(asked)
