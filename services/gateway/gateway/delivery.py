"""An answer on its way to the client: its head as the client may see it, then its body as it comes."""

import math
from collections.abc import Callable
from uuid import UUID

from gateway import relay
from gateway.answers import Answer
from gateway.edge import Edge
from gateway.headers import Fields
from gateway.identity import Caller
from gateway.outlets import Chunked, EventStream, Framing, Outlet, Tunnel, Unframed
from gateway.pool import Pool
from gateway.requests import RequestHead
from gateway.upstream import SWITCHING

_FRAMING_LINES = {
    Framing.CHUNKS: b"transfer-encoding: chunked\r\n",
    Framing.CONNECTION: b"",
    Framing.UPGRADE: b"connection: Upgrade\r\nupgrade: websocket\r\n",
}


class Delivery:
    """Writes one answer. `closes` says that the connection ends with it; `until` is when a stream must end."""

    _framing = Framing.LENGTH
    _outlet: Outlet | None = None
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

    @property
    def ends_with_connection(self) -> bool:
        """Whether a client that sees the connection close takes the answer for whole."""
        return self._framing is Framing.CONNECTION

    def give(self, answer: Answer, common: bytes) -> None:
        """Write an answer of our own."""
        self.status = answer.status
        self._write(answer.render(common, without_body=self._head.method == b"HEAD", close=self.closes))

    def prepare(self, status: int, fields: Fields, caller: Caller | None) -> None:
        """Find out what kind of answer it is; nothing is written yet."""
        self.status = status
        self._framing = self._choose_framing(status, fields)
        self._outlet = self._open(fields)
        if self.is_stream and caller is not None:
            self.until = self._edge.clock() + caller.expires_at - self._edge.wall_clock()

    def begin(self, fields: Fields, pool: Pool, common: bytes) -> None:
        """Write the head of a service's answer."""
        self.has_begun = True
        lines = _FRAMING_LINES.get(self._framing)
        if lines is None:
            length = fields.read.get(b"content-length")
            lines = b"content-length: %b\r\n" % length if length is not None and self.status != 204 else b""
        if self.closes and self._framing is not Framing.UPGRADE:
            lines += b"connection: close\r\n"
        self._write(relay.answer_head(self.status, fields, self._head, pool, common=common, framing=lines))

    def pass_on(self, data: bytes) -> None:
        """A piece of the body."""
        if self._outlet is not None:
            self._outlet.pass_on(data)

    def end(self) -> None:
        """The body is whole."""
        if self._outlet is not None:
            self._outlet.end()

    def goodbye(self, reason: str) -> None:
        """End a stream on our side."""
        self.closes = True
        if self._outlet is not None:
            self._outlet.goodbye(reason)

    def _choose_framing(self, status: int, fields: Fields) -> Framing:
        if status == SWITCHING:
            return Framing.UPGRADE
        if b"content-length" in fields.read or not relay.has_body(status, self._head.method):
            return Framing.LENGTH
        if self._head.version == "1.1":
            return Framing.CHUNKS
        self.closes = True
        return Framing.CONNECTION

    def _open(self, fields: Fields) -> Outlet:
        if self._framing is Framing.UPGRADE:
            self.is_stream = True
            self.closes = True
            self.idle_seconds = math.inf
            return Tunnel(self._write)
        body = Chunked(self._write) if self._framing is Framing.CHUNKS else Unframed(self._write)
        if b"event-stream" in fields.read.get(b"content-type", b""):
            self.is_stream = True
            self.idle_seconds = self._edge.bounds.stream_idle_seconds
            return EventStream(body)
        return body


def session_of(fields: Fields, caller: Caller | None) -> UUID | None:
    """Whose stream it is: the caller's session, or the one that the service names for a ticket."""
    if caller is not None:
        return caller.session_id
    try:
        return UUID(fields.read.get(b"x-studyteddy-session", b"").decode("latin-1"))
    except ValueError:
        return None
