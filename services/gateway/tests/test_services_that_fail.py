"""A service that is down, hangs, dies or talks nonsense: a clear answer in bounded time, and the others go on."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.types import Receive, Scope, Send

from .fakes import Running, answer, deaf, listener, running, until
from .wire import connect, request

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[str]:
    """A service that does what the script says with each connection; its URL."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await script(reader, writer)

    listening = listener()
    server = await asyncio.start_server(serve, sock=listening)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.close()


def saying(*pieces: bytes, close: bool = True) -> Script:
    """Reads a request's head, says something, and closes."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if close:
            writer.close()

    return script


async def test_a_service_that_is_down_is_a_503_at_once_and_the_others_go_on(redis_url: str) -> None:
    async with (
        running(redis_url, chat_url="http://127.0.0.1:1") as gateway,
        httpx.AsyncClient(base_url=gateway.url) as http,
    ):
        for _ in range(3):
            started = time.monotonic()
            down = await http.get("/api/v1/other")
            assert time.monotonic() - started < 2.5
            assert (down.status_code, down.headers["retry-after"]) == (503, "2")
            assert "chat service" in down.json()["detail"]
            assert (await http.get("/api/v1/open")).status_code == 200
        assert REGISTRY.get_sample_value("gateway_upstream_down", {"service": "chat"}) == 1


async def test_a_service_that_does_not_take_connections_is_a_503_in_bounded_time(redis_url: str) -> None:
    with deaf() as port:
        waiting = running(redis_url, chat_url=f"http://127.0.0.1:{port}")
        async with waiting as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
            started = time.monotonic()
            answers = await asyncio.gather(*(http.get("/api/v1/other") for _ in range(10)))
            assert 1.5 < time.monotonic() - started < 4
            assert {answer.status_code for answer in answers} == {503}
            started = time.monotonic()
            assert (await http.get("/api/v1/other")).status_code == 503
            assert time.monotonic() - started < 0.5, "it is known to be down"


async def test_a_service_that_comes_back_is_used_again(redis_url: str) -> None:
    held = listener()
    port = held.getsockname()[1]
    held.close()
    async with (
        running(redis_url, chat_url=f"http://127.0.0.1:{port}") as gateway,
        httpx.AsyncClient(base_url=gateway.url) as http,
    ):
        assert (await http.get("/api/v1/other")).status_code == 503
        server = await asyncio.start_server(saying(OK), "127.0.0.1", port)
        deadline = time.monotonic() + 5
        while (await http.get("/api/v1/other")).status_code != 200:
            assert time.monotonic() < deadline
        server.close()


async def test_a_service_that_hangs_is_a_504_at_the_routes_timeout(gateway: Running) -> None:
    async def hanging(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    gateway.service.on("/slow", hanging)
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        for ask in (http.get("/api/v1/slow"), http.post("/api/v1/slow", content=b"x" * 10)):
            started = time.monotonic()
            response = await ask
            assert (response.status_code, response.json()["type"]) == (504, "urn:studyteddy:problem:gateway-timeout")
            assert 0.25 < time.monotonic() - started < 2
        assert (await http.get("/api/v1/open")).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
    ids=["nothing", "half a line", "nonsense", "two framings", "two lengths", "bare line ends", "unasked 101", "endless head"],
)  # fmt: skip
async def test_nonsense_is_a_502_that_says_what_to_do(redis_url: str, said: bytes) -> None:
    async with (
        scripted(saying(said)) as url,
        running(redis_url, chat_url=url) as gateway,
        connect(gateway.port) as wire,
    ):
        head, body = await wire.get("/api/v1/other")
        assert (head.status, json.loads(body)["type"]) == (502, "urn:studyteddy:problem:bad-gateway")
        assert "chat service broke off" in json.loads(body)["detail"]
        assert (await wire.get("/api/v1/open"))[0].status == 200, "the client's connection is as good as before"


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", False),
        (b"HTTP/1.1 200 OK\r\n\r\nhalf", True),
    ],
    ids=["length", "chunks", "bad chunk", "until it closes"],
)
async def test_a_service_that_dies_in_mid_answer_never_makes_a_part_look_whole(
    redis_url: str, said: bytes, whole: bool
) -> None:
    async with (
        scripted(saying(said)) as url,
        running(redis_url, chat_url=url) as gateway,
        connect(gateway.port) as wire,
    ):
        await wire.send(request("GET", "/api/v1/other"))
        head = await wire.head()
        assert head.status == 200
        if whole:
            assert await wire.body(head) == b"half"
        else:
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ValueError)):
                await wire.body(head)


async def test_a_part_does_not_look_whole_to_an_old_client_either(redis_url: str) -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
    async with (
        scripted(saying(said)) as url,
        running(redis_url, chat_url=url) as gateway,
        connect(gateway.port) as wire,
    ):
        await wire.send(b"GET /api/v1/other HTTP/1.0\r\n\r\n")
        with pytest.raises(ConnectionError):
            await wire.reader.read()


async def test_an_answer_that_falls_silent_is_cut(redis_url: str) -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    async with scripted(saying(said, close=False)) as url:
        silent = running(redis_url, chat_url=url, idle_body_seconds=0.3)
        async with silent as gateway, connect(gateway.port) as wire:
            await wire.send(request("GET", "/api/v1/other"))
            assert (await wire.head()).status == 200
            assert await wire.rest() == b"half"


async def test_what_follows_an_answer_is_not_taken_for_the_next(redis_url: str) -> None:
    too_much = saying(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", close=False)
    async with scripted(too_much) as url, running(redis_url, chat_url=url) as gateway, connect(gateway.port) as wire:
        for _ in range(3):
            assert (await wire.get("/api/v1/other"))[1] == b"ok"


async def test_a_service_that_speaks_unasked_is_not_listened_to(redis_url: str) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        spoke.set()
        await asked.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    spoke, asked = asyncio.Event(), asyncio.Event()
    async with scripted(script) as url, running(redis_url, chat_url=url) as gateway, connect(gateway.port) as wire:
        assert (await wire.get("/api/v1/other"))[1] == b"ok"
        pool = gateway.gateway.edge.pools["chat"]
        await until(lambda: len(pool._idle) == 1)
        asked.set()
        await until(lambda: not pool._idle)
        asked.clear()
        assert (await wire.get("/api/v1/other"))[1] == b"ok"


async def test_interim_answers_are_passed_over(redis_url: str) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with (
        scripted(saying(interim, OK)) as url,
        running(redis_url, chat_url=url) as gateway,
        connect(gateway.port) as wire,
    ):
        head, body = await wire.get("/api/v1/other")
        assert (head.status, body, "link" in head.headers) == (200, b"ok", False)


async def test_a_kept_connection_that_the_service_just_closed_costs_nobody_a_request(redis_url: str) -> None:
    connections = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")
        writer.close()  # it has read the next request, and answers nothing

    async with scripted(once) as url, running(redis_url, chat_url=url) as gateway, connect(gateway.port) as wire:
        for _ in range(5):
            head, body = await wire.get("/api/v1/other")
            assert (head.status, body) == (200, b"ok")
        assert connections == 5


async def test_what_changes_something_is_not_sent_twice(gateway: Running) -> None:
    seen = 0

    async def dying(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            await answer(send, b"ok")
        else:
            raise ConnectionAbortedError

    gateway.service.on("/open", dying)
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        assert (await http.post("/api/v1/open", content=b"1")).status_code == 200
        assert (await http.post("/api/v1/open", content=b"2")).status_code in (500, 502)
    assert seen == 2


async def test_idle_connections_are_given_up_before_the_service_gives_them_up(gateway: Running) -> None:
    pool = gateway.gateway.edge.pools["ingestion"]
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        await http.get("/api/v1/open")
        await until(lambda: len(pool._idle) == 1)
        pool.sweep(pool._clock() + 3.9)
        assert len(pool._idle) == 1
        pool.sweep(pool._clock() + 4.1)
        await until(lambda: not pool._open)
        assert (await http.get("/api/v1/open")).status_code == 200
