"""A quiz on a real document, through the gateway: grades with the words that show why, hints, and the pages to read again."""

import re
from typing import Any

from devstack.waiting import until
from httpx_sse import aconnect_sse

from .students import Json, Student


async def quizzes(student: Student, document: str, **options: Any) -> Json:
    async def start() -> Json | None:
        body = {"mode": "active_recall", "document_ids": [document]} | options
        answer = await student.http.post("/chat/sessions", json=body)
        session: Json = answer.json()
        return session if answer.status_code == 201 else None

    return await until(start, 15)


async def press(student: Student, session: Json, intent: str, content: str = "") -> Json:
    body = {"intent": intent, "content": content}
    answer = await student.http.post(f"/chat/sessions/{session['id']}/messages", json=body)
    assert answer.status_code == 201, answer.text
    message: Json = answer.json()
    return message


async def sentences(student: Student, document: Json) -> list[str]:
    """Every sentence of the document."""
    pages = [
        (await student.http.get(f"/documents/{document['id']}/pages/{n + 1}")).json() for n in range(document["pages"])
    ]
    return [" ".join(one.split()) for page in pages for one in re.split(r"(?<=[.!?])\s", page["text"])]


def nearest(question: str, among: list[str]) -> str:
    """The sentence that has most words of the question: what a student who remembers the page would say."""
    if (named := re.match(r"What (?:is|are)(?: meant by)?(?: an?| the)? (.+)\?", question)) is not None:
        return next(
            one for one in among if re.search(rf"\b{named[1]} (?:is|are|means|describes|refers)", one, re.IGNORECASE)
        )
    asked = set(re.findall(r"\w{4,}", question.lower()))
    return max(among, key=lambda one: len(asked & set(re.findall(r"\w{4,}", one.lower()))) / (12 + len(one.split())))


async def test_a_quiz_is_graded_with_quotes_that_stand_on_their_pages(student: Student, sample: bytes) -> None:
    document = await student.ready("memory.pdf", sample)
    known = await sentences(student, document)
    session = await quizzes(student, document["id"], questions=5)
    turn = await press(student, session, "start")
    grades = []
    while (question := turn["recall"]["question"]) is not None:
        turn = await press(student, session, "answer", nearest(question["text"], known))
        graded = turn["recall"]["graded"]
        grades.append(graded["grade"])
        page = (await student.http.get(f"/documents/{document['id']}/pages/{graded['source']['page']}")).json()
        assert graded["source"]["quote"] in " ".join(page["text"].split())
        assert {citation["page"] for citation in turn["citations"]} == {graded["source"]["page"]}
    assert len(grades) == 5
    assert sum(grades) / len(grades) >= 3.5
    summary = turn["recall"]["summary"]
    assert summary["answered"] == 5
    assert {weak["concept"] for weak in summary["weak"]} == {
        one["concept"] for one in summary["concepts"] if one["grade"] < 3
    }


async def test_a_student_who_knows_nothing_gets_hints_and_pages_to_read_again(student: Student, sample: bytes) -> None:
    document = await student.ready("memory.pdf", sample)
    session = await quizzes(student, document["id"])
    first = await press(student, session, "start", "the testing effect and retrieval")
    hinted = await press(student, session, "hint")
    assert hinted["recall"]["question"]["text"] == first["recall"]["question"]["text"]
    missed = await press(student, session, "answer", "I don't know")
    assert missed["recall"]["graded"]["grade"] == 0
    wrong = await press(student, session, "answer", "It is a kind of soup that is eaten cold in summer.")
    assert wrong["recall"]["graded"]["grade"] <= 1
    over = await press(student, session, "finish")
    assert len(over["recall"]["summary"]["weak"]) == 2
    assert "Read again:" in over["content"]
    assert "page" in over["content"]


async def test_a_turn_streams_and_another_student_sees_nothing(student: Student, sample: bytes, sign_up: Any) -> None:
    document = await student.ready("memory.pdf", sample)
    session = await quizzes(student, document["id"])
    path = f"/chat/sessions/{session['id']}/messages"
    async with aconnect_sse(student.http, "POST", path, json={"intent": "start"}) as source:
        events = [(event.event, event.json()) async for event in source.aiter_sse()]
    assert events[-1][0] == "done"
    assert events[-1][1]["recall"]["question"]["number"] == 1
    assert "".join(data["text"] for name, data in events if name == "token") == events[-1][1]["content"]
    other = await sign_up()
    assert (await other.http.post(path, json={"intent": "hint"})).status_code == 404
    assert (await other.http.post("/sample", json={"seed": "x"})).status_code == 404
    assert (await other.http.post("/likeness", json={"text": "a", "others": ["b"]})).status_code == 404
