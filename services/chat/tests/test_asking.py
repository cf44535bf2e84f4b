"""Asking over HTTP, offline: JSON, events, follow-ups, refusals, limits."""

import asyncio
from uuid import uuid4

import pytest
from chat.limits import BODY_BYTES, MOST_CHARACTERS
from chat.offline import NOTICE

from .builders import passage
from .school import EVENTS, School

CELLS = "The cell is the smallest unit that is alive. Cells divide because a large cell cannot feed itself. They were seen in 1665."


@pytest.fixture
def material(school: School) -> None:
    school.neighbours.passages = [
        passage(CELLS, page=7, start=120, title="Biology"),
        passage("Plants are green.", page=8),
    ]


@pytest.mark.usefixtures("material")
async def test_answer_cites_the_page_with_words_that_stand_there(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    response = await ada.asks(session, "What is a cell?")
    answer = response.json()
    assert response.status_code == 201
    assert answer["content"].startswith("The cell is the smallest unit that is alive. [1]")
    assert NOTICE in answer["content"]
    (citation,) = answer["citations"]
    assert citation["document_title"] == "Biology"
    assert (citation["marker"], citation["page"], citation["part"], citation["start"]) == (1, 7, 7, 120)
    assert citation["quote"] == CELLS[citation["start"] - 120 : citation["end"] - 120]
    assert answer["grounded"]
    assert answer["offline"]
    assert answer["usage"] == {"input_tokens": 0, "output_tokens": 0, "estimated": False, "cost_usd": "0"}
    question, listed = await ada.messages(session)
    assert listed == answer
    assert (question["id"], question["content"]) == (answer["reply_to"], "What is a cell?")


@pytest.mark.usefixtures("material")
async def test_search_is_made_with_the_students_own_token_and_documents(school: School) -> None:
    ada = school.student()
    document = await school.shelve(ada)
    await ada.asks(await ada.starts(), "What is a cell?")
    session = await ada.starts(document_ids=[str(document)])
    school.neighbours.passages = [passage(CELLS, document=document), passage(CELLS, document=uuid4())]
    answer = (await ada.asks(session, "What is a cell?")).json()
    first, second = school.neighbours.searches
    assert first == {"query": "What is a cell?", "limit": 8}
    assert second["document_ids"] == [str(document)]
    assert {citation["document_id"] for citation in answer["citations"]} == {str(document)}
    assert school.neighbours.tokens[0] == ada.client.headers["authorization"].removeprefix("Bearer ")


@pytest.mark.usefixtures("material")
async def test_events_bring_ids_then_text_then_citations_then_the_whole(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    heard = await ada.hears(session, "What is a cell?")
    names = [happening.name for happening in heard]
    assert names[0] == "message"
    assert names[-2:] == ["citations", "done"]
    assert set(names[1:-2]) == {"token"}
    done = heard[-1].data
    assert done["id"] == heard[0].data["id"]
    assert heard[0].data["question_id"] == done["reply_to"]
    assert "".join(happening.data["text"] for happening in heard if happening.name == "token") == done["content"]
    assert heard[-2].data["citations"] == done["citations"]
    assert [happening.id for happening in heard] == [f"{done['id']}.1.{number}" for number in range(1, len(heard) + 1)]


@pytest.mark.usefixtures("material")
async def test_answer_is_told_to_the_mesh_once(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    answer = (await ada.asks(session, "What is a cell?")).json()
    kind, event = (await school.events())[-1]
    assert kind == "chat.message.answered.v1"
    assert event["message_id"] == answer["id"]
    assert event["citations"] == [{"document_id": answer["citations"][0]["document_id"], "page": 7}]
    assert event["offline"]


@pytest.mark.usefixtures("material")
async def test_follow_up_is_searched_and_answered_with_what_it_leans_on(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    await ada.asks(session, "How do cells divide?")
    answer = (await ada.asks(session, "and why?")).json()
    assert school.neighbours.searches[-1]["query"] == "How do cells divide? and why?"
    assert "because a large cell cannot feed itself. [1]" in answer["content"]


@pytest.mark.usefixtures("material")
async def test_what_the_material_does_not_hold_is_not_answered(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    own_check = (await ada.asks(session, "What is inflation?")).json()
    school.neighbours.answerable = False
    searches_verdict = (await ada.asks(session, "When were cells seen?")).json()
    stands_there = (await ada.asks(session, "What is a cell?")).json()
    school.neighbours.passages = ()
    nothing_there = (await ada.asks(session, "What is a cell?")).json()
    for answer in (own_check, searches_verdict, nothing_there):
        assert answer["status"] == "done"
        assert answer["citations"] == []
        assert not answer["grounded"]
    assert stands_there["grounded"]
    assert "could not find an answer" in own_check["content"]
    assert searches_verdict["content"] == own_check["content"]
    assert "Add a document" in nothing_there["content"]


async def test_thanks_are_not_searched_for(school: School) -> None:
    ada = school.student()
    answer = (await ada.asks(await ada.starts(), "Thank you so much!")).json()
    assert answer["content"].startswith("You are welcome.")
    assert school.neighbours.searches == []


@pytest.mark.usefixtures("material")
async def test_repeated_request_gets_the_same_answer(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    first = await ada.asks(session, "What is a cell?", **{"Idempotency-Key": "k"})
    again = await ada.asks(session, "What is a cell?", **{"Idempotency-Key": "k"})
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    heard = await ada.hears(session, "What is a cell?", **{"Idempotency-Key": "k"})
    assert heard[-1].data == first.json()
    assert (
        "".join(happening.data["text"] for happening in heard if happening.name == "token") == first.json()["content"]
    )
    assert (await ada.asks(session, "Else?", **{"Idempotency-Key": "k"})).status_code == 409
    assert len(await ada.messages(session)) == 2


@pytest.mark.usefixtures("material")
async def test_second_question_waits_for_the_first(school: School) -> None:
    ada = school.student()
    session, other = await ada.starts(), await ada.starts()
    school.neighbours.gate = asyncio.Event()
    key = {"Idempotency-Key": "k"}
    asked = [asyncio.create_task(ada.asks(session, "What is a cell?", **key))]
    await school.neighbours.searched.wait()
    refused = await ada.asks(session, "What is a plant?")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("answer-in-progress")
    asked.append(asyncio.create_task(ada.asks(other, "What is a cell?")))
    asked.append(asyncio.create_task(ada.asks(session, "What is a cell?", **key)))
    school.neighbours.gate.set()
    answers = [await task for task in asked]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert answers[0].json() == answers[2].json()


BAD = {
    "empty": "",
    "white space": " \n\t ",
    "invisible": "\u200b\u200d",
    "control": "What\x00 is it?",
    "escape": "\x1b[31mred",
    "too long": "a" * (MOST_CHARACTERS + 1),
}


async def test_bad_messages_are_refused_with_a_sentence_and_leave_nothing(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    path = f"/chat/sessions/{session['id']}/messages"
    for kind, content in BAD.items():
        response = await ada.asks(session, content)
        assert response.status_code == 422, kind
        assert "content" in response.json()["detail"], kind
    assert str(MOST_CHARACTERS) in response.json()["detail"]
    bodies = {
        b'{"content": ': 400,
        b'{"content": "\\ud800"}': 422,
        b'{"content": "\xff"}': 400,
        b"[]": 422,
        b"": 422,
        b'{"content": 5}': 422,
    }
    for raw, status in bodies.items():
        response = await ada.client.post(path, content=raw, headers={"Content-Type": "application/json"})
        assert response.status_code == status, (raw, response.text)
        assert response.headers["content-type"] == "application/problem+json"
    assert await ada.messages(session) == []


async def test_message_of_a_megabyte_is_too_large(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    for headers in ({}, EVENTS):
        response = await ada.asks(session, "a" * 1_000_000, **headers)
        assert response.status_code == 413
        assert response.headers["content-type"] == "application/problem+json"
        assert str(MOST_CHARACTERS) in response.json()["detail"]
        assert response.json()["limit"] == BODY_BYTES
    assert await ada.messages(session) == []


async def test_text_is_kept_as_it_was_meant(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    await ada.asks(session, "  What\r\nis 'it' \u2028\"<b>🧬\"?\r  ")
    assert (await ada.messages(session))[0]["content"] == "What\nis 'it' \n\"<b>🧬\"?"


async def test_answered_message_is_not_retried(school: School) -> None:
    ada = school.student()
    answer = (await ada.asks(await ada.starts(), "hello")).json()
    for message in (answer["id"], answer["reply_to"]):
        response = await ada.client.post(f"/chat/messages/{message}/retry")
        assert response.status_code == 409
        assert response.json()["type"].endswith("nothing-to-retry")
