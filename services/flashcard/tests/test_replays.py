"""A large deck gets other options: its cards are rescheduled after the answer, whatever happens meanwhile."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import pytest
from flashcard.app import compose
from flashcard.decks import Decks
from flashcard.memory import Memory
from flashcard.models import Card, LoggedReview, Note, NoteKind
from flashcard.ratings import Rating
from flashcard.replaying import memory_of
from flashcard.reviewing import Given, Reviews
from flashcard.scheduling import DeckOptions
from flashcard.settings import Settings
from prometheus_client import REGISTRY
from sqlalchemy import select, text

from .desk import Desk, Json, Student
from .test_imports import wanted

FSRS: Json = {"algorithm": "fsrs", "fuzz": False}
SM2: Json = {"algorithm": "sm2", "fuzz": False}
LARGE = 250
RATINGS = (Rating.GOOD, Rating.AGAIN, Rating.EASY)


async def large_deck(
    desk: Desk, ada: Student, cards: int = LARGE, name: str = "D", ratings: Sequence[Rating] = (), **options: Any
) -> UUID:
    """A deck of so many cards, each with a log of its own, or with these ratings."""
    deck_id = UUID((await ada.post("/decks", name=name, options=options or FSRS))["id"])
    begun = desk.now - timedelta(days=90)
    common: Json = {"user_id": ada.id, "created_at": begun}
    made = []
    async with desk.database.transaction() as session:
        for number in range(cards):
            note = Note(
                guid=uuid4().hex,
                kind=NoteKind.BASIC,
                question=f"{number}",
                answer="A",
                tags=[],
                fingerprint="",
                updated_at=begun,
                **common,
            )
            made.append(Card(note_id=note.id, deck_id=deck_id, ordinal=0, reviews=1, **common))
            session.add(note)
        await session.flush()
        session.add_all(made)
        for number, card in enumerate(made):
            for place, rating in enumerate(ratings or (*RATINGS[number % 3 :], Rating.GOOD)):
                at = begun + timedelta(days=10 * place + 1)
                moments: Json = {"reviewed_at": at, "received_at": at, "day": at.date()}
                said: Json = {"rating": rating, "quality": rating.quality}
                session.add(
                    LoggedReview(id=uuid4(), user_id=ada.id, card_id=card.id, deck_id=deck_id, **moments, **said)
                )
        await session.flush()
        await Reviews(session, ada.id).reschedule(made, DeckOptions.model_validate(options or FSRS))
    return deck_id


async def change(ada: Student, deck: UUID, **options: Any) -> Json:
    answer = await ada.http.patch(f"/decks/{deck}", json={"options": options})
    assert answer.status_code == 200, answer.text
    changed: Json = answer.json()
    return changed


async def progress(ada: Student, deck: UUID) -> Json | None:
    told: Json | None = (await ada.get(f"/decks/{deck}"))["rescheduling"]
    return told


async def finish(desk: Desk) -> None:
    while await desk.replays.once():
        pass


async def scheduled(desk: Desk, deck: UUID) -> Mapping[UUID, Memory]:
    async with desk.database.transaction() as session:
        cards = (await session.execute(select(Card).where(Card.deck_id == deck))).scalars().all()  # type: ignore[arg-type]  # a column
        return {card.id: memory_of(card) for card in cards}


async def expected(desk: Desk, ada: Student, deck: UUID) -> Mapping[UUID, Memory]:
    """What the logs of the deck's cards come to with its present options."""
    async with desk.database.transaction() as session:
        cards = (await session.execute(select(Card).where(Card.deck_id == deck))).scalars().all()  # type: ignore[arg-type]  # a column
        return await Reviews(session, ada.id).memories(cards, await Decks(session, ada.id).options())


async def behind(desk: Desk, ada: Student, deck: UUID) -> Sequence[UUID]:
    """The cards that are not scheduled as the deck says."""
    have, want = await scheduled(desk, deck), await expected(desk, ada, deck)
    return [card for card, memory in want.items() if have[card] != memory]


