"""Random packages from Anki, and whatever a student does with their cards: the schedule is what the log comes to by the deck's options of
now, at each moment, and with nothing done here that by which the cards came."""

import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from flashcard.models import Card
from flashcard.replaying import due_by
from flashcard.scheduling import DeckOptions
from sqlalchemy import select

from .desk import Desk, Json, Student
from .hostile import MODEL, collection, package
from .test_anki_packages import bring_in
from .test_recalls import graded, hears
from .test_replays import change, expected, finish, scheduled

CARDS, ACTS, DAY = 16, 25, 86_400_000


def learnt_elsewhere(folder: Path, random: Random, now: datetime) -> bytes:
    """Cards of all kinds in a deck `D`, with logs and numbers that Anki has, and some that it would not."""
    moment, fsrs = int(now.timestamp() * 1000), random.random() < 0.5
    statements = [f"UPDATE col SET models = '{json.dumps(MODEL)}', decks = '{json.dumps({'1': {'name': 'D'}})}'"]
    for card in range(1, CARDS + 1):
        kind = random.choice([0, 1, 2, 2, 2, 3])
        due = random.choice([random.randint(-100, 2000), moment // 1000 + random.randint(-(10**6), 10**6)])
        numbers = [
            random.choice([kind, kind, -1, -2]),
            due if kind in (1, 3) else random.randint(-1000, 3000),
            random.choice([0, 1, -600, random.randint(1, 400), 99999]),
            random.choice([0, 2500, random.randint(1300, 4000)]),
            random.choice([0, random.randint(1, 40), 10**9]),
            random.choice([0, 3, 8, 10**9]),
        ]
        memory = {"s": random.uniform(0.01, 400), "d": random.uniform(1, 10)} if fsrs and random.random() < 0.8 else {}
        places = f"{', '.join(map(str, numbers))}, 0, 0, 0, 0, '{json.dumps(memory)}'"
        statements += [
            f"INSERT INTO notes VALUES ({card}, 'g{card}', 1, 0, 0, '', 'Q{card}' || char(31) || 'A', 'Q', 0, 0, '')",
            f"INSERT INTO cards VALUES ({card}, {card}, 1, 0, 0, 0, {kind}, {places})",
        ]
        at = moment - random.randint(1, 400) * DAY
        for _ in range(random.choice([0, 1, 2, 5, 12])):
            at += random.choice([60_000, 600_000, DAY, 10 * DAY, random.randint(1, 60 * DAY)])
            said = f"{random.choice([0, 1, 2, 3, 3, 4, 9])}, 5, {random.randint(-600, 400)}, {random.choice([0, 2500])}"
            kind_of_review = random.choice([0, 0, 1, 1, 1, 2, 3, 4, 5])
            statements.append(f"INSERT OR IGNORE INTO revlog VALUES ({at}, {card}, 0, {said}, 1000, {kind_of_review})")
    return package(collection__anki2=collection(folder, *statements))


def some_options(random: Random) -> Json:
    choices: dict[str, list[Any]] = {
        "algorithm": ["sm2", "fsrs"],
        "retention": [0.8, 0.9, 0.95],
        "longest_interval": [30, 365, 36500],
        "fuzz": [True, False],
        "learning_steps": [[], [1], [1, 10]],
        "relearning_steps": [[], [10], [10, 20]],
        "leech_lapses": [0, 1, 2, 8],
    }
    return {name: random.choice(values) for name, values in choices.items() if random.random() < 0.4}


async def expect_what_the_logs_say(desk: Desk, ada: Student, deck: UUID) -> None:
    have, want = await scheduled(desk, deck), await expected(desk, ada, deck)
    async with desk.database.transaction() as session:
        for card in (await session.execute(select(Card).where(Card.deck_id == deck))).scalars():  # type: ignore[arg-type]  # a column
            due = due_by(card, want[card.id].due_day)
            assert have[card.id] == want[card.id].model_copy(update={"due_day": due}), card.base


class Studying:
    """What a student does with these cards in two decks, in an order that a seed draws."""

    def __init__(self, desk: Desk, ada: Student, random: Random, decks: list[UUID], cards: list[Json]) -> None:
        self._desk, self._ada, self._random = desk, ada, random
        self.decks, self.cards, self._begun, self._reviews = decks, cards, desk.now, 0

    async def act(self) -> None:
        random, ada = self._random, self._ada
        self._desk.later(hours=random.randint(1, 60))
        card, deck = random.choice(self.cards), random.choice(self.decks)
        match random.choice(["review"] * 4 + ["options"] * 3 + ["move", "undo", "delete", "miss"]):
            case "review":
                at = self._begun + (self._desk.now - self._begun) * random.random()
                await ada.reviews(card, random.choice(["again", "hard", "good", "easy"]), reviewed_at=at.isoformat())
                self._reviews += 1
            case "options":
                await change(ada, deck, **some_options(random))
                await finish(self._desk)
            case "move":
                await self.move(card, deck)
            case "delete":
                assert (await ada.http.delete(f"/flashcards/{card['id']}")).status_code == 204
                self._desk.later(seconds=1)
                await change(ada, deck, **some_options(random))
                await finish(self._desk)
                (deletion,) = (await ada.get("/flashcards/trash"))["items"]
                await ada.post(f"/flashcards/trash/{deletion['id']}/restore")
            case "miss":
                await hears(self._desk, graded(ada, question=card["question"], concept=card["question"]))
            case _ if self._reviews:
                await ada.post("/reviews/undo")
                self._reviews -= 1

    async def move(self, card: Json, deck: UUID) -> None:
        moved = await self._ada.http.patch(f"/flashcards/{card['id']}", json={"deck_id": str(deck)})
        assert moved.status_code == 200

    async def take_all_back(self, options: Json) -> None:
        for _ in range(self._reviews):
            await self._ada.post("/reviews/undo")
        for card in self.cards:
            await self.move(card, self.decks[0])
        await change(self._ada, self.decks[0], **DeckOptions().model_dump(mode="json") | options)
        await finish(self._desk)


@pytest.mark.parametrize("seed", range(3))
async def test_the_schedule_is_what_the_logs_say_at_each_moment_and_all_can_be_taken_back(
    desk: Desk, tmp_path: Path, seed: int
) -> None:
    random, desk.now = Random(seed), datetime.now(UTC)
    ada = desk.student()
    await desk.knows(ada)
    options = some_options(random)
    decks = [UUID((await ada.post("/decks", name="D", options=options))["id"])]
    await bring_in(desk, ada, "d.apkg", learnt_elsewhere(tmp_path, random, desk.now))
    came = await scheduled(desk, decks[0])
    cards = (await ada.get("/flashcards", limit=100))["items"]
    assert len(cards) == CARDS
    decks.append(UUID((await ada.post("/decks", name="Other", options=some_options(random)))["id"]))
    studying = Studying(desk, ada, random, decks, cards)
    for _ in range(ACTS):
        await studying.act()
        for deck in decks:
            await expect_what_the_logs_say(desk, ada, deck)
    await studying.take_all_back(options)
    await expect_what_the_logs_say(desk, ada, decks[0])
    assert await expected(desk, ada, decks[0]) == came
