"""chat over GraphQL by POST: the same as over REST, with the same owners and the same failures."""

import asyncio
import json
from base64 import b64encode
from typing import Any
from uuid import uuid4

import httpx
import pytest
from chassis.database import Database
from chat.graphql.types import Mode
from contracts.chat import Mode as ModeName
from sqlalchemy import event

from .builders import passage
from .neighbours import Neighbours
from .provider import provider, refuses, says
from .school import Json, School, Student

PRODUCTION = {
    "environment": "production",
    "service_secret": "s" * 40,
    "key_ring": f"1:{b64encode(bytes(range(32))).decode()}",
    "require_verified_email": False,
}
CELLS = "The cell is the smallest unit that is alive. Cells divide because a large cell cannot feed itself."
ASK = """query Ask($session: ID!, $message: String!) { chat(sessionId: $session, message: $message) {
    questionId answer { id status content grounded offline attempts replyTo role
        citations { marker documentTitle page quote available } usage { inputTokens } error { type } } } }"""
START = "mutation($mode: Mode!, $ids: [ID!]! = [], $title: String) { startSession(mode: $mode, documentIds: $ids, title: $title) { id mode title messageCount documents { id title available } } }"
MESSAGES = "query($id: ID!, $first: Int!, $after: String) { messages(sessionId: $id, first: $first, after: $after) { items { id role content citations { documentTitle available } } endCursor } }"


@pytest.fixture(autouse=True)
def material(neighbours: Neighbours) -> None:
    neighbours.passages = [passage(CELLS, page=7, title="Biology")]


async def posts(student: Student, query: str, **variables: Any) -> Json:
    """The answer to an operation."""
    body = json.dumps({"query": query, "variables": variables})  # httpx' own would not write half a surrogate pair
    answer = await student.client.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    result: Json = answer.json()
    return result


async def gets(student: Student, query: str, **variables: Any) -> Json:
    """The data of an operation that succeeds."""
    result = await posts(student, query, **variables)
    assert "errors" not in result, result
    data: Json = result["data"]
    return data


def failure(result: Json) -> str:
    """The type of the one error."""
    (error,) = result["errors"]
    assert error["message"]
    assert error["extensions"]["type"].startswith("urn:studyteddy:problem:")
    return str(error["extensions"]["type"]).rpartition(":")[2]


def test_modes_are_those_of_the_contract() -> None:
    assert {mode.value for mode in Mode} == set(ModeName.__args__)  # type: ignore[attr-defined]  # of a Literal


@pytest.mark.parametrize("kind", ["query", "mutation"])
async def test_question_is_answered_with_citations_and_is_the_message_that_rest_shows(
    school: School, kind: str
) -> None:
    ada = school.student()
    session = await ada.starts()
    data = await gets(ada, ASK.replace("query Ask", f"{kind} Ask"), session=session["id"], message="What is a cell?")
    answer = data["chat"]["answer"]
    question, shown = await ada.messages(session)
    assert (data["chat"]["questionId"], answer["id"], answer["replyTo"]) == (
        question["id"],
        shown["id"],
        question["id"],
    )
    assert (answer["status"], answer["role"], answer["grounded"], answer["offline"]) == ("DONE", "TUTOR", True, True)
    assert answer["content"] == shown["content"]
    assert answer["citations"] == [
        {"marker": 1, "documentTitle": "Biology", "page": 7, "available": True, "quote": shown["citations"][0]["quote"]}
    ]


async def test_sessions_are_started_listed_by_pages_and_deleted(school: School) -> None:
    ada = school.student()
    document = await school.shelve(ada, "Biology")
    started = (await gets(ada, START, mode="TUTOR", ids=[str(document)], title=" Cells \n"))["startSession"]
    assert started["documents"] == [{"id": str(document), "title": "Biology", "available": True}]
    assert (started["mode"], started["title"], started["messageCount"]) == ("TUTOR", "Cells", 0)
    others = [(await ada.starts())["id"] for _ in range(4)]
    seen: list[str] = []
    cursor = None
    while True:
        page = "query($after: String) { sessions(first: 2, after: $after) { items { id } endCursor } }"
        listed = (await gets(ada, page, after=cursor))["sessions"]
        seen += [item["id"] for item in listed["items"]]
        if (cursor := listed["endCursor"]) is None:
            break
    assert seen == [*others[::-1], started["id"]]
    assert (await gets(ada, "query($id: ID!) { session(id: $id) { title } }", id=started["id"]))["session"]
    delete = "mutation($id: ID!) { deleteSession(id: $id) }"
    assert await gets(ada, delete, id=started["id"]) == {"deleteSession": started["id"]}
    assert failure(await posts(ada, delete, id=started["id"])) == "session-not-found"


