"""Several devices at once: reviews beside whatever else is done to their cards, none of which waits for another crosswise."""

import asyncio
from collections.abc import Awaitable, Iterator
from random import Random
from typing import Any
from uuid import uuid4

import httpx
import pytest
from flashcard.patience import PATIENCE
from sqlalchemy import Engine, event

from .desk import Desk, Json, Student

CLOZE = {"question": "{{c1::a}} {{c2::b}} {{c3::c}}", "kind": "cloze"}
ROUNDS = 6


@pytest.fixture
def patient() -> Iterator[None]:
    """Nobody is told to come again, as on a slow machine somebody may be who waits for nobody crosswise. Those who do PostgreSQL finds
    by itself after a second, and ends the transaction of one: that is answered with 500."""

    def wait_longer(*told: Any) -> tuple[str, Any]:
        _, _, statement, parameters, *_ = told
        return statement, tuple("60s" if given == PATIENCE else given for given in parameters)

    event.listen(Engine, "before_cursor_execute", wait_longer, retval=True)
    yield
    event.remove(Engine, "before_cursor_execute", wait_longer)


class Shelf:
    """What a student's devices do to the same few notes in an order that `seed` draws."""

    def __init__(self, ada: Student, seed: int) -> None:
        self._ada, self._random = ada, Random(seed)
        self._decks: list[str] = []
        self._notes: list[list[str]] = []

    async def fill(self) -> None:
        self._decks = [await self._deck(), await self._deck()]
        self._notes = [[card["id"] for card in (await self._writes()).json()["cards"]] for _ in range(4)]

    def does(self, act: str) -> Awaitable[httpx.Response]:
        http, one = self._ada.http, self._random.choice(self._random.choice(self._notes))
        several = self._random.sample([card for note in self._notes for card in note], 8)
        match act:
            case "review":
                return http.post(f"/flashcards/{one}/review", json={"id": str(uuid4()), "rating": "good"})
            case "undo":
                return http.post("/reviews/undo")
            case "edit":
                question = f"{{{{c1::a}}}} {{{{c{self._random.randint(2, 9)}::b}}}}"
                return http.patch(f"/flashcards/{one}", json={"question": question})
            case "write":
                return self._writes()
            case "due":
                return http.get("/flashcards/due", params={"limit": 200})
            case "move":
                return self._bulk(several, act, deck_id=self._random.choice(self._decks))
            case "tag":
                return self._bulk(several, act, tags=[self._random.choice("ab")])
            case "delete deck":
                return self._replaced(self._random.randrange(2))
            case "change deck":
                options = {"algorithm": self._random.choice(["sm2", "fsrs"])}
                return http.patch(f"/decks/{self._random.choice(self._decks)}", json={"options": options})
            case _:
                return self._bulk(several[:2] if act == "delete" else several, act)

    async def _deck(self) -> str:
        name: str = (await self._ada.post("/decks", name=uuid4().hex))["id"]
        return name

    def _writes(self) -> Awaitable[httpx.Response]:
        body = CLOZE | {"answer": "", "deck_id": self._random.choice(self._decks)}
        return self._ada.http.post("/flashcards", json=body)

    def _bulk(self, cards: list[str], action: str, **more: object) -> Awaitable[httpx.Response]:
        body: Json = {"card_ids": cards, "action": action, **more}
        return self._ada.http.post("/flashcards/bulk", json=body)

    async def _replaced(self, place: int) -> httpx.Response:
        old, self._decks[place] = self._decks[place], await self._deck()
        return await self._ada.http.delete(f"/decks/{old}")


def is_being_moved(answer: httpx.Response) -> bool:
    """Whether it says to come again since the note went to another deck between two looks, for which nobody waited."""
    return answer.status_code == 503 and "to another deck this moment" in answer.text


@pytest.mark.parametrize(
    "acts",
    [
        "review, bury, review, suspend, review, unsuspend, undo, change deck",
        "review, tag, move, due, tag, delete, move, delete",
        "review, write, move, due, edit, delete deck, write, change deck",
    ],
)
@pytest.mark.usefixtures("patient")
async def test_nothing_that_is_done_at_once_waits_crosswise_or_finds_its_deck_gone(desk: Desk, acts: str) -> None:
    ada = desk.student()
    await desk.knows(ada)
    for number in range(ROUNDS):
        shelf = Shelf(ada, number)
        await shelf.fill()
        answers = await asyncio.gather(*(shelf.does(act) for act in acts.split(", ") * 2))
        assert [answer.text for answer in answers if answer.status_code >= 500 and not is_being_moved(answer)] == []
        assert (await ada.http.get("/flashcards/due", params={"limit": 200})).status_code == 200


@pytest.mark.usefixtures("patient")
async def test_decks_in_decks_are_renamed_deleted_and_taken_back_at_once(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    for number in range(ROUNDS):
        outer = f"Outer {number}"
        gone = await ada.post("/decks", name=f"{outer}::Gone")
        await ada.writes(f"Q{number}", deck_id=gone["id"])
        await ada.http.delete(f"/decks/{gone['id']}")
        (deletion, *_) = (await ada.get("/flashcards/trash"))["items"]
        names = (f"{outer}::Inner::Innermost", f"{outer}::Beside")
        beside = [await ada.post("/decks", name=name) for name in names][1]
        decks = {deck["name"]: deck["id"] for deck in (await ada.get("/decks", limit=100))["items"]}
        answers = await asyncio.gather(
            ada.http.patch(f"/decks/{decks[f'{outer}::Inner']}", json={"name": f"{outer}::Other"}),
            ada.http.delete(f"/decks/{decks[outer]}"),
            ada.http.patch(f"/decks/{beside['id']}", json={"name": f"{outer}::Inner::Beside"}),
            ada.http.post(f"/flashcards/trash/{deletion['id']}/restore"),
            ada.http.delete(f"/decks/{decks[f'{outer}::Inner']}"),
        )
        assert [answer.text for answer in answers if answer.status_code >= 500] == []
        left = {deck["name"] for deck in (await ada.get("/decks", limit=100))["items"]}
        assert {name.rpartition("::")[0] for name in left} <= left | {""}
