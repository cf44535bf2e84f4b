"""Bodies pass through as they come, in both directions, and whoever is slow makes the other side wait."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import psutil
from gateway.exchange import Exchange
from gateway.requests import RequestFields, RequestHead
from starlette.types import Receive, Scope, Send

from .fakes import Running, answer, listener, read_body, running, until
from .wire import Wire, connect, request

MIB = 1024 * 1024


async def test_the_first_byte_of_an_answer_arrives_before_the_last_is_made(gateway: Running) -> None:
    go_on = asyncio.Event()

    async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"later"})

    gateway.service.on("/open", slowly)
    async with connect(gateway.port) as wire:
        await wire.send(request("GET", "/api/v1/open"))
        await wire.head()
        assert await wire.reader.readexactly(5) == b"first"
        go_on.set()
        assert await wire.reader.readexactly(5) == b"later"


async def test_the_head_of_an_answer_arrives_before_its_body_is_made(gateway: Running) -> None:
    go_on = asyncio.Event()

    async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"done"})

    gateway.service.on("/open", slowly)
    async with connect(gateway.port) as wire:
        await wire.send(request("GET", "/api/v1/open"))
        head = await wire.head()
        go_on.set()
        assert await wire.body(head) == b"done"


async def test_the_first_byte_of_an_upload_reaches_the_service_before_the_last_is_sent(gateway: Running) -> None:
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def watching(scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive()).get("more_body"):
            if message["body"]:
                arrived.put_nowait(message["body"])
        await answer(send, b"ok")

    gateway.service.on("/open", watching)
    for framing, first, last in (
        ("Content-Length: 10", b"first", b"later"),
        ("Transfer-Encoding: chunked", b"5\r\nfirst\r\n", b"5\r\nlater\r\n0\r\n\r\n"),
    ):
        async with connect(gateway.port) as wire:
            await wire.send(request("POST", "/api/v1/open", framing), first)
            async with asyncio.timeout(5):
                assert await arrived.get() == b"first"
            await wire.send(last)
            assert (await wire.answer())[1] == b"ok"


async def test_an_upload_passes_unchanged_and_takes_no_memory(gateway: Running) -> None:
    digest, size = hashlib.sha256(), 0

    async def hashing(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal size
        more = True
        while more:
            message = await receive()
            digest.update(message["body"])
            size += len(message["body"])
            more = message.get("more_body", False)
        await answer(send, digest.hexdigest().encode())

    gateway.service.on("/open", hashing)
    piece, expected = bytes(range(256)) * 256, hashlib.sha256()
    before, most = _memory(), 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal most
        for number in range(1600):
            expected.update(piece)
            if number % 100 == 99:
                most = max(most, _memory())
            yield piece

    async with httpx.AsyncClient(base_url=gateway.url, timeout=60) as http:
        response = await http.post("/api/v1/open", content=pieces())
    assert response.text == expected.hexdigest()
    assert size == 100 * MIB
    assert most - before < 24 * MIB


@asynccontextmanager
async def _source(pieces: int, piece: bytes) -> AsyncIterator[tuple[int, list[int]]]:
    """A service that sends as fast as it is read, and counts what it could send."""
    sent: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (pieces * len(piece)))
        for _ in range(pieces):
            writer.write(piece)
            await writer.drain()
            sent.append(len(piece))
        writer.close()

    listening = listener()
    server = await asyncio.start_server(serve, sock=listening)
    yield listening.getsockname()[1], sent
    server.close()


async def test_a_client_that_does_not_read_makes_the_service_wait(redis_url: str) -> None:
    async with _source(1600, b"x" * 65536) as (port, sent):
        source = running(redis_url, ingestion_url=f"http://127.0.0.1:{port}")
        async with source as gateway, connect(gateway.port) as wire:
            before = _memory()
            await wire.send(request("GET", "/api/v1/open"))
            head = await wire.head()
            stalled = await _until_it_stalls(sent)
            assert stalled < 32 * MIB, "the rest waits in the service"
            assert _memory() - before < 24 * MIB
            size = int(head.headers["content-length"])
            while size:
                size -= len(await wire.reader.read(min(size, MIB)))
            assert sum(sent) == 100 * MIB


async def _until_it_stalls(sent: list[int]) -> int:
    last, since = -1, 0
    while since < 10:
        await asyncio.sleep(0.02)
        since = since + 1 if sum(sent) == last else 0
        last = sum(sent)
    return last


async def test_a_service_that_does_not_read_makes_the_client_wait(gateway: Running) -> None:
    go_on = asyncio.Event()

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await go_on.wait()
        await answer(send, str(len(await read_body(receive))).encode())

    gateway.service.on("/open", late)
    before, sent = _memory(), [0]

    async def upload(wire: Wire) -> None:
        await wire.send(request("POST", "/api/v1/open", f"Content-Length: {100 * MIB}"))
        for _ in range(1600):
            await wire.send(b"x" * 65536)
            sent.append(65536)

    async with connect(gateway.port) as wire:
        uploading = asyncio.create_task(upload(wire))
        stalled = await _until_it_stalls(sent)
        assert stalled < 32 * MIB, "the rest waits in the client"
        assert _memory() - before < 24 * MIB
        go_on.set()
        assert (await wire.answer())[1] == str(100 * MIB).encode()
        await uploading


async def test_a_connection_that_was_held_to_the_end_serves_the_next_request(gateway: Running) -> None:
    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"x" * 6 * MIB)

    gateway.service.on("/things/large", large)
    authorization = f"Authorization: {gateway.bearer()['Authorization']}"
    for _ in range(3):
        async with connect(gateway.port, receive_buffer=16384) as wire:
            await wire.send(request("GET", "/api/v1/things/large", authorization))
            left = int((await wire.head()).headers["content-length"])
            while left:
                left -= len(await wire.reader.read(min(left, MIB)))
        async with connect(gateway.port) as wire:
            assert (await wire.get("/api/v1/open"))[0].status == 200
        assert len(gateway.gateway.edge.pools["ingestion"]._open) == 1, "it is the same connection"


class FullClient:
    """A client's connection whose buffer is full before its next request begins."""

    is_closing_down = False
    deadline = 0.0

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_over = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def exchange_over(self, exchange: Exchange, *, close: bool) -> None:
        self.is_over = True

    def flush(self) -> None: ...

    def hold(self) -> None: ...

    def go_on(self) -> None: ...

    def cut(self) -> None: ...


