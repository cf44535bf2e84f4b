"""A client that sends exactly the bytes that it is given, and reads answers as they come."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

PATIENCE = 5.0


@dataclass
class Head:
    """The head of an answer."""

    status: int
    headers: dict[str, str]


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes) -> None:
        """Send bytes."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def get(self, path: str, *headers: str, method: str = "GET") -> tuple[Head, bytes]:
        """Ask, and read the whole answer."""
        await self.send(request(method, path, *headers))
        return await self.answer(method)

    async def head(self) -> Head:
        """The next answer's head."""
        async with asyncio.timeout(PATIENCE):
            block = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = block.split("\r\n")
        headers: dict[str, str] = {}
        for line in lines[1:-2]:
            name, _, value = line.partition(": ")
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        return Head(int(lines[0].split()[1]), headers)

    async def chunk(self) -> bytes:
        """The next chunk of a chunked body; empty at its end."""
        async with asyncio.timeout(PATIENCE):
            size = int(await self.reader.readline(), 16)
            return (await self.reader.readexactly(size + 2))[:-2]

    async def body(self, head: Head) -> bytes:
        """The rest of the answer."""
        if head.headers.get("transfer-encoding") == "chunked":
            pieces = []
            while piece := await self.chunk():
                pieces.append(piece)
            return b"".join(pieces)
        async with asyncio.timeout(PATIENCE):
            if "content-length" in head.headers:
                return await self.reader.readexactly(int(head.headers["content-length"]))
            return await self.reader.read()

    async def answer(self, method: str = "GET") -> tuple[Head, bytes]:
        """The next answer, whole."""
        head = await self.head()
        without = method == "HEAD" or head.status in (204, 304)
        return head, b"" if without else await self.body(head)

    async def rest(self) -> bytes:
        """Everything until the other side closes."""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionResetError):
                return await self.reader.read()
        return b""


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@asynccontextmanager
async def connect(port: int, *, receive_buffer: int | None = None) -> AsyncIterator[Wire]:
    """A connection to a local port; with a small buffer, of a client behind a narrow line."""
    client = socket.socket()
    client.setblocking(False)
    if receive_buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    except OSError:
        client.close()
        raise
    reader, writer = await asyncio.open_connection(sock=client)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
