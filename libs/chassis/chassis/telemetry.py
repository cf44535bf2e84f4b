"""OpenTelemetry for traces, Prometheus for metrics. Traces leave the process only where an OTLP endpoint is configured."""

from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import Counter, Histogram

REQUESTS = Counter("http_requests_total", "Requests answered", ["service", "method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "http_request_seconds",
    "Time until the last byte of the answer",
    ["service", "method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
)


def configure(service: str, *, otlp_endpoint: str | None) -> Callable[[], None]:
    """Make spans real for this process (their ids stand in the logs); returns what flushes them at the end."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    if otlp_endpoint:
        exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider.shutdown
