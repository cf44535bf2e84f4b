"""What happens is seen in every tab, through the gateway."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from devstack.local_mesh import LocalMesh
from devstack.waiting import until
from httpx import ReadTimeout, Timeout
from httpx_sse import aconnect_sse
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .students import Json, SignUp, Student


@asynccontextmanager
async def tab(mesh: LocalMesh, student: Student, query: str = "") -> AsyncIterator[ClientConnection]:
    """An open tab that has heard its `hello`."""
    ticket = (await student.http.post(f"{mesh.url}/ws/ticket")).json()["ticket"]
    async with open_socket(f"{mesh.url.replace('http', 'ws')}/ws?ticket={ticket}{query}") as socket:
        assert json.loads(await socket.recv())["type"] == "hello"
        yield socket


async def frames(socket: ClientConnection, last: str) -> list[Json]:
    """What is heard, up to the first frame of a type."""
    heard: list[Json] = []
    async with asyncio.timeout(60):
        async for message in socket:
            heard.append(json.loads(message))
            if heard[-1]["type"] == last:
                return heard
    raise AssertionError(f"closed before {last}: {heard}")


async def test_an_upload_is_followed_in_two_tabs_and_by_nobody_else(
    mesh: LocalMesh, sign_up: SignUp, sample: bytes
) -> None:
    ada, bob = await sign_up(), await sign_up()
    async with tab(mesh, ada) as one, tab(mesh, ada) as two, tab(mesh, bob) as foreign:
        document = await ada.upload("memory.pdf", sample)
        for socket in (one, two):
            heard = await frames(socket, "notification")
            kinds = [frame["type"] for frame in heard]
            assert "document.uploaded" in kinds
            assert "document.processed" in kinds
            assert {frame["data"]["document_id"] for frame in heard[:-1]} == {document["id"]}
            assert heard[-1]["data"]["title"] == "“memory” is ready"
        assert (await ada.http.delete(f"/documents/{document['id']}")).status_code == 204
        assert (await frames(one, "document.deleted"))[-1]["data"]["document_id"] == document["id"]
        own = await bob.upload("own.txt", b"Mitochondria are the powerhouse of the cell. " * 5)
        heard = await frames(foreign, "document.uploaded")
        assert [frame["data"]["document_id"] for frame in heard] == [own["id"]]

    async def withdrawn() -> Json | None:
        page: Json = (await ada.http.get("/notifications")).json()
        return page if not page["items"] else None

    assert (await until(withdrawn, 10))["unread"] == 0


async def test_an_answer_is_heard_in_another_tab(mesh: LocalMesh, student: Student, sample: bytes) -> None:
    session = await student.study((await student.ready("memory.pdf", sample))["id"])
    async with tab(mesh, student) as other:
        message = await student.ask(session, "What is the testing effect?")
        (*_, asked) = await frames(other, "chat.message.asked")
        assert asked["data"]["message_id"] == message["id"]
        (*_, frame) = await frames(other, "chat.message")
        assert (frame["data"]["message_id"], frame["data"]["session_id"]) == (message["id"], session["id"])


async def test_an_answer_is_a_notification_only_to_who_left(student: Student, sample: bytes) -> None:
    session = await student.study((await student.ready("memory.pdf", sample))["id"])
    path = f"/chat/sessions/{session['id']}/messages"
    async with aconnect_sse(student.http, "POST", path, json={"content": "What is consolidation?"}) as source:
        read = [event.json()["id"] async for event in source.aiter_sse() if event.event == "done"]
    read.append((await student.ask(session, "What is the testing effect?"))["id"])  # whole, and with no tab open

    async def told() -> list[str]:
        with suppress(ReadTimeout):  # the line is cut before the answer can be there
            await student.http.post(path, json={"content": "What is spacing?"}, timeout=Timeout(10, read=0.005))
        items = (await student.http.get("/notifications")).json()["items"]
        return [item["data"]["message_id"] for item in items if item["kind"] == "answer_ready"]

    assert not set(await until(told, 20)) & set(read)


async def test_a_tab_ends_with_its_session(mesh: LocalMesh, student: Student) -> None:
    async with tab(mesh, student) as socket:
        await student.http.post("/auth/logout", json={"refresh_token": student.tokens["refresh_token"]})
        with suppress(ConnectionClosed):
            async with asyncio.timeout(10):
                async for _ in socket:
                    pass
        assert (socket.close_code, socket.close_reason) == (1008, "session-ended")


async def test_a_ticket_is_asked_for_with_a_token_and_opens_one_socket(mesh: LocalMesh, student: Student) -> None:
    assert (await student.http.post(f"{mesh.url}/ws/ticket", headers={"Authorization": ""})).status_code == 401
    # Who puts the prefix of everything else before it is right, too.
    ticket = (await student.http.post("/ws/ticket")).json()["ticket"]
    url = f"{mesh.url.replace('http', 'ws')}/ws?ticket={ticket}"
    async with open_socket(url):
        pass
    with pytest.raises(InvalidStatus) as refused:
        await open_socket(url)
    assert refused.value.response.status_code == 401
