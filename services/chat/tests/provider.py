"""A small server that speaks OpenAI's chat completions with streaming, and misbehaves as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Writer = asyncio.StreamWriter
Script = Callable[[Writer], Awaitable[None]]
USAGE = {"prompt_tokens": 21, "completion_tokens": 8, "total_tokens": 29}
_STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@dataclass
class Provider:
    """Each request takes the next script; the last one is used for all that follow."""

    scripts: list[Script]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [
                line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            ]
            self.requests.append(json.loads(await reader.readexactly(int(lengths[0]))))
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            working = asyncio.ensure_future(script(writer))
            leaving = asyncio.ensure_future(reader.read())
            try:
                await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if not working.done():
                    self.hung_up.set()
            finally:
                for task in (working, leaving):
                    task.cancel()
                await asyncio.gather(working, leaving, return_exceptions=True)


@asynccontextmanager
async def provider(*scripts: Script) -> AsyncIterator[Provider]:
    """The server at `url` until the block ends."""
    served = Provider(list(scripts))
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: Writer) -> None:
        try:
            await served.serve(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.ensure_future(connected(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield served
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


def says(
    *pieces: str,
    reason: str | None = "stop",
    usage: dict[str, int] | None = USAGE,
    gate: asyncio.Event | None = None,
    after: int = 0,
) -> Script:
    """Streams the pieces; with a `gate` it waits there after so many of them."""

    async def script(writer: Writer) -> None:
        writer.write(_STREAM)
        for place, piece in enumerate(pieces):
            if gate is not None and place == after:
                await gate.wait()
            await _chunk(writer, _event({"content": piece}))
        await _chunk(writer, _event({}, reason))
        if usage is not None:
            await _chunk(writer, _event(None, usage=usage))
        await _chunk(writer, "data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    return script


def breaks_off(*pieces: str, politely: bool = False) -> Script:
    """Streams the pieces and is gone; `politely`: closes the stream as if it had been whole."""

    async def script(writer: Writer) -> None:
        writer.write(_STREAM)
        for piece in pieces:
            await _chunk(writer, _event({"content": piece}))
        if politely:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        else:
            writer.transport.abort()

    return script


def muses(*pieces: str, pause: float = 0.003) -> Script:
    """Streams the pieces one by one, as slowly as a model thinks."""

    async def script(writer: Writer) -> None:
        writer.write(_STREAM)
        for piece in pieces:
            await _chunk(writer, _event({"content": piece}))
            await asyncio.sleep(pause)
        await _chunk(writer, _event({}, "stop"))
        await _chunk(writer, "data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    return script


def falls_silent(*pieces: str) -> Script:
    """Streams the pieces and then keeps the connection open, sending what is no text."""

    async def script(writer: Writer) -> None:
        writer.write(_STREAM)
        for piece in pieces:
            await _chunk(writer, _event({"content": piece}))
        await asyncio.Event().wait()

    return script


def refuses(status: int, message: str = "no", **headers: str) -> Script:
    """Answers with an error."""

    async def script(writer: Writer) -> None:
        body = json.dumps({"error": {"message": message, "type": "error"}}).encode()
        lines = [
            f"HTTP/1.1 {status} X",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        await writer.drain()

    return script


def babbles(*lines: str) -> Script:
    """Streams lines that are no protocol."""

    async def script(writer: Writer) -> None:
        writer.write(_STREAM)
        for line in lines:
            await _chunk(writer, line)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    return script


def _event(delta: dict[str, str] | None, reason: str | None = None, usage: dict[str, int] | None = None) -> str:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
    chunk = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": choices,
        "usage": usage,
    }
    return f"data: {json.dumps(chunk)}\n\n"


async def _chunk(writer: Writer, text: str) -> None:
    body = text.encode()
    writer.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")
    await writer.drain()
