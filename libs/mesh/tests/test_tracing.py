"""One trace: the span in which an event was written is the parent of the span in which it is handled."""

from collections.abc import Iterator

import pytest
from devstack.waiting import until
from mesh import Consumer, Event, Relay, Subscriptions, Topology
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, StatusCode

from .home import Home
from .roles import running


class NotePinned(Event, type="tests.note.pinned", version=1, aggregate="note"):
    note: str


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter
    provider.shutdown()


async def test_trace_goes_through_outbox_and_broker_into_the_handler(
    home: Home, amqp_url: str, spans: InMemorySpanExporter
) -> None:
    bus = Subscriptions("board")
    inside: list[SpanContext] = []

    @bus.on(NotePinned)
    async def pin(event: NotePinned) -> None:
        inside.append(trace.get_current_span().get_span_context())

    async def handled() -> bool:
        return any(span.name == "process board.pin" for span in spans.get_finished_spans())

    relay = Relay("tests", database=home, amqp_url=amqp_url, topology=Topology.of(bus))
    async with running(relay, Consumer(bus, amqp_url=amqp_url, database=home)):
        with trace.get_tracer("test").start_as_current_span("upload") as upload:
            await home.say(NotePinned(note="a", version=1))
        await until(handled)
    (handling,) = [span for span in spans.get_finished_spans() if span.name == "process board.pin"]
    written = upload.get_span_context()
    assert handling.context.trace_id == inside[0].trace_id == written.trace_id
    assert handling.context.span_id == inside[0].span_id
    assert handling.parent is not None
    assert handling.parent.span_id == written.span_id


async def test_failed_try_is_an_error_in_the_same_trace(home: Home, amqp_url: str, spans: InMemorySpanExporter) -> None:
    bus = Subscriptions("board")

    @bus.on(NotePinned, inbox=False)
    async def pin(event: NotePinned) -> None:
        if not [span for span in spans.get_finished_spans() if span.name == "process board.pin"]:
            raise RuntimeError("first try")

    async def tried_twice() -> bool:
        return len([span for span in spans.get_finished_spans() if span.name == "process board.pin"]) == 2

    relay = Relay("tests", database=home, amqp_url=amqp_url, topology=Topology.of(bus))
    async with running(relay, Consumer(bus, amqp_url=amqp_url)):
        await home.say(NotePinned(note="a", version=1))
        await until(tried_twice)
    first, second = [span for span in spans.get_finished_spans() if span.name == "process board.pin"]
    assert [span.status.status_code for span in (first, second)] == [StatusCode.ERROR, StatusCode.UNSET]
    assert [dict(span.attributes or {})["mesh.attempt"] for span in (first, second)] == [1, 2]
