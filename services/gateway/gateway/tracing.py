"""The id of a request and its trace, for logs and services.

The gateway is where most traces begin. Without an exporter nobody would see a span of it, so only ids are made; with one,
each request is a span.
"""

import random
import re
import time
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import SpanKind, Status, StatusCode

_REQUEST_ID = re.compile(rb"[\w.-]{8,64}")
_TRACE_PARENT = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
# Neither a trace id nor a span id may be zero.
_NOT_ZERO = 1 << 64 | 1


@dataclass(slots=True)
class Trace:
    """`lines` are header lines for the service."""

    request_id: bytes
    lines: bytes
    span: trace.Span | None = None


class Tracing:
    """Gives each request its ids. `exported`: spans go somewhere."""

    def __init__(self, *, exported: bool) -> None:
        self._tracer = trace.get_tracer(__name__) if exported else None
        self._bits = random.Random().getrandbits  # noqa: S311 - ids are unique, not secret

    def begin(self, method: bytes, fields: dict[bytes, bytes]) -> Trace:
        """Ids for a request; those that a client gave are kept where they are of the right form."""
        parent = fields.get(b"traceparent")
        known = _TRACE_PARENT.fullmatch(parent) if parent is not None else None
        if self._tracer is not None:
            return self._span(method, fields, known)
        if known is not None:
            trace_id, lines = known[1], b"traceparent: %b\r\n" % known[0]
            if state := fields.get(b"tracestate"):
                lines += b"tracestate: %b\r\n" % state
        else:
            digits = (self._bits(192) | _NOT_ZERO).to_bytes(24, "big").hex().encode()
            trace_id = digits[:32]
            lines = b"traceparent: 00-%b-%b-01\r\n" % (trace_id, digits[32:])
            if b"x-request-id" not in fields:
                return Trace(trace_id, b"%bx-request-id: %b\r\n" % (lines, trace_id))
        return _named(fields, trace_id, lines, None)

    def _span(self, method: bytes, fields: dict[bytes, bytes], known: re.Match[bytes] | None) -> Trace:
        assert self._tracer is not None
        context = extract({name.decode(): fields[name].decode("latin-1") for name in (b"traceparent",) if known})
        span = self._tracer.start_span(method.decode(), context=context, kind=SpanKind.SERVER)
        carrier: dict[str, str] = {}
        inject(carrier, context=trace.set_span_in_context(span))
        lines = "".join(f"{name}: {value}\r\n" for name, value in carrier.items()).encode()
        return _named(fields, trace.format_trace_id(span.get_span_context().trace_id).encode(), lines, span)

    def end(self, traced: Trace, *, method: bytes, route: str, status: int) -> None:
        """The request is over."""
        if (span := traced.span) is not None:
            span.update_name(f"{method.decode()} {route}")
            span.set_attributes(
                {"http.request.method": method.decode(), "http.route": route, "http.response.status_code": status}
            )
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            span.end(time.time_ns())


def _named(fields: dict[bytes, bytes], trace_id: bytes, lines: bytes, span: trace.Span | None) -> Trace:
    given = fields.get(b"x-request-id")
    request_id = given if given is not None and _REQUEST_ID.fullmatch(given) else trace_id
    return Trace(request_id, b"%bx-request-id: %b\r\n" % (lines, request_id), span)