async def test_a_large_deck_answers_at_once_and_tells_how_far_it_is(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    deck, other = await large_deck(desk, ada), await large_deck(desk, eve, 3)
    before = await scheduled(desk, other)
    assert (await change(ada, deck, **SM2))["rescheduling"] == {"cards": LARGE, "done": 100}
    assert len(await behind(desk, ada, deck)) == LARGE - 100
    told = []
    while (rescheduling := await progress(ada, deck)) is not None:
        told.append(rescheduling["done"])
        assert await desk.replays.once()
    assert told == [100, 200]
    assert not await desk.replays.once()
    assert await behind(desk, ada, deck) == []
    assert await scheduled(desk, other) == before, "another's deck was replayed"


async def test_a_small_deck_is_rescheduled_with_the_answer(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada, 100)
    for number in range(20):
        await ada.writes(f"new {number}", deck_id=str(deck))
    assert (await change(ada, deck, **SM2))["rescheduling"] is None
    assert await behind(desk, ada, deck) == []


async def test_reviews_moves_and_undo_meanwhile_end_as_the_log_and_the_new_options_say(desk: Desk) -> None:
    ada = desk.student()
    deck, there = await large_deck(desk, ada), await large_deck(desk, ada, 1, "SM-2", **SM2)
    new = await ada.writes("new", deck_id=str(deck))
    await change(ada, deck, **SM2)
    waiting = await behind(desk, ada, deck)
    for card in (waiting[0], waiting[-1], UUID(new["id"])):
        await ada.reviews({"id": str(card)}, "hard")
    late = (desk.now - timedelta(days=75)).isoformat()
    await ada.reviews({"id": str(waiting[1])}, "again", reviewed_at=late)
    await ada.reviews({"id": str(waiting[2])}, "again")
    await ada.post("/reviews/undo")
    reviewed = [*waiting[:3], waiting[-1], UUID(new["id"])]
    assert set(reviewed).isdisjoint(await behind(desk, ada, deck))
    assert set(waiting[3:-1]) == set(await behind(desk, ada, deck))
    # Its options are those of the other deck by now; its schedule is not yet.
    moved = await ada.http.patch(f"/flashcards/{waiting[3]}", json={"deck_id": str(there)})
    assert moved.status_code == 200
    assert await behind(desk, ada, there) == []
    await finish(desk)
    assert await behind(desk, ada, deck) == []
    assert await progress(ada, deck) is None


async def test_a_first_review_that_is_being_written_by_the_options_of_before_is_replayed(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada, 2)
    new = await ada.writes("new", deck_id=str(deck))
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with desk.database.transaction() as session:
        given = Given(uuid4(), Rating.GOOD, Rating.GOOD.quality, desk.now)
        await Reviews(session, ada.id).add(UUID(new["id"]), given, desk.now)
        changing = asyncio.create_task(change(ada, deck, **SM2))
        async with desk.database.statements() as watch:
            while not (await watch.execute(waiting)).scalar_one():
                assert not changing.done(), "it did not wait for the review"
                await asyncio.sleep(0.01)
    await changing
    assert await behind(desk, ada, deck) == []


async def test_options_that_are_changed_again_meanwhile_win(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada)
    at_first = await scheduled(desk, deck)
    await change(ada, deck, **SM2)
    assert await desk.replays.once()
    assert (await change(ada, deck, new_per_day=7))["rescheduling"] == {"cards": LARGE, "done": 200}
    assert (await change(ada, deck, **FSRS))["rescheduling"] == {"cards": LARGE, "done": 100}
    await finish(desk)
    assert await behind(desk, ada, deck) == []
    assert await scheduled(desk, deck) == at_first


WORKING = """
import asyncio, sys
from datetime import datetime

from chassis.database import Database
from flashcard.replay_work import ReplayWork
import flashcard.replay_work as work

async def replay_and_hang(session, deck, now):
    await replay_next(session, deck, now)
    print("replayed", flush=True)
    await asyncio.Event().wait()

replay_next, work.replay_next = work.replay_next, replay_and_hang
asyncio.run(ReplayWork(Database(sys.argv[1], schema="flashcard"), lambda: datetime.fromisoformat(sys.argv[2])).once())
"""


async def test_a_worker_that_is_killed_leaves_the_replay_to_another(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    deck, other = await large_deck(desk, ada), await large_deck(desk, eve)
    await change(ada, deck, **SM2)
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKING, desk.database.url, desk.now.isoformat(), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert killed.stdout is not None
        assert await killed.stdout.readline() == b"replayed\n"
        assert not await desk.replays.once(), "it took the deck of the other"
        await change(eve, other, **SM2)
        await finish(desk)
        assert await progress(eve, other) is None
        assert await progress(ada, deck) == {"cards": LARGE, "done": 100}
    finally:
        killed.kill()
        await killed.wait()
    async with asyncio.timeout(20):
        while await progress(ada, deck) is not None:  # the database has yet to see that it is gone
            await desk.replays.once()
            await asyncio.sleep(0.02)
    assert await behind(desk, ada, deck) == []


async def test_the_role_worker_does_imports_and_replays(desk: Desk) -> None:
    ada = desk.student()
    deck, import_id = await large_deck(desk, ada, 120), await wanted(ada)
    await change(ada, deck, **SM2)
    settings = Settings(
        environment="test", database_url=desk.database.url, auth_url="http://localhost:1", data_dir=desk.folder
    )
    stop = asyncio.Event()
    async with compose(settings, lambda: desk.now) as process, asyncio.timeout(60):
        worker = asyncio.create_task(process.roles["worker"](stop))
        while await progress(ada, deck) or (await ada.get(f"/decks/imports/{import_id}"))["status"] != "done":
            assert not worker.done()
            await asyncio.sleep(0.05)
        stop.set()
        await worker
    assert await behind(desk, ada, deck) == []


async def test_two_workers_replay_one_deck_once(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada)
    reviews = {card: row.reviews for card, row in (await scheduled(desk, deck)).items()}
    await change(ada, deck, **SM2)
    while await progress(ada, deck) is not None:
        await asyncio.gather(*(desk.replays.once() for _ in range(3)))
    assert await behind(desk, ada, deck) == []
    assert {card: row.reviews for card, row in (await scheduled(desk, deck)).items()} == reviews


async def test_buttons_of_cards_that_wait_say_what_a_press_gives(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada, 120, **SM2)
    await change(ada, deck, **FSRS)
    waiting = {str(card) for card in await behind(desk, ada, deck)}
    shown = [item for item in (await ada.queue(limit=200))["items"] if item["id"] in waiting]
    assert shown
    for place, item in enumerate(shown):
        rating = list(Rating)[place % 4]
        said = item["choices"][rating.label]
        after = await ada.reviews(item, rating.label)
        assert (after["due_at"], after["due_day"] if said["due_day"] else None) == (said["due_at"], said["due_day"])


async def test_the_end_of_a_replay_tells_that_nothing_is_left_of_the_day(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada, 120, ratings=[Rating.EASY] * 4, **FSRS | {"longest_interval": 1})
    await desk.knows(ada)
    assert len(await desk.told("reviews.due")) == 1
    await change(ada, deck, longest_interval=36500)
    assert await desk.told("reviews.cleared") == []
    await finish(desk)
    assert len(await desk.told("reviews.cleared")) == 1


def put_off() -> float:
    return REGISTRY.get_sample_value("flashcard_replays_put_off_total") or 0.0


async def test_a_deck_whose_cards_are_held_elsewhere_is_tried_again_and_holds_up_no_other(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    deck, other = await large_deck(desk, ada), await large_deck(desk, eve)
    await change(ada, deck, **SM2)
    desk.later(seconds=1)
    await change(eve, other, **SM2)
    async with desk.database.transaction() as session:
        notes = select(Note).where(Note.user_id == ada.id).with_for_update()  # type: ignore[arg-type]  # a column
        await session.execute(notes)
        before = put_off()
        with pytest.raises(Exception, match="lock timeout"):
            await desk.replays.once()
        assert put_off() == before + 1
        await finish(desk)
        assert await progress(eve, other) is None
    assert await progress(ada, deck) == {"cards": LARGE, "done": 100}
    desk.later(seconds=30)
    await finish(desk)
    assert await behind(desk, ada, deck) == []


async def test_a_deck_may_be_deleted_while_it_is_replayed(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada)
    await change(ada, deck, **SM2)
    work = asyncio.create_task(desk.replays.once())
    assert (await ada.http.delete(f"/decks/{deck}")).status_code == 204
    await work
    assert not await desk.replays.once()


async def test_requests_go_on_while_a_large_deck_is_replayed(desk: Desk) -> None:
    ada = desk.student()
    deck = await large_deck(desk, ada, 1500)
    await change(ada, deck, **SM2)
    stop, took = asyncio.Event(), list[float]()
    work = asyncio.create_task(desk.replays.run(stop))
    cards = iter(await behind(desk, ada, deck))
    while await progress(ada, deck) is not None:
        begun = monotonic()
        await ada.reviews({"id": str(next(cards))}, "good")
        await ada.queue()
        await ada.writes(f"{begun}", deck_id=str(deck))
        took.append(monotonic() - begun)
    stop.set()
    await work
    assert len(took) > 3, "it was too quick to be met"
    assert max(took) < 5, "somebody waited for the replay"
    assert await behind(desk, ada, deck) == []
