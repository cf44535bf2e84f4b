"""Listens for clients, watches their deadlines, and stops without losing what is in flight."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from logging import getLogger

from gateway.client import ClientConnection
from gateway.edge import Edge
from gateway.metrics import CONNECTIONS
from gateway.outlets import SHUTDOWN

log = getLogger(__name__)
TICK_SECONDS = 0.25
_SWEEP_TICKS = 8
_BACKLOG = 1024
# Kept of the grace period, to close what did not finish.
_LAST_SECONDS = 2.0


class Server:
    """The gateway's HTTP server."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._connections: set[ClientConnection] = set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self.is_stopping = False

    async def serve(self, listener: socket.socket, stop: asyncio.Event, grace: float) -> None:
        """Serve until `stop`, then finish what is in flight within the grace period (seconds)."""
        _notice_dead_clients(listener)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: ClientConnection(self._edge, self), sock=listener, backlog=_BACKLOG)
        watching = asyncio.create_task(self._watch())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            server.close()
            await self._finish(grace)
        finally:
            server.close()
            for task in (watching, stopping):
                task.cancel()
            for pool in self._edge.pools.values():
                pool.close()
        with suppress(asyncio.CancelledError):
            await watching

    def enter(self, connection: ClientConnection) -> bool:
        """See `client.Clients`."""
        self._connections.add(connection)
        self._is_empty.clear()
        CONNECTIONS.set(len(self._connections))
        return len(self._connections) <= self._edge.bounds.client_connections

    def leave(self, connection: ClientConnection) -> None:
        """See `client.Clients`."""
        self._connections.discard(connection)
        CONNECTIONS.set(len(self._connections))
        if not self._connections:
            self._is_empty.set()

    async def _finish(self, grace: float) -> None:
        self.is_stopping = True
        for connection in list(self._connections):
            connection.stop()
        await self._wait_until_empty(max(0.0, grace - _LAST_SECONDS))
        self._edge.streams.end_all(SHUTDOWN)
        await self._wait_until_empty(min(1.0, grace / 4))
        if self._connections:
            log.warning("%d connections did not finish in time", len(self._connections))
        for connection in list(self._connections):
            connection.cut()

    async def _wait_until_empty(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_empty.wait()

    async def _watch(self) -> None:
        """One clock for all connections: a timer for each request would cost more than the request."""
        edge, ticks = self._edge, 0
        sweeps: list[Callable[[float], None]] = [pool.sweep for pool in edge.pools.values()]
        sweeps += [meter.sweep for meter in (*edge.user_meters.values(), *edge.address_meters.values())]
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = edge.clock()
            for connection in [each for each in self._connections if each.deadline <= now]:
                _expire(connection)
            ticks += 1
            if ticks % _SWEEP_TICKS == 0:
                for sweep in sweeps:
                    sweep(now)


def _expire(connection: ClientConnection) -> None:
    try:
        connection.expire()
    except Exception:  # one connection's trouble is not the others'
        log.exception("a connection could not be ended")
        connection.cut()


def _notice_dead_clients(listener: socket.socket) -> None:
    """Let the kernel ask after two minutes of silence: whoever lost the network never says goodbye. Connections inherit it."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
