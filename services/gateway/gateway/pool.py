"""The connections to one service: kept, bounded, and quick to say that the service is down."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from logging import getLogger
from urllib.parse import urlsplit

from chassis.errors import Unavailable

from gateway.metrics import UPSTREAM_CONNECTIONS, UPSTREAM_DOWN, UPSTREAM_FAILURES, UPSTREAM_WAITING
from gateway.refusals import Overloaded
from gateway.upstream import UpstreamConnection

log = getLogger(__name__)
_DOWN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of a pool; times in seconds. `idle_seconds` is shorter than a service keeps an idle connection (uvicorn: 5)."""

    connections: int = 256
    waiting: int = 256
    connect_seconds: float = 2.0
    wait_seconds: float = 2.0
    idle_seconds: float = 4.0


class Pool:
    """Connections to the service at `url`. `clock` gives monotonic seconds."""

    def __init__(self, service: str, url: str, limits: PoolLimits, clock: Callable[[], float]) -> None:
        parts = urlsplit(url)
        self.service = service
        self._host = parts.hostname or "127.0.0.1"
        self._tls = parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self.authority = parts.netloc.rpartition("@")[2].encode()
        self.origin = f"{parts.scheme}://".encode() + self.authority
        self._limits = limits
        self._clock = clock
        # They begin at 0: an alert has no rate of a counter that begins with its first event.
        UPSTREAM_DOWN.labels(service).set(0)
        self._refused_as_down = UPSTREAM_FAILURES.labels(service, "down")
        self._idle: list[UpstreamConnection] = []
        self._open: set[UpstreamConnection] = set()
        self._places_taken = 0
        self._waiting: deque[asyncio.Future[UpstreamConnection | None]] = deque()
        self._down_until = 0.0
        self._is_down = False
        self._connections = UPSTREAM_CONNECTIONS.labels(service)
        self._waiting_gauge = UPSTREAM_WAITING.labels(service)

    def take(self) -> UpstreamConnection | None:
        """An idle connection, unless others wait for one."""
        if self._waiting:
            return None
        now = self._clock()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and now - connection.idle_since < self._limits.idle_seconds:
                return connection
            connection.abort()
        return None

    async def reach(self) -> UpstreamConnection:
        """A connection, new or given back by another request; raises `Unavailable` or `Overloaded` in bounded time."""
        if self._idle and self._places_taken >= self._limits.connections:
            self._idle.pop().abort()  # a new one is wanted because a kept one failed: make room for it
        if self._places_taken >= self._limits.connections or self._waiting:
            given = await self._wait()
            if given is not None:
                return given
        else:
            self._places_taken += 1
        return await self._connect()

    def leave(self, connection: UpstreamConnection) -> None:
        """The connection carries a stream from now on: it is counted there, and its place is free for requests."""
        if connection.holds_place:
            connection.holds_place = False
            self._free_place()

    def sweep(self, now: float) -> None:
        """Close connections that have been idle for too long."""
        for connection in list(self._idle):
            if now - connection.idle_since >= self._limits.idle_seconds:
                self._idle.remove(connection)
                connection.abort()

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self._open):
            connection.abort()

    async def _wait(self) -> UpstreamConnection | None:
        """A connection that became idle, or a place (None) to open one."""
        if len(self._waiting) >= self._limits.waiting:
            raise self._overloaded()
        future: asyncio.Future[UpstreamConnection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._waiting_gauge.set(len(self._waiting))
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                return await future
        except TimeoutError:
            if future.done() and not future.cancelled():
                return future.result()  # it came in the very last moment
            raise self._overloaded() from None
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._pass_on(future.result())
            raise
        finally:
            with suppress(ValueError):
                self._waiting.remove(future)
            self._waiting_gauge.set(len(self._waiting))

    def _overloaded(self) -> Overloaded:
        UPSTREAM_FAILURES.labels(self.service, "full").inc()
        return Overloaded(f"The {self.service} service has too much to do. Try again in a few seconds.", retry_after=2)

    async def _connect(self) -> UpstreamConnection:
        """Open a connection in a place that is taken already."""
        try:
            if self._clock() < self._down_until:
                raise self._down()
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(self._limits.connect_seconds):
                _, connection = await loop.create_connection(
                    lambda: UpstreamConnection(self._became_idle, self._was_closed),
                    self._host,
                    self._port,
                    ssl=True if self._tls else None,
                )
        except (OSError, TimeoutError) as error:
            self._free_place()
            self._note_down(error)
            raise self._down() from error
        except BaseException:
            self._free_place()
            raise
        connection.holds_place = True
        self._open.add(connection)
        self._connections.set(len(self._open))
        self._note_up()
        return connection

    def _became_idle(self, connection: UpstreamConnection) -> None:
        connection.idle_since = self._clock()
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._idle.append(connection)

    def _was_closed(self, connection: UpstreamConnection) -> None:
        self._open.discard(connection)
        self._connections.set(len(self._open))
        with suppress(ValueError):
            self._idle.remove(connection)
        if connection.holds_place:
            connection.holds_place = False
            self._free_place()

    def _free_place(self) -> None:
        """Give the place to who waits longest, or nobody."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._places_taken -= 1

    def _pass_on(self, given: UpstreamConnection | None) -> None:
        if given is None:
            self._free_place()
        elif given.is_open:
            self._became_idle(given)

    def _down(self) -> Unavailable:
        self._refused_as_down.inc()
        return Unavailable(
            f"The {self.service} service cannot be reached right now. Try again in a moment.", retry_after=2
        )

    def _note_down(self, error: Exception) -> None:
        # Others need not wait out the same timeout; one of them finds out when the service is back.
        self._down_until = self._clock() + _DOWN_SECONDS
        if not self._is_down:
            self._is_down = True
            UPSTREAM_DOWN.labels(self.service).set(1)
            log.warning("%s cannot be reached at %s: %s", self.service, self.authority.decode(), error or "no answer")

    def _note_up(self) -> None:
        if self._is_down:
            self._is_down = False
            UPSTREAM_DOWN.labels(self.service).set(0)
            log.info("%s can be reached again", self.service)
