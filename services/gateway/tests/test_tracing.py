"""With an exporter each request is a span; without one, only ids are made."""

import pytest
from gateway.tracing import Tracing
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def test_a_request_is_a_span_of_the_clients_trace(exported: InMemorySpanExporter) -> None:
    tracing = Tracing(exported=True)
    traced = tracing.begin(b"GET", {b"traceparent": PARENT})
    tracing.end(traced, method=b"GET", route="/api/v1/things", status=503)
    (span,) = exported.get_finished_spans()
    assert span.name == "GET /api/v1/things"
    assert span.context is not None
    assert format(span.context.trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c" == traced.request_id.decode()
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 503
    assert not span.status.is_ok
    assert f"traceparent: 00-{traced.request_id.decode()}-{span.context.span_id:016x}-01".encode() in traced.lines


def test_a_request_without_a_trace_begins_one(exported: InMemorySpanExporter) -> None:
    tracing = Tracing(exported=True)
    tracing.end(tracing.begin(b"GET", {}), method=b"GET", route="unmatched", status=404)
    (span,) = exported.get_finished_spans()
    assert span.parent is None


def test_ids_are_different_and_never_zero() -> None:
    tracing = Tracing(exported=False)
    ids = {tracing.begin(b"GET", {}).request_id for _ in range(1000)}
    assert len(ids) == 1000
    assert b"0" * 32 not in ids
