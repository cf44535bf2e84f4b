"""What the list of decks counts is what the queue of each deck counts, whatever happened to its cards."""

import random

import pytest
from sqlalchemy import Engine, event

from .desk import Desk, Json, Student

NAMES = ("Medicine", "Medicine::Heart", "Medicine::Heart::Valves", "Medicine::Lung", "Medicine 2", "Law")
COUNTS = ("learning", "due", "new")


async def listed(ada: Student, limit: int = 100) -> list[Json]:
    """Every deck, page by page."""
    decks, cursor = list[Json](), Json()
    while True:
        page = await ada.get("/decks", limit=limit, **cursor)
        decks += page["items"]
        if page["next_cursor"] is None:
            return decks
        cursor = {"cursor": page["next_cursor"]}


async def test_a_deck_tells_what_is_to_be_done_in_it_and_how_many_cards_lie_there(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    outer = await ada.post("/decks", name="Medicine", options={"new_per_day": 3, "reviews_per_day": 1})
    inner = [await ada.post("/decks", name=f"Medicine::{name}", options={"new_per_day": 2}) for name in "AB"]
    cards = [await ada.writes(f"Question {n}", deck_id=deck["id"]) for n in range(4) for deck in (*inner, outer)]
    await eve.writes()
    await ada.reviews(cards[0], "easy")
    await ada.reviews(cards[1], "again")
    desk.later(minutes=1)

    async def told() -> dict[str, tuple[int, ...]]:
        return {deck["name"]: tuple(deck[name] for name in (*COUNTS, "cards")) for deck in await listed(ada)}

    assert await told() == {"Medicine": (1, 0, 1, 12), "Medicine::A": (0, 0, 1, 4), "Medicine::B": (1, 0, 1, 4)}
    desk.later(days=60)
    assert await told() == {"Medicine": (1, 1, 3, 12), "Medicine::A": (0, 1, 2, 4), "Medicine::B": (1, 0, 2, 4)}
    one = await ada.get(f"/decks/{inner[0]['id']}")
    assert one == next(deck for deck in await listed(ada) if deck["id"] == inner[0]["id"])


async def test_a_deck_is_within_another_by_its_whole_name(desk: Desk) -> None:
    ada = desk.student()
    for name in ("a", "a:", "a:::b", "a b::c", "A::b", "a%::x", "a_::x"):
        deck = await ada.post("/decks", name=name)
        await ada.writes(name, deck_id=deck["id"])
    await expect_agreement(ada)


async def test_what_was_done_beyond_a_decks_limit_takes_nothing_from_another(desk: Desk) -> None:
    ada = desk.student()
    await ada.post("/decks", name="D")
    none, some = [await ada.post("/decks", name=f"D::{most}", options={"new_per_day": most}) for most in (0, 9)]
    await ada.reviews(await ada.writes("Known", deck_id=none["id"]), "easy")
    await ada.writes("Another", deck_id=some["id"])
    assert [deck["new"] for deck in await listed(ada)] == [1, 0, 1]
    await expect_agreement(ada)


async def test_the_list_takes_as_many_statements_whatever_it_holds(desk: Desk) -> None:
    ada = desk.student()

    async def statements() -> int:
        said = list[str]()

        def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            said.append(statement)

        event.listen(Engine, "before_cursor_execute", hear)
        try:
            await ada.get("/decks", limit=100)
        finally:
            event.remove(Engine, "before_cursor_execute", hear)
        return len(said)

    few = await statements()
    for number in range(30):
        await ada.post("/decks", name=f"D::{number}")
    assert await statements() == few == 3


async def expect_agreement(ada: Student) -> None:
    decks, cards = await listed(ada, limit=4), (await ada.get("/flashcards", limit=100))["items"]
    assert len(cards) < 100, "there are more, and none of them is counted here"
    names = {deck["id"]: deck["name"] for deck in decks}
    for deck in decks:
        queue = await ada.queue(deck_id=deck["id"])
        assert {name: deck[name] for name in COUNTS} == {name: queue[name] for name in COUNTS}, deck["name"]
        inside = [names[card["deck_id"]] for card in cards]
        assert deck["cards"] == sum(name == deck["name"] or name.startswith(f"{deck['name']}::") for name in inside)


class Shelf:
    """Decks with limits of all kinds, and what a student does to cards in them in an order that `chance` draws."""

    def __init__(self, desk: Desk, ada: Student, chance: random.Random) -> None:
        self._desk, self._ada, self._chance = desk, ada, chance
        self._decks, self._cards = list[str](), list[str]()

    async def fill(self) -> None:
        for name in sorted(NAMES, reverse=self._chance.random() < 0.5):
            await self._ada.http.post("/decks", json={"name": name})
        for deck in await listed(self._ada):
            draw = self._chance.choice
            limits = {"new_per_day": draw([0, 2, 20]), "reviews_per_day": draw([0, 1, 200])}
            habits = {"learning_steps": draw([[1, 10], [720], []]), "bury_siblings": draw([True, True, False])}
            await self._ada.http.patch(f"/decks/{deck['id']}", json={"options": limits | habits})
            self._decks.append(deck["id"])
            await self.write()

    async def write(self) -> None:
        question = self._chance.choice(["{{c1::a}} {{c2::b}} {{c3::c}}", "{{c1::a}} {{c2::b}}", "{{c1::a}}"])
        deck = self._chance.choice(self._decks)
        made = await self._ada.post("/flashcards", kind="cloze", question=question, deck_id=deck)
        self._cards += [card["id"] for card in made["cards"]]

    async def review(self) -> None:
        rating = self._chance.choice(["again", "hard", "good", "easy"])
        await self._ada.post(f"/flashcards/{self._chance.choice(self._cards)}/review", rating=rating)

    async def change(self) -> None:
        action = self._chance.choice(["bury", "unbury", "suspend", "unsuspend", "move", "delete"])
        more = {"deck_id": self._chance.choice(self._decks)} if action == "move" else {}
        chosen = self._chance.sample(self._cards, 2)
        await self._ada.post("/flashcards/bulk", card_ids=chosen, action=action, **more)
        if action == "delete":
            self._cards = [card["id"] for card in (await self._ada.get("/flashcards", limit=100))["items"]]
            await self.write()
            await self.write()

    async def undo(self) -> None:
        await self._ada.http.post("/reviews/undo")

    async def wait(self) -> None:
        self._desk.later(minutes=self._chance.choice([1, 8, 700, 1440, 4000]))


@pytest.mark.parametrize("seed", range(4))
async def test_the_list_and_each_queue_agree_whatever_happens(desk: Desk, seed: int) -> None:
    chance, ada = random.Random(seed), desk.student()
    desk.now = desk.now.replace(hour=20)
    await desk.knows(ada)
    shelf = Shelf(desk, ada, chance)
    await shelf.fill()
    acts = [shelf.write, *[shelf.review] * 4, shelf.change, shelf.undo, shelf.wait]
    for _ in range(8):
        for act in chance.choices(acts, k=4):
            await act()
        await expect_agreement(ada)
