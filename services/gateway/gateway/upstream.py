"""One connection to a service: HTTP/1.1, one exchange at a time, read as it comes."""

import asyncio
from collections.abc import Callable
from logging import getLogger
from typing import Protocol, cast

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.headers import RESPONSE_FIELDS, Fields
from gateway.refusals import Failure

log = getLogger(__name__)
LARGEST_HEAD = 64 * 1024
SWITCHING = 101


class Receiver(Protocol):
    """Who gets the answer, as it arrives."""

    def answer_begins(self, status: int, fields: Fields) -> None:
        """Status and header fields; once."""
        ...

    def answer_continues(self, data: bytes) -> None:
        """A piece of the body, or of what follows a 101."""
        ...

    def answer_pauses(self) -> None:
        """That was all for now."""
        ...

    def answer_ends(self) -> None:
        """The answer is whole."""
        ...

    def upstream_fails(self, failure: Failure) -> None:
        """No more will come."""
        ...

    def upstream_is_full(self, is_full: bool) -> None:
        """The service does not read as fast as we write; or does again."""
        ...


class UpstreamConnection(asyncio.Protocol):
    """Calls `on_idle` when it may be used again, `on_closed` when it is gone."""

    def __init__(
        self, on_idle: Callable[["UpstreamConnection"], None], on_closed: Callable[["UpstreamConnection"], None]
    ) -> None:
        self._on_idle = on_idle
        self._on_closed = on_closed
        self._parser = HttpResponseParser(self)
        self._receiver: Receiver | None = None
        self._pairs: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._skips_answer = False
        self._ends_with_connection = False
        self._has_ended = False
        self._may_be_reused = False
        self._said_too_much = False
        self._is_tunnel = False
        self._out: list[bytes] = []
        self._transport: asyncio.Transport
        self.uses = 0
        self.idle_since = 0.0
        self.holds_place = False
        """Whether it counts among the connections that the pool may open."""

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return not self._transport.is_closing()

    def begin(self, receiver: Receiver, data: bytes) -> bool:
        """Send a request, or its head; what comes back goes to the receiver. False where it was closed meanwhile."""
        if self._transport.is_closing():
            return False
        self._receiver = receiver
        self._has_ended = False
        self._head_bytes = 0
        self.uses += 1
        self._out = [data]
        return True

    def write(self, data: bytes) -> None:
        """Send more of the request, at the next `flush`."""
        self._out.append(data)

    def flush(self) -> None:
        """Hand over what was written."""
        if self._out:
            out, self._out = self._out, []
            if not self._transport.is_closing():
                self._transport.writelines(out)

    def hold(self) -> None:
        """Read no more for now: the client is slower than the service."""
        if self._transport.is_reading():
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        if not self._transport.is_closing() and not self._transport.is_reading():
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close at once; the receiver hears no more."""
        self._receiver = None
        self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        receiver = self._receiver
        if receiver is None:
            self._transport.abort()  # it speaks out of turn: the next answer could be anything
        elif self._is_tunnel:
            receiver.answer_continues(data)
            receiver.answer_pauses()
        else:
            self._read(data)

    def pause_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.upstream_is_full(True)

    def resume_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.upstream_is_full(False)

    def connection_lost(self, error: Exception | None) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            if error is None and (self._is_tunnel or self._ends_with_connection):
                receiver.answer_ends()
            else:
                receiver.upstream_fails(Failure.CLOSED)
        self._on_closed(self)

    # httptools

    def on_message_begin(self) -> None:
        self._pairs = []
        self._skips_answer = False
        self._said_too_much = self._has_ended

    def on_header(self, name: bytes, value: bytes) -> None:
        self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self._skips_answer = status < 200 and status != SWITCHING
        if self._receiver is None or self._skips_answer or self._has_ended:
            return
        pairs, self._pairs = self._pairs, []  # what comes from now on are trailers
        fields = Fields(pairs, RESPONSE_FIELDS)
        read = fields.read
        self._ends_with_connection = b"content-length" not in read and b"transfer-encoding" not in read
        self._head_bytes = -1
        self._receiver.answer_begins(status, fields)

    def on_body(self, data: bytes) -> None:
        if self._receiver is not None and not self._has_ended:
            self._receiver.answer_continues(data)

    def on_message_complete(self) -> None:
        if self._receiver is None or self._skips_answer or self._has_ended:
            return
        self._has_ended = True
        self._may_be_reused = self._parser.should_keep_alive() and not self._parser.should_upgrade()

    def _read(self, data: bytes) -> None:
        """Feed the parser. The end is told after all of `data` is read: what follows a whole answer is nobody's."""
        if self._head_bytes >= 0:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._has_ended = False
            self._is_tunnel = True
            if (rest := data[upgrade.args[0] :]) and self._receiver is not None:
                self._receiver.answer_continues(rest)
        except HttpParserCallbackError:
            log.exception("an answer could not be passed on")
            self._fail(Failure.UNREADABLE)
            return
        except HttpParserError as error:
            log.warning("a service answered what is no HTTP: %s", error)
            self._said_too_much = True
            if not self._has_ended:
                self._fail(Failure.UNREADABLE)
                return
        if self._head_bytes > LARGEST_HEAD:
            self._fail(Failure.UNREADABLE)
        elif self._has_ended:
            self._finish()
        elif self._receiver is not None:
            self._receiver.answer_pauses()

    def _finish(self) -> None:
        receiver, self._receiver = self._receiver, None
        self._has_ended = False
        if receiver is None:
            return  # aborted meanwhile
        receiver.answer_ends()
        if self._may_be_reused and not self._said_too_much and self.is_open:
            self._on_idle(self)
        else:
            self._transport.close()

    def _fail(self, failure: Failure) -> None:
        receiver, self._receiver = self._receiver, None
        self._transport.abort()
        if receiver is not None:
            receiver.upstream_fails(failure)
