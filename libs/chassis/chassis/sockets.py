"""How a role `api` with WebSockets is served: beside what feeds the sockets."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from chassis.service import serve

# Requests that are answered beside the sockets, which the service bounds.
_REQUESTS = 1000
_CUT_SECONDS = 5.0

Beside = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


class Socket(WebSocketsSansIOProtocol):
    """uvicorn's, which closes politely: a peer that reads nothing would stay half closed, and open, for ever."""

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self.loop.call_later(_CUT_SECONDS, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.loop.call_later(_CUT_SECONDS, self.transport.abort)


class SocketServer:
    """Serves the application; `beside` runs meanwhile and until the last request is answered."""

    def __init__(
        self,
        app: FastAPI,
        beside: Sequence[Beside],
        *,
        sockets: int,
        ping_seconds: float,
        pong_seconds: float,
        longest_message: int,
    ) -> None:
        self._app = app
        self._beside = beside
        self._sockets = sockets
        self._ping_seconds = ping_seconds
        self._pong_seconds = pong_seconds
        self._longest_message = longest_message

    async def serve(self, listener: socket.socket, stop: asyncio.Event, grace: float) -> None:
        """Until `stop`; sockets are then closed with 1012, so that clients come back at once."""
        done = asyncio.Event()
        beside = [asyncio.create_task(run(done)) for run in self._beside]
        serving = asyncio.create_task(
            serve(
                *(self._app, listener, stop, grace),
                ws=Socket,
                ws_max_size=self._longest_message,
                ws_per_message_deflate=False,  # frames are small, and its memory is not
                ws_ping_interval=self._ping_seconds,
                ws_ping_timeout=self._pong_seconds,
                limit_concurrency=self._sockets + _REQUESTS,
            )
        )
        await asyncio.wait([serving, *beside], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await serving
        done.set()
        await asyncio.gather(*beside)
