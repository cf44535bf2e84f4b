"""Proposed cards: kept once, taken, edited or left."""

import asyncio
from uuid import UUID, uuid4

from contracts.chat import ProposedCard
from flashcard.drafts import MOST_WAITING, Proposals
from flashcard.sources import Sources

from .desk import Desk, Student

DOCUMENT = uuid4()


def proposed(question: str = "What is a cell?", kind: str = "basic", document: UUID = DOCUMENT) -> ProposedCard:
    return ProposedCard.model_validate(
        {
            "kind": kind,
            "question": question,
            "answer": "The unit of life",
            "document_id": document,
            "document_title": "Biology",
            "page": 3,
            "part": 3,
            "quote": "A cell is the unit of life.",
        }
    )


async def propose(desk: Desk, ada: Student, *cards: ProposedCard) -> int:
    async with desk.database.transaction() as session:
        return await Proposals(session, lambda: desk.now).take(ada.id, cards, uuid4())


async def test_a_draft_becomes_a_card_that_knows_its_page(desk: Desk) -> None:
    ada = desk.student()
    await propose(desk, ada, proposed())
    (draft,) = (await ada.get("/flashcards/drafts"))["items"]
    made = await ada.post(f"/flashcards/drafts/{draft['id']}/accept", answer="The smallest unit of life", tags=["bio"])
    (card,) = made["cards"]
    assert (card["question"], card["answer"], card["tags"]) == ("What is a cell?", "The smallest unit of life", ["bio"])
    assert card["source"] == draft["source"]
    assert (card["source"]["page"], card["source"]["available"]) == (3, True)
    assert (await ada.get("/flashcards/drafts"))["items"] == []


async def test_what_the_student_has_is_not_proposed(desk: Desk) -> None:
    ada = desk.student()
    await ada.writes("What is a cell?")
    kept = await propose(desk, ada, proposed("what is a  Cell?"), proposed("Another"), proposed("another"))
    assert kept == 1
    assert await propose(desk, ada, proposed("Another")) == 0


async def test_the_same_proposals_at_once_are_kept_once(desk: Desk) -> None:
    ada = desk.student()
    cards = [proposed(f"Question {number}") for number in range(5)]
    await asyncio.gather(*(propose(desk, ada, *cards) for _ in range(4)))
    assert len((await ada.get("/flashcards/drafts"))["items"]) == 5


async def test_what_was_left_is_not_proposed_again(desk: Desk) -> None:
    ada = desk.student()
    await propose(desk, ada, proposed())
    (draft,) = (await ada.get("/flashcards/drafts"))["items"]
    assert (await ada.http.post(f"/flashcards/drafts/{draft['id']}/reject")).status_code == 204
    assert await propose(desk, ada, proposed()) == 0
    assert (await ada.get("/flashcards/drafts"))["items"] == []
    assert (await ada.http.post(f"/flashcards/drafts/{draft['id']}/accept", json={})).status_code == 404


async def test_all_are_taken_at_once_into_a_deck(desk: Desk) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="Biology")
    await propose(desk, ada, proposed("A"), proposed("{{c1::B}}", "cloze"), proposed("no deletion", "cloze"))
    made = await ada.post("/flashcards/drafts/accept", deck_id=deck["id"])
    assert [(card["question"], card["deck_id"]) for card in made["cards"]] == [
        ("A", deck["id"]),
        ("{{c1::B}}", deck["id"]),
    ]


async def test_two_who_take_the_same_draft_at_once_make_one_card(desk: Desk) -> None:
    ada = desk.student()
    await propose(desk, ada, proposed())
    (draft,) = (await ada.get("/flashcards/drafts"))["items"]
    path = f"/flashcards/drafts/{draft['id']}/accept"
    answers = await asyncio.gather(*(ada.http.post(path, json={}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 404, 404, 404]


async def test_drafts_of_a_deleted_document_say_so(desk: Desk) -> None:
    ada = desk.student()
    await propose(desk, ada, proposed())
    async with desk.database.transaction() as session:
        await Sources(session).remove(DOCUMENT, owner=ada.id)
    await propose(desk, ada, proposed("Later"))
    drafts = (await ada.get("/flashcards/drafts"))["items"]
    assert [draft["source"]["available"] for draft in drafts] == [False, False]


async def test_a_heap_that_nobody_looks_at_has_an_end(desk: Desk) -> None:
    ada = desk.student()
    kept = await propose(desk, ada, *(proposed(f"Question {number}") for number in range(MOST_WAITING + 5)))
    assert kept == MOST_WAITING


async def test_nobody_reaches_anothers_drafts(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    await propose(desk, ada, proposed())
    (draft,) = (await ada.get("/flashcards/drafts"))["items"]
    assert (await eve.get("/flashcards/drafts"))["items"] == []
    for action in ("accept", "reject"):
        answer = await eve.http.post(f"/flashcards/drafts/{draft['id']}/{action}", json={})
        assert answer.status_code == 404
    assert (await eve.post("/flashcards/drafts/accept"))["cards"] == []
