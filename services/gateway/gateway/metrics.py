"""What an operator can see of the gateway, beside the requests that every service counts."""

from chassis.telemetry import REQUEST_SECONDS, REQUESTS
from prometheus_client import Counter, Gauge, Histogram

LIMITS_ARE_LOCAL = Gauge("gateway_rate_limits_local", "1 while Redis is away and each gateway limits alone")
REVOCATIONS_CONNECTED = Gauge("gateway_revocations_connected", "1 while revocations arrive from the broker")
REVOCATIONS_AGE = Gauge("gateway_revocations_read_timestamp_seconds", "When the revocations were last read from auth")
REFUSED = Counter("gateway_refused_total", "Requests that the gateway refused by itself", ["type"])
CONNECTIONS = Gauge("gateway_client_connections", "Open connections of clients")
STREAMS = Gauge("gateway_streams", "Open server-sent event streams and WebSockets")
UPSTREAM_CONNECTIONS = Gauge("gateway_upstream_connections", "Open connections to a service", ["service"])
UPSTREAM_WAITING = Gauge("gateway_upstream_waiting", "Requests that wait for a connection to a service", ["service"])
UPSTREAM_DOWN = Gauge("gateway_upstream_down", "1 while a service cannot be connected to", ["service"])
UPSTREAM_FAILURES = Counter(
    "gateway_upstream_failures_total", "Requests that a service let down", ["service", "reason"]
)


class RequestMetrics:
    """Counts requests under the names that all services use; looks each label set up once."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._known: dict[tuple[bytes, str, int], tuple[Counter, Histogram]] = {}

    def note(self, method: bytes, route: str, status: int, seconds: float) -> None:
        """A request is over."""
        key = (method, route, status)
        known = self._known.get(key)
        if known is None:
            name = method.decode("latin-1")
            counter = REQUESTS.labels(self._service, name, route, status)
            known = self._known[key] = (counter, REQUEST_SECONDS.labels(self._service, name, route))
        known[0].inc()
        known[1].observe(seconds)
