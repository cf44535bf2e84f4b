"""One connection of a client: HTTP/1.1 requests one after the other, each answered before the next is begun."""

import asyncio
import math
import socket
import struct
from collections import deque
from logging import getLogger
from typing import Protocol, cast

from chassis.errors import Malformed, Problem
from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from gateway.answers import problem
from gateway.edge import Edge
from gateway.exchange import Exchange
from gateway.headers import SECURITY
from gateway.outlets import SHUTDOWN
from gateway.refusals import HeadTooLarge, Overloaded, RequestTimeout
from gateway.requests import RequestFields, RequestHead

log = getLogger(__name__)
# Requests that one client may send ahead.
MOST_AHEAD = 16
# How long, and for how many bytes, a client may go on sending after its answer, so that it can read it.
LINGER_SECONDS = 2.0
LINGER_BYTES = 4 * 1024 * 1024
DRAIN_SECONDS = 10.0
_RESET = struct.pack("ii", 1, 0)


class Clients(Protocol):
    """The server, as a connection sees it."""

    is_stopping: bool

    def enter(self, connection: "ClientConnection") -> bool:
        """Take the connection in; False where there are too many."""
        ...

    def leave(self, connection: "ClientConnection") -> None:
        """The connection is gone."""
        ...


class ClientConnection(asyncio.Protocol):
    """Reads requests, and is what their exchanges write to. `deadline` is watched by the server (monotonic seconds)."""

    def __init__(self, edge: Edge, clients: Clients) -> None:
        self._edge = edge
        self._clients = clients
        self._parser = HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._peer = ""
        self._peer_is_trusted = False
        self._target = b""
        self._pairs: list[tuple[bytes, bytes]] = []
        self._fields = RequestFields(())
        self._is_in_head = False
        self._head_bytes = 0
        self._exchanges: deque[Exchange] = deque()
        self._receiving: Exchange | None = None
        self._tunnel: Exchange | None = None
        self._is_deaf = False
        self._is_held = False
        self._is_full = False
        self._discarded = 0
        self._out: list[bytes] = []
        self.deadline = math.inf

    @property
    def is_closing_down(self) -> bool:
        """Whether the answer that is under way is the last."""
        return self._clients.is_stopping or (self._is_deaf and len(self._exchanges) <= 1)

    # ---- what an exchange does

    def write(self, data: bytes) -> None:
        """Send to the client, with what else is written before the next `flush`: a system call costs more than a request's
        share of anything else."""
        self._out.append(data)

    def flush(self) -> None:
        """Hand over what was written."""
        if self._out:
            out, self._out = self._out, []
            if not self._transport.is_closing():
                self._transport.writelines(out)

    def hold(self) -> None:
        """Read no more for now."""
        self._is_held = True
        self._listen()

    def go_on(self) -> None:
        """Read again."""
        if self._is_held:
            self._is_held = False
            self._listen()

    def cut(self) -> None:
        """Reset the connection, so that nobody takes what was sent for the whole."""
        if not self._transport.is_closing():
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def exchange_over(self, exchange: Exchange, *, close: bool) -> None:
        """The exchange's answer is written."""
        self.flush()
        if self._transport.is_closing():
            return
        if close:
            self._close(linger=self._is_deaf or not exchange.body.is_complete)
        elif exchange.body.is_complete:
            self._next()
        else:
            self.deadline = self._edge.clock() + DRAIN_SECONDS
            self.go_on()

    # ---- what the server does

    def expire(self) -> None:
        """The deadline has passed."""
        if self._is_deaf:
            self._transport.abort()
        elif self._exchanges:
            exchange = self._exchanges[0]
            if exchange.is_over:
                self._close(linger=False)
            else:
                exchange.expire()
        elif self._is_in_head:
            self._reject(RequestTimeout("The request's head did not arrive in time."))
        else:
            self._close(linger=False)

    def stop(self) -> None:
        """Take no further request; what is in flight goes on, except for WebSockets, which would go on for ever."""
        if self._tunnel is not None:
            self._tunnel.end(SHUTDOWN)
        elif not self._exchanges and not self._is_deaf:
            self._close(linger=False)

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if peer else ""
        self._peer_is_trusted = self._edge.neighbours.is_trusted(self._peer)
        self._origin = self._edge.neighbours.origin(self._peer)
        self.deadline = self._edge.clock() + self._edge.bounds.head_seconds
        if not self._clients.enter(self):
            self._reject(Overloaded("Too many clients are connected. Try again in a few seconds."))

    def data_received(self, data: bytes) -> None:
        if self._is_deaf:
            self._discard(data)
        elif self._tunnel is not None:
            self._tunnel.body_arrives(data)
            self._tunnel.flush_request()
        else:
            self._read(data)

    def pause_writing(self) -> None:
        self._is_full = True
        if self._exchanges:
            self._exchanges[0].client_is_full(True)

    def resume_writing(self) -> None:
        self._is_full = False
        if self._exchanges:
            self._exchanges[0].client_is_full(False)

    def connection_lost(self, error: Exception | None) -> None:
        self._is_deaf = True
        self.deadline = math.inf
        if self._exchanges:
            self._exchanges[0].client_is_gone()
        self._exchanges.clear()
        self._clients.leave(self)

    # ---- httptools

    def on_url(self, piece: bytes) -> None:
        if not self._is_in_head:
            self._is_in_head = True
            self._target = b""
            self._head_bytes = 0
            self._receiving = None
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        if not self._is_in_head or self._is_deaf:
            return
        self._is_in_head = False
        pairs, self._pairs = self._pairs, []  # what comes from now on are trailers
        parser = self._parser
        if pairs != self._fields.pairs:
            self._fields = RequestFields(pairs)
        head = RequestHead(parser.get_method(), parser.get_http_version(), self._target, self._fields)
        origin, read = self._origin, self._fields.read
        if self._peer_is_trusted or b"x-forwarded-for" in read:
            origin = self._edge.neighbours.origin(
                self._peer, read.get(b"x-forwarded-for"), read.get(b"x-forwarded-proto")
            )
        self._receiving = Exchange(self._edge, self, head, origin)
        self._exchanges.append(self._receiving)
        if len(self._exchanges) == 1:
            self._begin()
        elif len(self._exchanges) > MOST_AHEAD:
            self._exchanges.pop()
            self._is_deaf = True
        else:
            self._listen()

    def on_body(self, data: bytes) -> None:
        if self._receiving is not None:
            self._receiving.body_arrives(data)

    def on_message_complete(self) -> None:
        exchange = self._receiving
        if exchange is None or self._is_deaf:
            return
        if not exchange.body.is_complete:
            exchange.body_ends()
        if exchange.is_over and self._exchanges and self._exchanges[0] is exchange:
            self._next()

    # ---- reading

    def _read(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except HttpParserCallbackError:
            log.exception("unexpected error while reading a request")
            self._transport.abort()
        except HttpParserError as error:
            self._misread(error)
        self._flush_request()
        if self._is_in_head and not self._is_deaf and not self._exchanges:
            self._await_head(len(data))

    def _await_head(self, arrived: int) -> None:
        """A part of a head has arrived. A field counts before it is whole: else one that never ends would not."""
        bounds = self._edge.bounds
        if self._head_bytes == 0:
            self.deadline = self._edge.clock() + bounds.head_seconds
        self._head_bytes += arrived
        if self._head_bytes > bounds.head_bytes:
            self._reject(HeadTooLarge(f"Send at most {bounds.head_bytes} bytes of header fields."))

    def _flush_request(self) -> None:
        if self._exchanges:
            self._exchanges[0].flush_request()

    def _upgrade(self, rest: bytes) -> None:
        """The parser stops here. What follows belongs to the WebSocket, if it becomes one."""
        exchange = self._receiving
        if exchange is None or self._is_deaf or exchange.is_over:
            return
        self._tunnel = exchange
        if rest:
            exchange.body_arrives(rest)

    def _misread(self, error: HttpParserError) -> None:
        exchange = self._receiving
        if self._is_deaf:
            return
        if exchange is not None and not exchange.body.is_complete and self._exchanges[0] is exchange:
            exchange.body_is_misread()
        elif self._exchanges:
            # Answered in their order; what cannot be read stands behind them.
            if exchange is not None and not exchange.body.is_complete:
                self._exchanges.pop()
            self._is_deaf = True
        else:
            self._reject(Malformed(f"This is no HTTP/1.1 request: {error}."))

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded > LINGER_BYTES:
            self._transport.abort()

    def _listen(self) -> None:
        """Read, or do not, as the exchanges and the number of requests ahead want it."""
        if self._transport.is_closing():
            return
        wanted = self._is_deaf or not (self._is_held or len(self._exchanges) > 1)
        if wanted and not self._transport.is_reading():
            self._transport.resume_reading()
        elif not wanted and self._transport.is_reading():
            self._transport.pause_reading()

    # ---- answering

    def _begin(self) -> None:
        exchange = self._exchanges[0]
        if self._is_full:
            exchange.client_is_full(True)
        exchange.begin()

    def _next(self) -> None:
        exchanges = self._exchanges
        exchanges.popleft()
        if exchanges or self._is_held:
            self._is_held = False
            self._listen()
        if exchanges:
            self._begin()
            self._flush_request()
        elif self.is_closing_down:
            self._close(linger=self._is_deaf)
        else:
            bounds = self._edge.bounds
            self.deadline = self._edge.clock() + (
                bounds.head_seconds if self._is_in_head else bounds.keep_alive_seconds
            )

    def _reject(self, refusal: Problem) -> None:
        """Answer what never became a request."""
        request_id = self._edge.tracing.begin(b"", {}).request_id
        answer = problem(refusal, path=b"", request_id=request_id)
        self._edge.journal.note_unreadable(answer.status)
        common = SECURITY + b"x-request-id: %b\r\n" % request_id
        self.write(answer.render(common, without_body=False, close=True))
        self.flush()
        self._close(linger=True)

    def _close(self, *, linger: bool) -> None:
        """Close once everything is written. A client that is still sending gets a moment to read its answer first."""
        self._is_deaf = True
        self._is_in_head = False
        if self._transport.is_closing():
            return
        if linger:
            self.deadline = self._edge.clock() + LINGER_SECONDS
            self._transport.write_eof()
            self._listen()
        else:
            self.deadline = self._edge.clock() + self._edge.bounds.idle_body_seconds
            self._transport.close()
