"""What surrounds each request: its id, its trace, its log context, its metrics. Pure ASGI, so that streams stay streams
and cancellation reaches the endpoint (Starlette's `BaseHTTPMiddleware` breaks both)."""

import re
from time import perf_counter
from uuid import uuid4

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import logs
from chassis.telemetry import REQUEST_SECONDS, REQUESTS

REQUEST_ID = "x-request-id"
_ACCEPTABLE_ID = re.compile(r"[\w.-]{8,64}")
_tracer = trace.get_tracer(__name__)


class RequestContext:
    """The outermost layer of every service's application."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(("/health/", "/metrics")):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID, "")
        request_id = given if _ACCEPTABLE_ID.fullmatch(given) else uuid4().hex
        logs.clear()
        logs.bind(request_id=request_id)
        status = 500
        started = perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        context = propagate.extract(dict(headers))
        with _tracer.start_as_current_span(scope["method"], context=context, kind=SpanKind.SERVER) as span:
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                route = route_of(scope)
                span.update_name(f"{scope['method']} {route}")
                span.set_attributes(
                    {
                        "http.request.method": scope["method"],
                        "http.route": route,
                        "http.response.status_code": status,
                    }
                )
                REQUESTS.labels(self._service, scope["method"], route, status).inc()
                REQUEST_SECONDS.labels(self._service, scope["method"], route).observe(perf_counter() - started)
                logs.clear()


def route_of(scope: Scope) -> str:
    """The path template that matched: a path itself would make a metric per document."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "unmatched"
