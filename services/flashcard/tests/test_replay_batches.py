"""How much is replayed at once: what others wait for is bounded by reviews as well as by cards, and a process that replays still answers."""

import asyncio
import json
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from flashcard import replaying
from flashcard.decks import Decks
from flashcard.memory import Memory, Phase
from flashcard.models import Card
from flashcard.ratings import Rating
from flashcard.reviewing import Reviews
from flashcard.scheduling import replayed
from sqlalchemy import select, text

from .desk import Desk
from .test_anki_packages import bring_in
from .test_replays import SM2, behind, change, finish, large_deck, progress


async def test_of_cards_with_long_logs_fewer_are_replayed_at_once(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada, 40, ratings=[Rating.GOOD] * 30)
    assert (await change(ada, deck, **SM2))["rescheduling"] == {"cards": 40, "done": 16}
    assert await desk.replays.once()
    assert await progress(ada, deck) == {"cards": 40, "done": 32}
    await finish(desk)
    assert await behind(desk, ada, deck) == []


async def test_a_log_that_is_longer_than_what_is_replayed_at_once_is_replayed_alone(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada, 2, ratings=[Rating.GOOD] * 501)
    assert (await change(ada, deck, **SM2))["rescheduling"] == {"cards": 2, "done": 1}
    await finish(desk)
    assert await behind(desk, ada, deck) == []


async def test_reviews_that_were_imported_are_not_replayed_and_make_no_deck_a_large_one(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada, 60, ratings=[Rating.GOOD])
    known = Memory(phase=Phase.REVIEW, reviews=100, interval=9).model_dump(mode="json", exclude_defaults=True)
    async with desk.database.transaction() as session:
        await session.execute(text("UPDATE card SET base = :known, reviews = 101"), {"known": json.dumps(known)})
    assert (await change(ada, deck, **SM2))["rescheduling"] is None
    assert await behind(desk, ada, deck) == []


async def test_of_a_deck_that_nobody_has_reviewed_nothing_is_told(desk: Desk) -> None:
    ada = desk.student()
    rows = "".join(f"Question {number},A,D\n" for number in range(1001))
    await bring_in(desk, ada, "deck.csv", f"question,answer,deck\n{rows}".encode())
    (deck,) = (await ada.get("/decks"))["items"]
    assert (await change(ada, UUID(deck["id"]), **SM2))["rescheduling"] is None
    assert await desk.replays.once(), "a first review may be under way"
    assert not await desk.replays.once()


async def test_others_have_their_turn_while_cards_are_replayed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada, 30, ratings=[Rating.GOOD] * 20)
    turns, seen = 0, list[int]()

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def counted(*arguments: Any) -> list[Memory]:
        seen.append(turns)
        return replayed(*arguments)

    monkeypatch.setattr(replaying, "replayed", counted)
    others = asyncio.create_task(take_turns())
    async with desk.database.transaction() as session:
        options = await Decks(session, ada.id).options()
        cards = (await session.execute(select(Card).where(Card.deck_id == deck))).scalars().all()  # type: ignore[arg-type]  # a column
        await Reviews(session, ada.id).memories(cards, options)
        await Reviews(session, ada.id).reschedule(cards, options[deck])
    others.cancel()
    assert len(seen) == 60
    assert max(Counter(seen).values()) == 3, "cards of 20 reviews, of which 50 are a turn"
