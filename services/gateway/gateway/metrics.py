"""What an operator can see of the gateway, beside the requests that every service counts."""

from bisect import bisect_left

from chassis.telemetry import REQUEST_SECONDS, REQUESTS
from prometheus_client import Counter, Gauge

UNMATCHED = "unmatched"
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


class Tally:
    """Requests of one method, route and status since the last fold: how many in each bucket, and their seconds."""

    __slots__ = ("buckets", "seconds")

    def __init__(self, buckets: int) -> None:
        self.buckets = [0] * buckets
        self.seconds = 0.0


class RequestMetrics:
    """Counts requests under the names that all services use.

    A request adds to plain numbers, which `fold` adds to the metrics from time to time: two counters and a histogram, each
    behind a lock, cost a tenth of what a request costs.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._tallies: dict[tuple[bytes, str, int], Tally] = {}
        self._bounds: list[float] = REQUEST_SECONDS.labels(service, "-", UNMATCHED)._upper_bounds

    def note(self, method: bytes, route: str, status: int, seconds: float) -> None:
        """A request is over."""
        tally = self._tallies.get((method, route, status))
        if tally is None:
            tally = self._tallies[method, route, status] = Tally(len(self._bounds))
        tally.buckets[bisect_left(self._bounds, seconds)] += 1
        tally.seconds += seconds

    def fold(self) -> None:
        """Add what was noted to the metrics."""
        for (method, route, status), tally in self._tallies.items():
            name = method.decode("latin-1")
            REQUESTS.labels(self._service, name, route, status).inc(sum(tally.buckets))
            # The library has no way to observe many values at once.
            histogram = REQUEST_SECONDS.labels(self._service, name, route)
            histogram._sum.inc(tally.seconds)
            for bucket, count in zip(histogram._buckets, tally.buckets, strict=True):
                bucket.inc(count)
        self._tallies.clear()
