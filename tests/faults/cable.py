"""A line between a service and a server that can be cut, slowed down and silenced."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from devstack.waiting import until


class Cable:
    """Listens on a port of its own and passes on what comes to the server of a URL."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._port = 0
        self._delay = 0.0
        self._whole = True
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self.carried = 0
        """Bytes, so that a test can tell whether anybody used it."""

    @property
    def url(self) -> str:
        """The server's URL, through the cable."""
        credentials = self._target.netloc.rpartition("@")[0]
        return urlunsplit(self._target._replace(netloc=f"{credentials}@127.0.0.1:{self._port}"))

    def cut(self) -> None:
        """Every connection breaks, and none can be made until `mend`."""
        self._whole = False
        for end in self._ends:
            end.transport.abort()

    def slow(self, seconds: float) -> None:
        """Everything that is said takes so much longer, each way."""
        self._delay = seconds

    def silence(self) -> None:
        """Connections stay, and nothing comes through until `mend`."""
        self._flowing.clear()

    def mend(self) -> None:
        self._whole, self._delay = True, 0.0
        self._flowing.set()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Cable"]:
        """It is there while the block runs."""
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            self.mend()
            await until(self._is_idle, 10)

    async def _is_idle(self) -> bool:
        return not self._ends

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        try:
            if self._whole:
                await self._pass_on(reader, writer)
        finally:
            self._ends.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        except OSError:
            return  # the server is away; the client is told by the end of its connection
        self._ends.add(far_writer)
        try:
            ways = [asyncio.create_task(self._pump(*way)) for way in ((reader, far_writer), (far_reader, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
        finally:
            self._ends.discard(far_writer)
            far_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while heard := await reader.read(65536):
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._flowing.wait()
                writer.write(heard)
                await writer.drain()
                self.carried += len(heard)
