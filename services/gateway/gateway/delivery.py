"""An answer on its way to the client: its head as the client may see it, then its body as it comes."""

import math
from collections.abc import Callable
from uuid import UUID

from gateway import relay
from gateway.answers import Answer
from gateway.edge import Edge
from gateway.headers import Fields
from gateway.identity import Caller
from gateway.outlets import Chunked, EventStream, Outlet, Tunnel, Unframed
from gateway.pool import Pool
from gateway.requests import RequestHead
from gateway.upstream import SWITCHING


class Delivery:
    """Writes one answer. `closes` says that the connection ends with it; `until` is when a stream must end."""

    _outlet: Outlet | None = None
    """None for a body that is passed on as it is."""
    _framing_lines = b""
    ends_with_connection = False
    """Whether a client that sees the connection close takes the answer for whole."""
    has_begun = False
    """Whether the client has seen the head of a service's answer."""
    status = 0
    closes = False
    is_stream = False
    until = math.inf

    def __init__(self, edge: Edge, head: RequestHead, write: Callable[[bytes], None]) -> None:
        self._edge = edge
        self._head = head
        self._write = write
        self.idle_seconds = edge.bounds.idle_body_seconds
        self.pass_on = write
        """Takes the pieces of the body, once `prepare` has found out how."""

    def give(self, answer: Answer, common: bytes) -> None:
        """Write an answer of our own."""
        self.status = answer.status
        self._write(answer.render(common, without_body=self._head.method == b"HEAD", close=self.closes))

    def prepare(self, status: int, fields: Fields, caller: Caller | None) -> None:
        """Find out what kind of answer it is; nothing is written yet."""
        self.status = status
        length = fields.read.get(b"content-length")
        if status == SWITCHING:
            self._open_tunnel()
        elif length is not None:
            self._framing_lines = b"content-length: %b\r\n" % length if status != 204 else b""
        elif relay.has_body(status, self._head.method):
            self._open_unmeasured()
        if b"event-stream" in fields.read.get(b"content-type", b""):
            self._open_stream()
        if self.is_stream and caller is not None:
            self.until = self._edge.clock() + caller.expires_at - self._edge.wall_clock()

    def begin(self, fields: Fields, pool: Pool, common: bytes) -> None:
        """Write the head of a service's answer."""
        self.has_begun = True
        lines = self._framing_lines
        if self.closes and self.status != SWITCHING:
            lines += b"connection: close\r\n"
        self._write(relay.answer_head(self.status, fields, self._head, pool, common=common, framing=lines))

    def end(self) -> None:
        """The body is whole."""
        if self._outlet is not None:
            self._outlet.end()

    def goodbye(self, reason: str) -> None:
        """End a stream on our side."""
        self.closes = True
        if isinstance(self._outlet, EventStream | Tunnel):
            self._outlet.goodbye(reason)

    def _open_unmeasured(self) -> None:
        """A body whose length nobody knows: in chunks, or for old clients until the connection ends."""
        if self._head.version == "1.1":
            self._framing_lines = b"transfer-encoding: chunked\r\n"
            self._use(Chunked(self._write))
        else:
            self.ends_with_connection = self.closes = True

    def _open_stream(self) -> None:
        self.is_stream = True
        self.idle_seconds = self._edge.bounds.stream_idle_seconds
        self._use(EventStream(self._outlet if isinstance(self._outlet, Chunked) else Unframed(self._write)))

    def _open_tunnel(self) -> None:
        self._framing_lines = b"connection: Upgrade\r\nupgrade: websocket\r\n"
        self.is_stream = self.closes = True
        self.idle_seconds = math.inf
        self._use(Tunnel(self._write))

    def _use(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self.pass_on = outlet.pass_on


def session_of(fields: Fields, caller: Caller | None) -> UUID | None:
    """Whose stream it is: the caller's session, or the one that the service names for a ticket."""
    if caller is not None:
        return caller.session_id
    try:
        return UUID(fields.read.get(b"x-studyteddy-session", b"").decode("latin-1"))
    except ValueError:
        return None
