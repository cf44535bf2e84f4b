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
    assert (await ada.http.post(f"/flashcards/drafts/{draft['id']}/accept", json={})).status_code == 409


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
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


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
    for action in ("accept", "reject", "restore"):
        answer = await eve.http.post(f"/flashcards/drafts/{draft['id']}/{action}", json={})
        assert answer.status_code == 404
    assert (await eve.http.patch(f"/flashcards/drafts/{draft['id']}", json={"answer": "mine"})).status_code == 404
    assert (await eve.post("/flashcards/drafts/accept"))["cards"] == []


async def test_what_was_taken_is_not_proposed_again_though_it_was_edited_or_deleted(desk: Desk) -> None:
    ada = desk.student()
    await propose(desk, ada, proposed("A"), proposed("B"))
    first, second = (await ada.get("/flashcards/drafts"))["items"]
    await ada.post(f"/flashcards/drafts/{first['id']}/accept", question="A, in my own words")
    (card,) = (await ada.post(f"/flashcards/drafts/{second['id']}/accept"))["cards"]
    assert (await ada.http.delete(f"/flashcards/{card['id']}")).status_code == 204
    assert await propose(desk, ada, proposed("A"), proposed("B")) == 0


async def test_a_draft_that_was_edited_waits_on_as_it_is_now(desk: Desk) -> None:
    ada = desk.student()
    await propose(desk, ada, proposed("A"), proposed("{{c1::B}}", "cloze"))
    first, cloze = (await ada.get("/flashcards/drafts"))["items"]
    path = f"/flashcards/drafts/{first['id']}"
    edited = (await ada.http.patch(path, json={"question": "What is A?"})).json()
    assert (edited["question"], edited["answer"], edited["status"]) == ("What is A?", first["answer"], "waiting")
    assert await propose(desk, ada, proposed("A")) == 0
    assert (await ada.post(f"{path}/accept"))["cards"][0]["question"] == "What is A?"
    assert (await ada.http.patch(path, json={"answer": "late"})).status_code == 409
    bare = await ada.http.patch(f"/flashcards/drafts/{cloze['id']}", json={"question": "nothing hidden"})
    assert bare.status_code == 422


async def test_taking_and_leaving_can_be_undone(desk: Desk) -> None:
    ada = desk.student()
    await propose(desk, ada, proposed("A"), proposed("B"))
    first, second = (await ada.get("/flashcards/drafts"))["items"]
    await ada.post(f"/flashcards/drafts/{first['id']}/accept")
    await ada.http.post(f"/flashcards/drafts/{second['id']}/reject")
    for draft, status in ((first, "accepted"), (second, "rejected")):
        assert [one["id"] for one in (await ada.get("/flashcards/drafts", status=status))["items"]] == [draft["id"]]
        restored = await ada.post(f"/flashcards/drafts/{draft['id']}/restore")
        assert restored["status"] == "waiting"
    assert (await ada.get("/flashcards"))["items"] == []
    assert len((await ada.post("/flashcards/drafts/accept"))["cards"]) == 2


async def test_a_card_that_was_reviewed_stays(desk: Desk) -> None:
    ada = desk.student()
    await propose(desk, ada, proposed())
    (draft,) = (await ada.get("/flashcards/drafts"))["items"]
    (card,) = (await ada.post(f"/flashcards/drafts/{draft['id']}/accept"))["cards"]
    await ada.reviews(card)
    refused = await ada.http.post(f"/flashcards/drafts/{draft['id']}/restore")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "cards-in-use")
    assert (await ada.get(f"/flashcards/{card['id']}"))["reviews"] == 1


async def test_one_proposal_is_shown_and_taken_by_itself(desk: Desk) -> None:
    ada = desk.student()
    await propose(desk, ada, proposed("A"))
    await propose(desk, ada, proposed("B"))
    first, second = (await ada.get("/flashcards/drafts"))["items"]
    assert first["proposal_id"] != second["proposal_id"]
    listed = await ada.get("/flashcards/drafts", proposal_id=second["proposal_id"])
    assert [draft["question"] for draft in listed["items"]] == ["B"]
    made = await ada.post("/flashcards/drafts/accept", proposal_id=second["proposal_id"])
    assert [card["question"] for card in made["cards"]] == ["B"]
    assert [draft["question"] for draft in (await ada.get("/flashcards/drafts"))["items"]] == ["A"]


async def test_the_same_key_takes_a_draft_once(desk: Desk) -> None:
    ada = desk.student()
    await propose(desk, ada, proposed())
    (draft,) = (await ada.get("/flashcards/drafts"))["items"]
    path, key = f"/flashcards/drafts/{draft['id']}/accept", {"Idempotency-Key": "k"}
    answers = await asyncio.gather(*(ada.http.post(path, json={}, headers=key) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["cards"][0]["id"] for answer in answers}) == 1


async def test_all_are_taken_once_by_two_at_once(desk: Desk) -> None:
    ada = desk.student()
    await propose(desk, ada, *(proposed(f"Question {number}") for number in range(6)))
    answers = await asyncio.gather(*(ada.post("/flashcards/drafts/accept") for _ in range(3)))
    assert sorted(len(answer["cards"]) for answer in answers) == [0, 0, 6]
