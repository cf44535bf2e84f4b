"""chat over GraphQL through the gateway: POST, and a stream over a WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from devstack.local_mesh import LocalMesh
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from .students import Json, SignUp, Student

ASK = """($session: ID!, $message: String!) { chat(sessionId: $session, message: $message) {
    questionId answer { id content citations { page quote documentTitle } } } }"""
STREAM = """subscription($session: ID!, $message: String!) { chat(sessionId: $session, message: $message) { __typename eventId
    ... on AnswerBegun { messageId } ... on AnswerToken { text } ... on AnswerDone { message { content } } } }"""
FOLLOW = """subscription($id: ID!, $last: String) { answer(messageId: $id, lastEventId: $last) { __typename eventId
    ... on AnswerToken { text } ... on AnswerDone { message { content } } } }"""


async def post(mesh: LocalMesh, student: Student, query: str, **variables: str) -> Json:
    """The answer to an operation."""
    answer = await student.http.post(f"{mesh.url}/graphql", json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    result: Json = answer.json()
    return result


@asynccontextmanager
async def socket(mesh: LocalMesh, student: Student) -> AsyncIterator[ClientConnection]:
    """A socket that was acknowledged."""
    ticket = (await student.http.post(f"{mesh.url}/ws/ticket")).json()["ticket"]
    url = f"{mesh.url.replace('http', 'ws')}/graphql"
    async with open_socket(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": {"ticket": ticket}}))
        assert json.loads(await connection.recv())["type"] == "connection_ack"
        yield connection


async def told(connection: ClientConnection, query: str, **variables: str | None) -> list[Json]:
    """All events of a subscription."""
    payload = {"query": query, "variables": variables}
    await connection.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
    events: list[Json] = []
    async with asyncio.timeout(30):
        while (message := json.loads(await connection.recv()))["type"] == "next":
            assert "errors" not in message["payload"], message
            events += message["payload"]["data"].values()
    assert message["type"] == "complete", message
    return events


async def test_a_question_is_answered_over_graphql_as_query_and_as_mutation(
    mesh: LocalMesh, student: Student, sample: bytes
) -> None:
    session = await student.study((await student.ready("memory.pdf", sample))["id"])
    for kind in ("query", "mutation"):
        data = await post(mesh, student, kind + ASK, session=session["id"], message="What is the testing effect?")
        answer = data["data"]["chat"]["answer"]
        assert 3 in [citation["page"] for citation in answer["citations"]]
    listed = "query($id: ID!) { messages(sessionId: $id, first: 1) { items { role } endCursor } }"
    page = (await post(mesh, student, listed, id=session["id"]))["data"]["messages"]
    assert page["items"] == [{"role": "STUDENT"}]
    assert page["endCursor"]


async def test_an_answer_streams_over_graphql_and_is_followed_from_where_it_was_left(
    mesh: LocalMesh, student: Student, sample: bytes
) -> None:
    session = await student.study((await student.ready("memory.pdf", sample))["id"])
    async with socket(mesh, student) as connection:
        events = await told(connection, STREAM, session=session["id"], message="What is consolidation?")
    assert (events[0]["__typename"], events[-1]["__typename"]) == ("AnswerBegun", "AnswerDone")
    assert "".join(event.get("text", "") for event in events) == events[-1]["message"]["content"]
    async with socket(mesh, student) as connection:
        rest = await told(connection, FOLLOW, id=events[0]["messageId"], last=events[1]["eventId"])
    assert [event["eventId"] for event in rest] == [event["eventId"] for event in events[2:]]
    # The same over server-sent events, by the same ids.
    path, last = f"/chat/messages/{events[0]['messageId']}/stream", {"Last-Event-ID": events[1]["eventId"]}
    followed = await student.http.get(path, headers=last)
    assert [line[4:] for line in followed.text.splitlines() if line.startswith("id: ")] == [e["eventId"] for e in rest]
    assert (await student.http.get(path, headers={"Last-Event-ID": rest[-1]["eventId"]})).status_code == 204


async def test_nobody_gets_to_another_students_things(mesh: LocalMesh, sign_up: SignUp, sample: bytes) -> None:
    ada, bob = await sign_up(), await sign_up()
    session = await ada.study((await ada.ready("memory.pdf", sample))["id"])
    query = "query($id: ID!) { session(id: $id) { id } }"
    assert (await post(mesh, ada, query, id=session["id"]))["data"]["session"]
    refused = (await post(mesh, bob, query, id=session["id"]))["errors"][0]["extensions"]
    assert (refused["type"], refused["status"]) == ("urn:studyteddy:problem:session-not-found", 404)
    nobody = await bob.http.post(f"{mesh.url}/graphql", json={"query": query}, headers={"Authorization": ""})
    assert nobody.status_code == 401
    deep = await post(mesh, ada, "{a" * 1000 + "}" * 1000)
    assert deep["errors"][0]["extensions"]["type"].endswith("query-refused")
    assert (await ada.http.get(f"{mesh.url}/graphql?query={{sessions{{items{{id}}}}}}")).status_code == 426


async def test_a_graphql_socket_ends_with_its_session(mesh: LocalMesh, student: Student) -> None:
    async with socket(mesh, student) as connection:
        await student.http.post("/auth/logout", json={"refresh_token": student.tokens["refresh_token"]})
        with suppress(ConnectionClosed):
            async with asyncio.timeout(10):
                async for _ in connection:
                    pass
        assert (connection.close_code, connection.close_reason) == (4403, "session-ended")
    refused = await student.http.post(f"{mesh.url}/graphql", json={"query": "{ __typename }"})
    assert refused.status_code == 401