async def test_the_answer_to_a_request_behind_a_full_client_waits_in_the_service(gateway: Running) -> None:
    client, edge = FullClient(), gateway.gateway.edge
    head = RequestHead(b"GET", "1.1", b"/api/v1/open", RequestFields([(b"Host", b"g")]))
    exchange = Exchange(edge, client, head, edge.neighbours.origin("127.0.0.1"))
    exchange.client_is_full(True)
    exchange.begin()
    await until(lambda: gateway.service.seen)
    for _ in range(20):
        await asyncio.sleep(0.005)
        assert client.written == []
    exchange.client_is_full(False)
    await until(lambda: client.is_over)
    assert client.written[0].startswith(b"HTTP/1.1 200 OK")


async def test_a_client_that_goes_away_is_told_to_the_service(gateway: Running) -> None:
    gone = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        gone.set()

    gateway.service.on("/events", endless)
    async with connect(gateway.port) as wire:
        await wire.send(request("GET", "/api/v1/events", f"Authorization: {gateway.bearer()['Authorization']}"))
        await wire.head()
        assert await wire.chunk() == b"data: 1\n\n"
        assert len(gateway.gateway.edge.streams) == 1
    async with asyncio.timeout(5):
        await gone.wait()
    await until(lambda: len(gateway.gateway.edge.streams) == 0)


async def test_a_client_that_goes_away_while_it_waits_is_told_to_the_service(gateway: Running) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def thinking(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        asked.set()
        assert (await receive())["type"] == "http.disconnect"
        gone.set()

    gateway.service.on("/open", thinking)
    async with connect(gateway.port) as wire:
        await wire.send(request("GET", "/api/v1/open"))
        await asked.wait()
    async with asyncio.timeout(5):
        await gone.wait()


async def test_a_reader_that_stopped_reading_is_let_go(redis_url: str) -> None:
    async with _source(1600, b"x" * 65536) as (port, sent):
        source = running(redis_url, ingestion_url=f"http://127.0.0.1:{port}", idle_body_seconds=0.3)
        async with source as gateway, connect(gateway.port) as wire:
            await wire.send(request("GET", "/api/v1/open"))
            head = await wire.head()
            await _until_it_stalls(sent)
            await until(lambda: not gateway.gateway.edge.pools["ingestion"]._open)
            received = len(await wire.rest())
            assert received < int(head.headers["content-length"])


async def test_an_answer_that_comes_before_the_upload_is_whole_is_passed_on(gateway: Running) -> None:
    async def impatient(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"no", 409)

    gateway.service.on("/open", impatient)
    async with connect(gateway.port) as wire:
        await wire.send(request("POST", "/api/v1/open", f"Content-Length: {100 * MIB}"), b"x" * 1000)
        head, body = await wire.answer()
        assert (head.status, head.headers["connection"], body) == (409, "close", b"no")


async def test_an_empty_chunked_upload_is_an_empty_body(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        await wire.send(request("POST", "/api/v1/open", "Transfer-Encoding: chunked") + b"0\r\n\r\n")
        assert json.loads((await wire.answer())[1])["body"] == ""


def _memory() -> int:
    memory: int = psutil.Process().memory_info().rss
    return memory
