"""What is kept of each request: counts, times, its span, and a log line where it is wanted."""

from collections.abc import Callable
from logging import getLogger
from typing import Protocol

from gateway.metrics import UNMATCHED, RequestMetrics
from gateway.tracing import Trace, Tracing

log = getLogger("gateway.access")


class Subject(Protocol):
    """A request, as far as the journal cares."""

    @property
    def template(self) -> str:
        """The route's path template: a path itself would make a metric per document."""
        ...

    def names(self, trace: Trace) -> dict[str, object]:
        """What a log line says of the request."""
        ...


class Journal:
    """Notes requests that are over. `clock` gives monotonic seconds."""

    def __init__(self, tracing: Tracing, clock: Callable[[], float], *, access_log: bool) -> None:
        self._tracing = tracing
        self._clock = clock
        self._access_log = access_log
        self._metrics = RequestMetrics("gateway")
        self.fold = self._metrics.fold

    def note(self, subject: Subject, trace: Trace, method: bytes, status: int, started_at: float) -> None:
        """A request is over."""
        route, seconds = subject.template, self._clock() - started_at
        self._metrics.note(method, route, status, seconds)
        if trace.span is not None:
            self._tracing.end(trace, method=method, route=route, status=status)
        if self._access_log:
            fields = {"http.response.status_code": status, "event.duration": int(seconds * 1e9)}
            log.info("%s %s %d", method.decode(), route, status, extra=subject.names(trace) | fields)

    def note_unreadable(self, status: int) -> None:
        """What never became a request was answered."""
        self._metrics.note(b"-", UNMATCHED, status, 0.0)
