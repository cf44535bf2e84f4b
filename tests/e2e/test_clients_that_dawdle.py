"""Clients that send slowly, read slowly, or are gone without a word: they are cut off, and nobody else waits for them."""

import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from devstack.local_mesh import LocalMesh
from devstack.waiting import until

from .strange_files import one_page, stream
from .students import Student

# Beside what the gateway's settings allow: this machine may be busy.
GRACE = 30
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connections(mesh: LocalMesh, count: int) -> AsyncIterator[list[Streams]]:
    """So many connections to the gateway."""
    where = urlsplit(mesh.url)
    opened = await asyncio.gather(*(asyncio.open_connection(where.hostname, where.port) for _ in range(count)))
    yield list(opened)
    for _, writer in opened:
        writer.transport.abort()


async def trickle(streams: Streams, opening: bytes, drop: bytes) -> float:
    """Send a little every second until the gateway has enough of it; how many seconds that took."""
    reader, writer = streams
    started = time.monotonic()
    with suppress(ConnectionError):
        writer.write(opening)
        while not reader.at_eof() and time.monotonic() - started < 60 + GRACE:
            writer.write(drop)
            await writer.drain()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await reader.read(65536)
    return time.monotonic() - started


async def swiftly(student: Student, dawdling: "asyncio.Future[Any]") -> int:
    """Ask for something small again and again while others dawdle; how often that was answered within ten seconds."""
    answered = 0
    while not dawdling.done():
        async with asyncio.timeout(10):
            assert (await student.http.get("/users/me")).status_code == 200
        answered += 1
        await asyncio.wait({dawdling}, timeout=0.5)
    return answered


@pytest.mark.timeout(300)
async def test_clients_that_dawdle_are_cut_off_and_nobody_waits_for_them(mesh: LocalMesh, student: Student) -> None:
    document = await student.ready("heavy.pdf", one_page(b"", b"", stream(os.urandom(20_000_000))))
    dawdling = asyncio.gather(
        half_heads(mesh),
        half_bodies(mesh, student),
        readers_of_nothing(mesh, student, document["id"]),
        silent_sockets(mesh, student, "/ws?ticket={}"),
        silent_sockets(mesh, student, "/graphql"),
    )
    try:
        assert await swiftly(student, dawdling) > 0
    finally:
        dawdling.cancel()
    heads, bodies, readers, pushes, subscriptions = map(max, dawdling.result())
    assert heads < 10 + GRACE
    assert bodies < 30 + GRACE
    assert readers < 30 + GRACE
    assert pushes < 60 + GRACE
    assert subscriptions < 60 + GRACE


async def half_heads(mesh: LocalMesh) -> list[float]:
    """Requests whose head never ends."""
    head = b"GET /api/v1/users/me HTTP/1.1\r\nHost: localhost\r\n"
    async with connections(mesh, 40) as opened:
        return await asyncio.gather(*(trickle(streams, head, b"X-Slow: 1\r\n") for streams in opened))


async def half_bodies(mesh: LocalMesh, student: Student) -> list[float]:
    """Uploads of a byte a second."""
    upload = (
        b"POST /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n"
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="slow.txt"\r\n\r\n'
    ) % student.tokens["access_token"].encode()
    async with connections(mesh, 20) as opened:
        return await asyncio.gather(*(trickle(streams, upload, b"a") for streams in opened))


async def readers_of_nothing(mesh: LocalMesh, student: Student, document_id: str) -> list[float]:
    """Downloads that are asked for and not read."""
    asking = f"GET /api/v1/documents/{document_id}/file HTTP/1.1\r\nHost: localhost\r\n"
    asking += f"Authorization: Bearer {student.tokens['access_token']}\r\n\r\n"
    async with connections(mesh, 10) as opened:
        for _, writer in opened:
            writer.write(asking.encode())
        return [await until_gone(mesh, opened)]


async def silent_sockets(mesh: LocalMesh, student: Student, path: str) -> list[float]:
    """WebSockets that are opened and never answer."""

    async def opening() -> bytes:
        ticket = (await student.http.post(f"{mesh.url}/ws/ticket")).json()["ticket"]
        key = base64.b64encode(os.urandom(16)).decode()
        return (
            f"GET {path.format(ticket)} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        ).encode()

    # Together fewer than one session may have streams open.
    async with connections(mesh, 8) as opened:
        return await asyncio.gather(*(until_closed(streams, opening) for streams in opened))


async def until_gone(mesh: LocalMesh, opened: list[Streams]) -> float:
    """Read nothing until the gateway has given them all up; how many seconds that took."""
    started = time.monotonic()
    for _, writer in opened:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of a socket can
    clients = {writer.get_extra_info("sockname")[1] for _, writer in opened}
    server = urlsplit(mesh.url).port

    def held() -> bool:
        return any(
            end.laddr[1:] == (server,) and not clients.isdisjoint(end.raddr[1:])
            for end in psutil.net_connections("tcp4")
            if end.status == psutil.CONN_ESTABLISHED
        )

    async def gone() -> bool:
        return not await asyncio.to_thread(held)

    await until(gone, 60 + GRACE)
    return time.monotonic() - started


async def until_closed(streams: Streams, opening: Callable[[], Awaitable[bytes]]) -> float:
    """Open a WebSocket, read and never answer; how many seconds until it is ended."""
    reader, writer = streams
    started = time.monotonic()
    writer.write(await opening())
    assert b" 101 " in await reader.readline()
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(90 + GRACE):
            while await reader.read(65536):
                pass
    return time.monotonic() - started
