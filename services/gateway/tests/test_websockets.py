"""WebSockets are tunnels: opened only where a route says so, closed politely, and never a way around the rest."""

import asyncio
import json
import struct
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from gateway.websockets import FrameBoundary, close_frame
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .fakes import Running, answer, running, until
from .wire import connect, request

UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


async def parrot(scope: Scope, receive: Receive, send: Send) -> None:
    """A WebSocket that repeats what it hears."""
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept", "headers": [(b"x-studyteddy-session", _session(scope))]})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


def _session(scope: Scope) -> bytes:
    query: bytes = scope["query_string"]
    return query.partition(b"session=")[2] or b"none"


@pytest.fixture
def sockets(gateway: Running) -> str:
    """The URL of a gateway whose services have WebSockets."""
    for path in ("/ws", "/socket"):
        gateway.service.on(path, parrot)
    return gateway.url.replace("http", "ws")


async def test_frames_pass_in_both_directions_whatever_their_size(gateway: Running, sockets: str) -> None:
    async with open_socket(f"{sockets}/api/v1/socket", additional_headers=gateway.bearer(), max_size=None) as socket:
        for message in ("hello", "x" * 200, "y" * 70_000, "z" * 1_000_000):
            await socket.send(message)
            assert await socket.recv() == message
        await (await socket.ping())
    await until(lambda: len(gateway.gateway.edge.streams) == 0)


async def test_a_socket_needs_a_token_where_its_route_is_not_public(sockets: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await open_socket(f"{sockets}/api/v1/socket")
    assert refused.value.response.status_code == 401


async def test_a_page_of_a_stranger_opens_no_socket(gateway: Running, sockets: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await open_socket(f"{sockets}/ws", origin="https://evil.example")  # type: ignore[arg-type]  # a str will do
    assert refused.value.response.status_code == 403
    own = f"http://127.0.0.1:{gateway.port}"
    async with open_socket(f"{sockets}/ws", origin=own) as socket:  # type: ignore[arg-type]
        await socket.send("own page")
        assert await socket.recv() == "own page"


async def test_a_plain_request_to_a_socket_is_told_so(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        head, body = await wire.get("/ws")
        assert (head.status, head.headers["upgrade"]) == (426, "websocket")
        assert json.loads(body)["type"] == "urn:studyteddy:problem:upgrade-required"


async def test_a_socket_where_there_is_none_is_an_ordinary_request(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        head, body = await wire.get("/api/v1/open", *UPGRADE)
        assert (head.status, json.loads(body)["path"]) == (200, "/open")
        assert await wire.rest() == b""


async def test_what_is_sent_before_the_service_agrees_is_not_taken_for_a_request(gateway: Running) -> None:
    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
        else:
            await answer(send, b"smuggled")

    gateway.service.on("/ws", refusing)
    async with connect(gateway.port) as wire:
        await wire.send(request("GET", "/ws", *UPGRADE) + request("GET", "/internal/secrets"))
        assert (await wire.answer())[0].status == 403
        assert await wire.rest() == b""
    assert gateway.service.seen == ["/ws"]


async def test_what_is_sent_before_the_service_agrees_reaches_it_afterwards(gateway: Running, sockets: str) -> None:
    async with connect(gateway.port) as wire:
        await wire.send(request("GET", "/ws", *UPGRADE) + b"\x81\x82\0\0\0\0hi")
        assert (await wire.head()).status == 101
        assert await wire.reader.readexactly(4) == b"\x81\x02hi"


async def test_a_socket_ends_with_its_session(gateway: Running, sockets: str) -> None:
    session_id = uuid4()
    by_token = await open_socket(f"{sockets}/api/v1/socket", additional_headers=gateway.bearer(session_id=session_id))
    by_ticket = await open_socket(f"{sockets}/ws?session={session_id}")
    other = await open_socket(f"{sockets}/ws?session={uuid4()}")
    gateway.gateway.edge.revocations.add(session_id, datetime.now(UTC) + timedelta(minutes=5))
    for socket in (by_token, by_ticket):
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "session-ended")
    await other.send("still here")
    assert await other.recv() == "still here"
    await other.close()


async def test_a_socket_ends_when_its_token_expires(gateway: Running, sockets: str) -> None:
    expiry = int(datetime.now(UTC).timestamp()) + 2
    async with open_socket(f"{sockets}/api/v1/socket", additional_headers=gateway.bearer(exp=expiry)) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "token-expired")


async def test_a_socket_ends_when_its_service_dies(gateway: Running) -> None:
    async def dying(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        raise ConnectionAbortedError

    gateway.service.on("/ws", dying)
    async with open_socket(f"{gateway.url.replace('http', 'ws')}/ws") as socket:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)
    await until(lambda: len(gateway.gateway.edge.streams) == 0)


async def test_streams_are_bounded(redis_url: str) -> None:
    async with running(redis_url, streams=2, streams_per_session=1) as gateway:
        gateway.service.on("/socket", parrot)
        url = f"{gateway.url.replace('http', 'ws')}/api/v1/socket"
        session_id = uuid4()
        first = await open_socket(url, additional_headers=gateway.bearer(session_id=session_id))
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(url, additional_headers=gateway.bearer(session_id=session_id))
        assert refused.value.response.status_code == 503
        second = await open_socket(url, additional_headers=gateway.bearer())
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(url, additional_headers=gateway.bearer())
        assert refused.value.response.headers["retry-after"] == "5"
        for socket in (first, second):
            await socket.close()
        await until(lambda: len(gateway.gateway.edge.streams) == 0)
        async with open_socket(url, additional_headers=gateway.bearer()):
            pass


def _frame(length: int, masked: bool) -> bytes:
    mask = 0x80 if masked else 0
    if length < 126:
        head = bytes((0x82, mask | length))
    elif length < 65536:
        head = bytes((0x82, mask | 126)) + struct.pack("!H", length)
    else:
        head = bytes((0x82, mask | 127)) + struct.pack("!Q", length)
    return head + (b"mask" if masked else b"") + b"\x81" * length


@given(
    frames=st.lists(st.tuples(st.sampled_from([0, 1, 125, 126, 127, 300, 65535, 65536]), st.booleans()), max_size=4),
    cuts=st.lists(st.integers(0, 200_000), max_size=12),
)
def test_a_boundary_is_where_a_frame_ends(frames: list[tuple[int, bool]], cuts: list[int]) -> None:
    stream, ends = b"", {0}
    for length, masked in frames:
        stream += _frame(length, masked)
        ends.add(len(stream))
    boundary, at = FrameBoundary(), 0
    for cut in sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)}):
        boundary.follow(stream[at:cut])
        at = cut
        assert boundary.between_frames == (at in ends)


def test_a_goodbye_is_a_close_frame() -> None:
    assert close_frame(1001, "bye") == b"\x88\x05\x03\xe9bye"
