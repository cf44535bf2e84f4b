"""How an answer's body leaves: framed by its length, in chunks, by the end of the connection, as events, as a tunnel."""

import json
from collections.abc import Callable

from chassis.errors import TYPE_BASE

from gateway.websockets import GOING_AWAY, POLICY_VIOLATION, FrameBoundary, close_frame

Write = Callable[[bytes], None]
SHUTDOWN = "shutdown"
_LAST_CHUNK = b"0\r\n\r\n"


class Unframed:
    """A body that is passed on as it is: its length is known, or the connection ends with it."""

    __slots__ = ("pass_on",)

    def __init__(self, write: Write) -> None:
        self.pass_on = write

    def end(self) -> None:
        """The body is whole."""


class Chunked:
    """A body whose end is told by the last of its chunks."""

    __slots__ = ("_write",)

    def __init__(self, write: Write) -> None:
        self._write = write

    def pass_on(self, data: bytes) -> None:
        """A piece of the body."""
        self._write(b"%x\r\n" % len(data))
        self._write(data)
        self._write(b"\r\n")

    def end(self) -> None:
        """The body is whole."""
        self._write(_LAST_CHUNK)


class EventStream:
    """Server-sent events. Knows where one ends, so that the last one can be the gateway's."""

    __slots__ = ("_body", "_tail")

    def __init__(self, body: Unframed | Chunked) -> None:
        self._body = body
        self._tail = b"\n\n"

    def pass_on(self, data: bytes) -> None:
        """A piece of the stream."""
        self._body.pass_on(data)
        self._tail = (self._tail + data[-4:])[-4:]

    def end(self) -> None:
        """The service has closed the stream."""
        self._body.end()

    def goodbye(self, reason: str) -> None:
        """Tell why as an event of its own, unless another is under way."""
        if self._tail.endswith((b"\n\n", b"\r\n\r\n")):
            detail = {"type": f"{TYPE_BASE}{reason}", "title": _GOODBYES.get(reason, reason)}
            self._body.pass_on(f"event: error\ndata: {json.dumps(detail)}\n\n".encode())
        self._body.end()


class Tunnel:
    """A WebSocket, once the service has agreed."""

    __slots__ = ("_boundary", "_write")

    def __init__(self, write: Write) -> None:
        self._write = write
        self._boundary = FrameBoundary()

    def pass_on(self, data: bytes) -> None:
        """Bytes from the service."""
        self._boundary.follow(data)
        self._write(data)

    def end(self) -> None:
        """The service has closed."""

    def goodbye(self, reason: str) -> None:
        """Close as RFC 6455 7.1.2 wants it, unless a frame is under way."""
        if self._boundary.between_frames:
            code = GOING_AWAY if reason == SHUTDOWN else POLICY_VIOLATION
            self._write(close_frame(code, reason))


Outlet = Unframed | Chunked | EventStream | Tunnel
_GOODBYES = {
    "session-ended": "This session has ended. Sign in again.",
    "token-expired": "The access token has expired. Refresh it and open the stream again.",
    SHUTDOWN: "The server is about to restart. Open the stream again.",
}
