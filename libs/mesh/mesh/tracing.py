"""W3C trace context from where an event was written to the span of its handler."""

from contextlib import AbstractContextManager

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mesh.envelope import Envelope

_propagator = TraceContextTextMapPropagator()


def current_context() -> dict[str, str]:
    """`traceparent` and `tracestate` of the span that is running, as far as there is one."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier


def handling(consumer: str, envelope: Envelope) -> AbstractContextManager[Span]:
    """The span of one delivery, a child of the span that wrote the event."""
    carrier = {"traceparent": envelope.traceparent or "", "tracestate": envelope.tracestate or ""}
    context = _propagator.extract({name: value for name, value in carrier.items() if value})
    attributes: dict[str, str | int] = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.destination.name": consumer,
        "messaging.message.id": str(envelope.id),
        "mesh.event.type": envelope.type,
        "mesh.attempt": envelope.attempt,
    }
    # Not `start_as_current_span`, which costs each delivery half as much again as these two.
    span = trace.get_tracer("mesh").start_span(
        f"process {consumer}", context, kind=SpanKind.CONSUMER, attributes=attributes
    )
    return trace.use_span(span, end_on_exit=True)
