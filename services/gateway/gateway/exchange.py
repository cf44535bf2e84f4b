"""One request and its answer: admitted, sent to its service, and passed on in both directions as it comes.

Nothing is collected. Who reads slowly makes the other side wait: a full socket pauses the reading of the other one. Every
wait has a deadline, which the client's connection watches.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from logging import getLogger
from typing import Protocol

from chassis.errors import Malformed, Problem, TooLarge

from gateway import relay
from gateway.addresses import Origin
from gateway.admission import Admission, Waiting
from gateway.answers import CONTINUE, Answer, problem
from gateway.bodies import NO_BODY, RequestBody
from gateway.delivery import Delivery, session_of
from gateway.edge import Edge
from gateway.headers import Fields
from gateway.metrics import REFUSED, UPSTREAM_FAILURES
from gateway.pool import Pool
from gateway.refusals import Failure, RequestTimeout, let_down
from gateway.requests import RequestHead
from gateway.upstream import SWITCHING, UpstreamConnection

log = getLogger(__name__)
# A refused body that is no longer than this is read to its end, so that the connection can be used again.
DRAINED = 64 * 1024
# Every step of an admission has a shorter limit of its own.
ADMISSION_SECONDS = 15.0
GONE = 499
_IDEMPOTENT = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
Step = Callable[[], Waiting | None]


class ClientSide(Protocol):
    """The connection that the request came by."""

    deadline: float

    @property
    def is_closing_down(self) -> bool: ...

    def write(self, data: bytes) -> None: ...

    def flush(self) -> None: ...

    def hold(self) -> None: ...

    def go_on(self) -> None: ...

    def exchange_over(self, exchange: "Exchange", *, close: bool) -> None: ...

    def cut(self) -> None: ...


class Exchange:
    """Hears from both sides: `body_…` and `client_…` from the client, `answer_…` and `upstream_…` from the service."""

    is_over = False
    """Whether the answer is written; the rest of the request may still be on its way."""
    _task: asyncio.Task[None] | None = None
    _pool: Pool | None = None
    _upstream: UpstreamConnection | None = None
    _is_readable = False
    _is_socket = False
    _client_is_full = False
    _upstream_is_full = False

    def __init__(self, edge: Edge, client: ClientSide, head: RequestHead, origin: Origin) -> None:
        self._edge = edge
        self._client = client
        self._head = head
        self._origin = origin
        self._started_at = edge.clock()
        self._admission = Admission(edge, head, origin, self._started_at)
        self._delivery = Delivery(edge, head, client.write)
        self._trace = edge.tracing.begin(head.method, head.fields.read)
        self.body = RequestBody(now=self._started_at) if head.fields.may_have_more else NO_BODY

    def begin(self) -> None:
        """Decide on the request, and send it on."""
        edge, admission = self._edge, self._admission
        try:
            self._head.check(maximum_size=edge.bounds.head_bytes)
            self._is_readable = True
            if (answer := admission.open()) is not None:
                self._give(answer)
                return
            assert admission.route is not None
            self._pool = edge.pools[admission.route.service]
            self._is_socket = admission.route.websocket
            if not self.body.is_complete:
                limit = None if self._is_socket else admission.route.body_limit
                self.body.expect(chunked=self._head.fields.chunked, limit=limit)
            self._take((admission.charge_address, admission.identify, admission.charge_user, self._reach))
        except Problem as refusal:
            self.refuse(refusal)

    def refuse(self, refusal: Problem) -> None:
        """Answer with a problem document; too late for that, cut the connection."""
        if self.is_over:
            return
        REFUSED.labels(refusal.type).inc()
        if self._delivery.has_begun:
            self._cut()
        else:
            self._give(problem(refusal, path=self._head.target.path, request_id=self._trace.request_id))

    def end(self, reason: str) -> None:
        """End a stream: its session is revoked, its token has expired, or the gateway stops."""
        if self._delivery.has_begun and not self.is_over:
            self._delivery.goodbye(reason)
            self._finish()

    # ---- the way in

    def _take(self, steps: Sequence[Step]) -> None:
        """Take the steps at once; from the first that must wait on, in a task."""
        for at, step in enumerate(steps):
            if (waiting := step()) is not None:
                self._client.deadline = self._edge.clock() + ADMISSION_SECONDS
                self._task = asyncio.get_running_loop().create_task(self._take_later(waiting, steps[at + 1 :]))
                return

    async def _take_later(self, waiting: Waiting, steps: Sequence[Step]) -> None:
        try:
            await waiting()
            for step in steps:
                if (more := step()) is not None:
                    await more()
        except Problem as refusal:
            self.refuse(refusal)
        except Exception:
            log.exception("unexpected error", extra=self._admission.names(self._trace))
            self.refuse(Problem("Something went wrong on our side; it has been logged. Try again later."))

    def _reach(self) -> Waiting | None:
        assert self._pool is not None
        connection = self._pool.take()
        return None if connection is not None and self._send(connection) else partial(self._reach_later, self._pool)

    async def _reach_later(self, pool: Pool) -> None:
        while not self._send(await pool.reach()):
            pass

    def _send(self, connection: UpstreamConnection) -> bool:
        """Begin on that connection; False where it was closed meanwhile."""
        assert self._pool is not None
        head = relay.request_head(self._head, self._admission, self._pool, self._origin, self._trace.lines)
        if not connection.begin(self, head):
            return False
        self._upstream = connection
        if self._client_is_full:
            connection.hold()
        if self._head.fields.expects_continue and not self.body.is_complete:
            self._client.write(CONTINUE)
            self._client.flush()
        if not self._is_socket:
            self.body.attach(connection)
            self._client.go_on()
        if not self._head.fields.has_body or self._task is not None:
            connection.flush()
        self._watch()
        return True

    # ---- from the client

    def body_arrives(self, piece: bytes) -> None:
        """A piece of the request's body, or of what a client sends through a tunnel."""
        if self.is_over:
            return
        try:
            was_passed_on = self.body.arrive(piece)
        except TooLarge as refusal:
            self.refuse(refusal)
            return
        if was_passed_on:
            self._watch()
        else:
            self._client.hold()

    def body_ends(self) -> None:
        """The request is whole."""
        self.body.complete()
        if self._upstream is not None:
            self._watch()

    def flush_request(self) -> None:
        """That was all for now."""
        if self._upstream is not None:
            self._upstream.flush()

    def body_is_misread(self) -> None:
        """What follows the head is no HTTP."""
        self.refuse(Malformed("The body cannot be read: its chunks, or what follows it, are no HTTP."))

    def client_is_full(self, is_full: bool) -> None:
        """The client does not read as fast as the service writes; or does again."""
        self._client_is_full = is_full
        if self._upstream is not None:
            if is_full:
                self._upstream.hold()
            else:
                self._upstream.go_on()
            self._watch()

    def client_is_gone(self) -> None:
        """Nobody waits for the answer any more: the service is told by closing its connection."""
        if not self.is_over:
            self._delivery.status = GONE
            self._finish()

    def expire(self) -> None:
        """The deadline has passed. Whoever was waited for has let the exchange down."""
        if self._edge.clock() >= self._delivery.until:
            self.end("token-expired")
        elif self._client_is_full:
            self._cut()
        elif self._is_waiting_for_body:
            self.refuse(RequestTimeout("The body did not arrive in time. Send it again, on a better line."))
        else:
            self._fail(Failure.SLOW)

    # ---- from the service: upstream.Receiver

    def answer_begins(self, status: int, fields: Fields) -> None:
        """Decide how it is passed on."""
        if status == SWITCHING and not self._is_socket:
            self._fail(Failure.UNREADABLE)
            return
        announced = fields.read.get(b"x-studyteddy-revoked")
        if announced is not None and self._pool is self._edge.pools.get("auth"):
            self._edge.revocations.add_announced(announced)
        delivery, pool = self._delivery, self._pool
        assert pool is not None
        delivery.closes = self._must_close
        delivery.prepare(status, fields, self._admission.caller)
        if delivery.is_stream and not self._become_stream(fields):
            return
        delivery.begin(fields, pool, self._admission.lines(self._trace.request_id))
        if self._is_socket:
            self._open_tunnel()
        if self._head.method == b"HEAD":
            self._finish()  # the service may have been asked with GET: what it goes on to send is of no use

    def answer_continues(self, data: bytes) -> None:
        """Pass a piece of the body on."""
        self._delivery.pass_on(data)

    def answer_pauses(self) -> None:
        """Let the client see what there is."""
        self._client.flush()
        if not self._client_is_full:
            self._watch()

    def answer_ends(self) -> None:
        """The answer is whole; where the request is too, the connection may be used again."""
        if self.is_over:
            return
        self._delivery.end()
        if self.body.is_complete:
            self._upstream = None
        self._finish()

    def upstream_fails(self, failure: Failure) -> None:
        """No more will come."""
        connection, self._upstream = self._upstream, None
        if self.is_over:
            return
        if failure is Failure.CLOSED and self._pool is not None and self._may_repeat(connection):
            # A kept connection, closed by the service in the moment in which we used it.
            again = self._take_later(partial(self._reach_later, self._pool), ())
            self._task = asyncio.get_running_loop().create_task(again)
        else:
            self._fail(failure)

    def upstream_is_full(self, is_full: bool) -> None:
        """The service does not read as fast as the client sends; or does again."""
        self._upstream_is_full = is_full
        if is_full:
            self.body.pause(self._edge.clock())
            self._client.hold()
        else:
            self.body.resume(self._edge.clock())
            self._client.go_on()
        self._watch()

    # ---- the way out

    @property
    def _is_waiting_for_body(self) -> bool:
        return not self.body.is_complete and not self._upstream_is_full and not self._delivery.has_begun

    @property
    def _must_close(self) -> bool:
        """Whether the connection cannot be used again: unless what is left of the body is short, it is not waited for."""
        if self._head.fields.wants_close or self._client.is_closing_down or not self._is_readable:
            return True
        if self.body.is_complete:
            return False
        unasked = self._head.fields.expects_continue and self._upstream is None
        return unasked or self._head.fields.chunked or self._head.fields.content_length > DRAINED

    def _watch(self) -> None:
        """Set the deadline for what is being waited for."""
        bounds, now = self._edge.bounds, self._edge.clock()
        if self.is_over:
            return
        if self._client_is_full:
            self._client.deadline = now + bounds.idle_body_seconds
        elif self._delivery.has_begun:
            self._client.deadline = min(now + self._delivery.idle_seconds, self._delivery.until)
        elif self._is_waiting_for_body:
            idle, slowest = bounds.idle_body_seconds, bounds.slowest_upload
            self._client.deadline = self.body.deadline(now, idle=idle, slowest=slowest)
        elif self._admission.route is not None:
            self._client.deadline = now + self._admission.route.timeout

    def _may_repeat(self, connection: UpstreamConnection | None) -> bool:
        """Whether nobody can tell if the request is sent again."""
        safe = self._admission.method in _IDEMPOTENT and not self._head.fields.has_body and not self._is_socket
        return safe and not self._delivery.has_begun and connection is not None and connection.uses > 1

    def _become_stream(self, fields: Fields) -> bool:
        session_id = session_of(fields, self._admission.caller)
        try:
            if session_id is not None:
                # It may have ended while the service took its time: then nobody would end the stream.
                self._edge.revocations.refuse_ended(session_id)
            self._edge.streams.add(self, session_id)
        except Problem as refusal:
            self.refuse(refusal)
            return False
        if self._pool is not None and self._upstream is not None:
            self._pool.leave(self._upstream)
        return True

    def _open_tunnel(self) -> None:
        """Pass on what the client sent before the service agreed: earlier, it could have been taken for a request."""
        if self._upstream is not None and self._delivery.status == SWITCHING:
            self.body.attach(self._upstream)
            self._upstream.flush()
            self._client.go_on()

    def _give(self, answer: Answer) -> None:
        self._delivery.closes = self._must_close
        self._drop_upstream()
        self._delivery.give(answer, self._admission.lines(self._trace.request_id))
        self._finish()

    def _fail(self, failure: Failure) -> None:
        """The service let us down."""
        assert self._pool is not None
        service = self._pool.service
        UPSTREAM_FAILURES.labels(service, failure).inc()
        log.warning("%s let a request down: %s", service, failure, extra=self._admission.names(self._trace))
        self._drop_upstream()
        self.refuse(let_down(service, failure))

    def _cut(self) -> None:
        """End an answer that cannot be ended well, so that nobody takes the part for the whole."""
        if self._client_is_full or self._delivery.ends_with_connection:
            self._client.cut()
        self._delivery.closes = True
        self._finish()

    def _drop_upstream(self) -> None:
        connection, self._upstream = self._upstream, None
        if connection is not None:
            connection.abort()

    def _finish(self) -> None:
        self.is_over = True
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._drop_upstream()
        self.body.drop()
        if self._delivery.is_stream:
            self._edge.streams.discard(self)
        status, method = self._delivery.status, self._head.method
        self._edge.journal.note(self._admission, self._trace, method, status, self._started_at)
        self._client.exchange_over(self, close=self._delivery.closes)
