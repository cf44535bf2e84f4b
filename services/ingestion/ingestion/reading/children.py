"""The worker's side of the nursery: orders go out, frames come back, and what takes too long is killed."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncGenerator
from itertools import count
from logging import getLogger
from pathlib import Path
from typing import Self

from ingestion.reading.frames import LENGTH_SIZE, Frame, Order, body_length, decode
from ingestion.reading.limits import ReadingLimits, hide
from ingestion.reading.nursery import LENGTH

log = getLogger(__name__)
READ_BYTES = 64 * 1024


class ChildLost(Exception):
    """The child ended, or was killed, before it had said everything."""


class Children:
    """Starts one child for each order. An async context manager; a nursery that died is started again at the next order."""

    def __init__(self, limits: ReadingLimits) -> None:
        self.limits = limits
        self._numbers = count(1)
        self._nursery: asyncio.subprocess.Process | None = None
        self._requests: socket.socket | None = None
        self._ends: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._ended = False

    async def __aenter__(self) -> Self:
        await self._ready()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended = True
        await self._close()

    @property
    def nursery_id(self) -> int | None:
        """The nursery's process id, while it runs."""
        return self._nursery.pid if self._nursery and self._nursery.returncode is None else None

    async def frames(self, order: Order) -> AsyncGenerator[Frame]:
        """What a new child says about the order, as it says it.

        Raises `TimeoutError` after a silence of `limits.page_seconds`, `ChildLost` when the child ends before `Finished` or
        `Refused`. The child is dead when the iterator is closed.
        """
        requests = await self._ready()
        number = next(self._numbers)
        receiving, sending = os.pipe()
        stream, transport = await _open(receiving)
        try:
            try:
                request = {"number": number, "order": _fields(order), "limits": self.limits.as_json()}
                _send(requests, request, [sending])
            finally:
                os.close(sending)
            async for frame in self._read(stream):
                yield frame
        finally:
            transport.close()
            with contextlib.suppress(OSError):
                _send(requests, {"kill": number}, [])

    async def _read(self, stream: asyncio.StreamReader) -> AsyncGenerator[Frame]:
        # Frames are often many in what one read brings.
        came = bytearray()
        while True:
            async with asyncio.timeout(self.limits.page_seconds):
                more = await stream.read(READ_BYTES)
            if not more:
                raise ChildLost("the child ended before it was done")
            came += more
            try:
                while len(came) >= LENGTH_SIZE:
                    end = LENGTH_SIZE + body_length(came[:LENGTH_SIZE])
                    if len(came) < end:
                        break
                    frame = decode(bytes(came[LENGTH_SIZE:end]))
                    del came[:end]
                    yield frame
            except ValueError as error:
                raise ChildLost("the child said what is no frame") from error

    async def _ready(self) -> socket.socket:
        async with self._starting:
            if self._ended:
                raise RuntimeError("reading has ended")
            if self._requests is None or self._nursery is None or self._nursery.returncode is not None:
                await self._close()
                self._requests = await self._start()
            return self._requests

    async def _start(self) -> socket.socket:
        hide()  # a file that takes over its child would find our secrets in /proc
        ours, theirs = socket.socketpair()
        package = str(Path(__file__).parents[2])
        with theirs:
            self._nursery = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "ingestion.reading.nursery", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
                env=_environment(package),
            )
        self._ends = asyncio.create_task(_note_ends(self._nursery), name="reading.ends")
        return ours

    async def _close(self) -> None:
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._nursery is not None:
            await self._nursery.wait()
            self._nursery = None
        if self._ends is not None:
            await self._ends
            self._ends = None


def _environment(package: str) -> dict[str, str]:
    """What a process that handles strangers' files needs to know: no addresses, no secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV") if name in os.environ}
    return kept | {"PYTHONPATH": package, "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}


async def _open(pipe: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader(limit=READ_BYTES)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(pipe, "rb", 0))
    return stream, transport


def _fields(order: Order) -> dict[str, object]:
    return {name: getattr(order, name) for name in order.__slots__}


def _send(requests: socket.socket, request: dict[str, object], pipes: list[int]) -> None:
    # A few hundred bytes to a process that does nothing but wait for them.
    body = json.dumps(request).encode()
    message = LENGTH.pack(len(body)) + body
    if pipes:
        socket.send_fds(requests, [message], pipes)
    else:
        requests.sendall(message)


async def _note_ends(nursery: asyncio.subprocess.Process) -> None:
    assert nursery.stdout is not None
    async for line in nursery.stdout:
        number, code = line.split()
        if int(code) not in (0, -9):
            log.warning("reading child %s ended with %s", number.decode(), code.decode())