async def test_a_page_of_messages_costs_the_same_queries_however_long_it_is(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    for _ in range(3):
        await ada.asks(session, "What is a cell?")
    statements: list[str] = []
    listening = school.state.database.engine.sync_engine
    counted = lambda *arguments: statements.append(arguments[2])  # noqa: E731
    event.listen(listening, "before_cursor_execute", counted)
    pages, cursor = [], None
    for first in (1, 5):
        statements.clear()
        page = (await gets(ada, MESSAGES, id=session["id"], first=first, after=cursor))["messages"]
        cursor = page["endCursor"]
        pages.append((len(page["items"]), len([s for s in statements if s.startswith("SELECT")])))
    event.remove(listening, "before_cursor_execute", counted)
    assert [items for items, _ in pages] == [1, 5]
    assert max(queries for _, queries in pages) <= 3


async def test_another_students_things_are_not_there(school: School) -> None:
    ada, bob = school.student(), school.student()
    session = await ada.starts()
    answer = (await ada.asks(session, "What is a cell?")).json()
    operations: dict[str, Json] = {
        "query($id: ID!) { session(id: $id) { id } }": {"id": session["id"]},
        "mutation($id: ID!) { deleteSession(id: $id) }": {"id": session["id"]},
        ASK: {"session": session["id"], "message": "Mine?"},
        MESSAGES: {"id": session["id"], "first": 3},
        "query($id: ID!) { message(id: $id) { content } }": {"id": answer["id"]},
        "mutation($id: ID!) { retry(messageId: $id) { questionId } }": {"id": answer["id"]},
    }
    for operation, variables in operations.items():
        for nobodys in (
            variables,
            {name: "x\ud800" if name in ("id", "session") else v for name, v in variables.items()},
        ):
            result = await posts(bob, operation, **nobodys)
            assert failure(result) in ("session-not-found", "message-not-found"), operation
            assert result["errors"][0]["extensions"]["status"] == 404
    assert (await gets(bob, "{ sessions { items { id } } }"))["sessions"]["items"] == []
    assert len(await ada.messages(session)) == 2


async def test_nobody_gets_in_without_a_token(school: School) -> None:
    for token in (None, "x.y.z"):
        answer = await school.client(token).post("/graphql", json={"query": "{ sessions { items { id } } }"})
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_unverified_address_reads_and_does_not_ask_where_that_is_required(
    database: Database, neighbours: Neighbours
) -> None:
    async with School.open(database, neighbours, require_verified_email=True) as school:
        ada = school.student(email_verified=False)
        assert failure(await posts(ada, START, mode="TUTOR")) == "email-not-verified"
        assert (await gets(ada, "{ sessions { items { id } } }"))["sessions"]["items"] == []


async def test_failed_answer_says_why_and_is_tried_again(database: Database, neighbours: Neighbours) -> None:
    settings: Json = {"llm_retries": 0, "llm_model": "m", "llm_api_key": "k"}
    async with (
        provider(refuses(500), says("Cells [1].")) as model,
        School.open(database, neighbours, llm_base_url=model.url, **settings) as school,
    ):
        ada = school.student()
        session = await ada.starts()
        result = await posts(ada, ASK, session=session["id"], message="What is a cell?")
        error = result["errors"][0]["extensions"]
        assert (error["status"], result["data"]) == (503, None)
        retry = "mutation($id: ID!) { retry(messageId: $id) { answer { content attempts } } }"
        retried = (await gets(ada, retry, id=error["message_id"]))["retry"]["answer"]
        assert (retried["content"], retried["attempts"]) == ("Cells [1].", 2)
        assert failure(await posts(ada, retry, id=error["message_id"])) == "nothing-to-retry"


async def test_second_question_at_once_is_a_conflict(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    school.neighbours.gate = asyncio.Event()
    asking = asyncio.create_task(gets(ada, ASK, session=session["id"], message="What is a cell?"))
    await ada.awaits_answer(session)
    assert failure(await posts(ada, ASK, session=session["id"], message="And?")) == "answer-in-progress"
    school.neighbours.gate.set()
    assert (await asking)["chat"]["answer"]["status"] == "DONE"


async def test_wrong_input_is_refused_with_a_sentence_and_leaves_nothing(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    for message in ("", " \n", "\x00", "a" * 8001):
        assert failure(await posts(ada, ASK, session=session["id"], message=message)) == "invalid-request"
    for first in (0, -1, 101):
        assert failure(await posts(ada, MESSAGES, id=session["id"], first=first)) == "invalid-request"
    assert failure(await posts(ada, MESSAGES, id=session["id"], first=1, after="nonsense")) == "invalid-request"
    assert failure(await posts(ada, START, mode="TUTOR", ids=["x"])) == "invalid-request"
    assert failure(await posts(ada, START, mode="TUTOR", ids=[str(uuid4())])) == "document-not-found"
    for wrong in (
        "{ sessions ",
        "{ nothing }",
        "{ session { id } }",
        "{ session(id: 1.5) { id } }",
        "{ sessions { items { id { x } } } }",
    ):
        assert failure(await posts(ada, wrong)) == "invalid-query", wrong
    assert await ada.messages(session) == []


async def test_what_is_no_operation_over_post_is_a_problem_document(school: School) -> None:
    ada = school.student()
    bodies: list[Any] = [
        [{"query": "{ sessions { items { id } } }"}] * 2,
        {"query": ""},
        {},
        {"query": 5},
        {"query": "{ sessions { items { id } } }", "variables": []},
        {"query": "subscription { answer(messageId: 1) { eventId } }"},
        {"query": "fragment F on Query { __typename }"},
        {"query": "query A { __typename }", "operationName": "B"},
        {"query": "{ __typename }" + " " * 40_000},
    ]
    for body in bodies:
        answer = await ada.client.post("/graphql", json=body)
        assert answer.status_code == 422, body
        assert answer.headers["content-type"] == "application/problem+json"
    assert "one operation at a time" in (await ada.client.post("/graphql", json=bodies[0])).json()["detail"]
    assert (await ada.client.post("/graphql", content=b"[" * 100_000)).status_code in (400, 422)
    assert (await ada.client.post("/graphql", content=b'{"query": "' + b"a" * 200_000)).status_code == 413
    for method in ("GET", "PUT", "DELETE"):
        assert (await ada.client.request(method, "/graphql?query={sessions{items{id}}}")).status_code in (405, 426)


@pytest.mark.parametrize(
    ("settings", "told"),
    [({}, True), ({"graphql_introspection": False}, False), (PRODUCTION, False)],
    ids=["elsewhere", "switched off", "production"],
)
async def test_schema_is_told_everywhere_but_in_production(
    database: Database, neighbours: Neighbours, settings: dict[str, Any], told: bool
) -> None:
    async with School.open(database, neighbours, **settings) as school:
        for query in ("{ __schema { queryType { name } } }", '{ ...on Query { t: __type(name: "Query") { name } } }'):
            answer = await posts(school.student(), query)
            if told:
                assert answer["data"]
            else:
                assert failure(answer) == "query-refused"
        assert (await gets(school.student(), "{ __typename sessions { items { id } } }"))["__typename"] == "Query"


async def test_mistake_of_ours_is_logged_and_told_without_insides(
    school: School, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr("chat.listing.sessions", broken)
    answer = await school.student().client.post("/graphql", json={"query": "{ sessions { items { id } } }"})
    assert "secret" not in answer.text
    assert failure(answer.json()) == "internal"
    assert "secret inside" in caplog.text


async def test_answer_goes_on_when_the_client_leaves(database: Database, neighbours: Neighbours) -> None:
    neighbours.gate = asyncio.Event()
    async with School.open(database, neighbours) as school:
        ada = school.student()
        session = await ada.starts()
        body = {"query": ASK, "variables": {"session": session["id"], "message": "What is a cell?"}}
        with pytest.raises(httpx.ReadTimeout):
            await ada.client.post("/graphql", json=body, timeout=0.5)
        neighbours.gate.set()
        assert (await school.until_answered(ada, session))["status"] == "done"


QUIZ = """mutation($session: ID!, $message: String!, $intent: Intent) { chat(sessionId: $session, message: $message, intent: $intent) { answer {
    recall { quiz topic question { number total form text hintsLeft } graded { outcome concept grade reference source { documentId page quote } }
        summary { asked answered average weak { concept page } } } } } }"""


async def test_quiz_is_played_over_graphql(school: School) -> None:
    ada = school.student()
    start = "mutation { startSession(mode: ACTIVE_RECALL, questions: 1) { id } }"
    session = (await gets(ada, start))["startSession"]["id"]
    first = (await gets(ada, QUIZ, session=session, message="", intent="START"))["chat"]["answer"]["recall"]
    assert (first["quiz"], first["question"]["number"], first["question"]["total"]) == (1, 1, 1)
    last = (await gets(ada, QUIZ, session=session, message="no idea", intent="ANSWER"))["chat"]["answer"]["recall"]
    assert (last["graded"]["grade"], last["graded"]["outcome"]) == (0, "ANSWERED")
    assert last["graded"]["source"]["page"] == 7
    assert last["question"] is None
    assert [weak["page"] for weak in last["summary"]["weak"]] == [7]
    refused = await posts(ada, "mutation { startSession(mode: TUTOR, questions: 3) { id } }")
    assert failure(refused) == "invalid-request"
