"""What is missed in a quiz: its card comes back that day, or one is proposed; nothing is made up in the log."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from contracts.chat import ProposedCard, RecallGraded, RecallSource
from flashcard.drafts import Proposals
from flashcard.recalls import Recalls
from sqlalchemy import text

from .desk import Desk, Json, Student

DOCUMENT = uuid4()
QUOTE = "Osmosis is the movement of water through a membrane."
SOURCE = {"document_id": str(DOCUMENT), "document_title": "Biology", "page": 3, "part": 3, "quote": QUOTE}


def graded(ada: Student, grade: int = 1, *, at: datetime | None = None, **more: Any) -> RecallGraded:
    asked = {"question": "Which term means: “the movement of water”?", "reference_answer": QUOTE, "concept": "osmosis"}
    card = ProposedCard.model_validate({"question": asked["question"], "answer": "Osmosis", **SOURCE})
    told = {"version": 2, "message_id": uuid4(), "session_id": uuid4(), "user_id": ada.id, "grade": grade, **asked}
    told |= {"source": RecallSource.model_validate(SOURCE), "offline": True, "graded_at": at, "card": card}
    return RecallGraded.model_validate(told | more)


async def hears(desk: Desk, *events: RecallGraded) -> None:
    for event in events:
        async with desk.database.transaction() as session:
            proposals = Proposals(session, lambda: desk.now)
            await Recalls(session, proposals, lambda: desk.now).hear(event, event.graded_at or desk.now)


async def learnt(desk: Desk, ada: Student, **card: Any) -> Json:
    """A card that is due in some days."""
    after = await ada.reviews(await ada.writes(**card), "easy")
    desk.later(hours=1)
    assert after["due_day"] > desk.now.date().isoformat()
    return after


async def drafts(ada: Student) -> list[Json]:
    items: list[Json] = (await ada.get("/flashcards/drafts"))["items"]
    return items


async def reviews(desk: Desk) -> int:
    async with desk.database.transaction() as session:
        return int((await session.execute(text("SELECT count(*) FROM review"))).scalar_one())


async def test_what_no_card_has_is_proposed_once_with_its_source(desk: Desk) -> None:
    ada = desk.student()
    await hears(desk, graded(ada), graded(ada, 0), graded(ada, 2))
    (draft,) = await drafts(ada)
    assert (draft["question"], draft["answer"]) == ("Which term means: “the movement of water”?", "Osmosis")
    assert draft["source"] == SOURCE | {"available": True}


OTHER = SOURCE | {"quote": "Through osmosis roots take up water from the soil."}


@pytest.mark.parametrize(
    "waiting",
    [
        {"question": "Which term means: “the movement of water”?", "answer": " osmosis "},
        {"question": "What is meant by **Osmosis**?", "answer": "The movement of water", "source": OTHER},
        {"question": "Which way does water move?", "answer": "Through a membrane"},
    ],
)
async def test_of_a_concept_that_waits_as_a_draft_no_second_one_is_made(desk: Desk, waiting: dict[str, Any]) -> None:
    ada, source = desk.student(), waiting.get("source", SOURCE)
    async with desk.database.transaction() as session:
        draft = ProposedCard.model_validate({"question": waiting["question"], "answer": waiting["answer"], **source})
        await Proposals(session, lambda: desk.now).take(ada.id, [draft])
    other = ProposedCard.model_validate({"question": "Why does water enter the root?", "answer": "By it", **SOURCE})
    await hears(desk, graded(ada, question="Why does it?", card=other))
    (left,) = await drafts(ada)
    assert left["question"] == waiting["question"]
    await ada.http.post(f"/flashcards/drafts/{left['id']}/reject")
    await hears(desk, graded(ada, question="Why does it?", card=other))
    assert [draft["question"] for draft in await drafts(ada)] == ["Why does water enter the root?"], (
        "none waits any more"
    )


async def test_another_concept_and_anothers_draft_keep_none_away(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    await hears(desk, graded(eve))
    source = RecallSource.model_validate(OTHER)
    card = ProposedCard.model_validate({"question": "What is diffusion?", "answer": "Spreading", **OTHER})
    await hears(desk, graded(ada), graded(ada, question="Spreading?", concept="diffusion", source=source, card=card))
    assert (len(await drafts(ada)), len(await drafts(eve))) == (2, 1)


async def test_two_misses_at_once_make_one_draft(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada)
    other = ProposedCard.model_validate({"question": "Why does water enter the root?", "answer": "By it", **SOURCE})
    await asyncio.gather(hears(desk, graded(ada)), hears(desk, graded(ada, question="Why does it?", card=other)))
    assert len(await drafts(ada)) == 1


async def test_what_was_recalled_changes_nothing(desk: Desk) -> None:
    ada = desk.student()
    card = await learnt(desk, ada, question="Osmosis")
    await hears(desk, graded(ada, 3), graded(ada, 5))
    assert await drafts(ada) == []
    assert (await ada.get(f"/flashcards/{card['id']}"))["due_day"] == card["due_day"]


async def test_an_event_of_before_cards_were_told_proposes_its_question(desk: Desk) -> None:
    ada = desk.student()
    await hears(desk, graded(ada, card=None))
    (draft,) = await drafts(ada)
    assert (draft["question"], draft["answer"]) == ("Which term means: “the movement of water”?", QUOTE)


@pytest.mark.parametrize(
    "card",
    [
        {"question": "Which term means: “the movement of water”?"},
        {"question": "osmosis"},
        {"question": "What is **Osmosis**?"},
        {"question": "Does it need energy?", "source": SOURCE},
        {"question": "Does it need energy?", "source": SOURCE | {"quote": f"{QUOTE} It needs no energy."}},
    ],
)
async def test_the_card_that_has_it_comes_back_that_day_and_no_review_is_written(desk: Desk, card: Json) -> None:
    ada = desk.student()
    before = await learnt(desk, ada, **card)
    assert (await ada.queue())["due"] == 0
    await hears(desk, graded(ada))
    after = await ada.get(f"/flashcards/{before['id']}")
    assert after["due_day"] == desk.now.date().isoformat()
    assert (await ada.queue())["due"] == 1
    unchanged = ("stability", "difficulty", "ease", "interval", "lapses", "reviews", "phase")
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
    assert await reviews(desk) == 1
    assert await drafts(ada) == []


@pytest.mark.parametrize(
    "card",
    [
        {"question": "What is diffusion?"},
        {"question": "Does it need energy?", "source": SOURCE | {"document_id": str(uuid4())}},
        {"question": "Does it need energy?", "source": SOURCE | {"quote": "Osmosis"}},
    ],
)
async def test_a_card_of_something_else_stays_where_it_is(desk: Desk, card: Json) -> None:
    ada = desk.student()
    before = await learnt(desk, ada, **card)
    await hears(desk, graded(ada))
    assert (await ada.get(f"/flashcards/{before['id']}"))["due_day"] == before["due_day"]
    assert len(await drafts(ada)) == 1


async def test_nobody_elses_card_comes_back(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    before = await learnt(desk, eve, question="osmosis")
    await hears(desk, graded(ada))
    assert (await eve.get(f"/flashcards/{before['id']}"))["due_day"] == before["due_day"]
    assert await drafts(eve) == []


async def test_a_review_since_then_answers_the_miss(desk: Desk) -> None:
    ada = desk.student()
    card = await learnt(desk, ada, question="osmosis")
    missed = graded(ada, at=desk.now)
    await hears(desk, missed)
    desk.later(hours=1)
    after = await ada.reviews(card, "good")
    assert after["due_day"] > desk.now.date().isoformat()
    await hears(desk, missed, graded(ada, at=desk.now - timedelta(hours=2)))  # late, and older
    assert (await ada.get(f"/flashcards/{card['id']}"))["due_day"] == after["due_day"]


async def test_undoing_that_review_brings_the_card_back(desk: Desk) -> None:
    ada = desk.student()
    card = await learnt(desk, ada, question="osmosis")
    await hears(desk, graded(ada, at=desk.now))
    desk.later(hours=1)
    await ada.reviews(card, "good")
    assert (await ada.post("/reviews/undo"))["card"]["due_day"] == desk.now.date().isoformat()


async def test_another_algorithm_keeps_it_due(desk: Desk) -> None:
    ada = desk.student()
    card = await learnt(desk, ada, question="osmosis")
    await hears(desk, graded(ada, at=desk.now))
    await ada.http.patch(f"/decks/{card['deck_id']}", json={"options": {"algorithm": "sm2"}})
    assert (await ada.get(f"/flashcards/{card['id']}"))["due_day"] <= desk.now.date().isoformat()


@pytest.mark.parametrize(("reviewed", "due"), [(6, "2026-11-27"), (40, None), (None, "2026-11-27")])
async def test_misses_and_reviews_in_any_order_of_arrival_end_the_same(
    desk: Desk, reviewed: int | None, due: str | None
) -> None:
    """Misses after 0 and 30 hours, and a review in between, after both, or none."""
    ended, start = set(), desk.now
    for order in itertools.permutations(range(3)):
        desk.now = start
        ada = desk.student()
        deck = await ada.post("/decks", name="Biology", options={"fuzz": False})
        card = await learnt(desk, ada, question="osmosis", deck_id=deck["id"])
        at = desk.now
        desk.later(days=2)
        for what in order:
            if what < 2:
                await hears(desk, graded(ada, at=at + timedelta(hours=30 * what)))
            elif reviewed is not None:
                await ada.reviews(card, "good", reviewed_at=(at + timedelta(hours=reviewed)).isoformat())
        after = await ada.get(f"/flashcards/{card['id']}")
        ended.add((after["due_day"], after["interval"], after["reviews"], after["stability"]))
    ((day, *_),) = ended
    assert day == due if due else day > "2026-11-29"


async def test_a_suspended_card_stays_suspended_and_a_new_one_new(desk: Desk) -> None:
    ada = desk.student()
    card = await learnt(desk, ada, question="osmosis")
    fresh = await ada.writes("What is osmosis?")
    await ada.http.patch(f"/flashcards/{card['id']}", json={"suspended": True})
    await hears(desk, graded(ada))
    assert (await ada.get(f"/flashcards/{card['id']}"))["suspended"]
    assert (await ada.get(f"/flashcards/{fresh['id']}"))["phase"] == "new"
    assert await drafts(ada) == []


async def test_the_day_is_the_students(desk: Desk) -> None:
    ada = desk.student()
    await desk.knows(ada, "Pacific/Auckland")
    card = await learnt(desk, ada, question="osmosis")
    desk.later(hours=4)  # 17:00 in London is 6 in the morning of the next day in Auckland
    desk.now = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
    await hears(desk, graded(ada, at=desk.now))
    assert (await ada.get(f"/flashcards/{card['id']}"))["due_day"] == "2026-11-27"
