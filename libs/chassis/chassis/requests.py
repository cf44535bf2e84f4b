"""What surrounds each request: its id, its log context, its metrics, and the answer to what nobody expected.

Pure ASGI, so that streams stay streams and cancellation reaches the endpoint (Starlette's `BaseHTTPMiddleware` breaks both).
The span around it is FastAPI's own.
"""

import re
from collections.abc import Mapping
from logging import getLogger
from time import perf_counter
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import logs
from chassis.errors import Problem
from chassis.problems import problem_response
from chassis.telemetry import REQUEST_SECONDS, REQUESTS

log = getLogger(__name__)
REQUEST_ID = "x-request-id"
_ACCEPTABLE_ID = re.compile(r"[\w.-]{8,64}")
_INSIDE = ("/health/", "/metrics")


class RequestContext:
    """The outermost layer of every service's application."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_inside(scope):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _ACCEPTABLE_ID.fullmatch(given) else uuid4().hex
        logs.clear()
        logs.bind(request_id=request_id)
        status: int | None = None
        started = perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            log.exception("unexpected error in %s %s", scope["method"], scope["path"])
            if status is not None:
                raise  # the answer is under way: the server cuts the connection, so that nobody takes a part for the whole
            apology = Problem("Something went wrong on our side; it has been logged. Try again later.")
            await problem_response(apology, Request(scope))(scope, receive, send_with_id)
        finally:
            self._note(scope, status or 500, perf_counter() - started)
            logs.clear()

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = scope["method"], route_of(scope)
        REQUESTS.labels(self._service, method, route, status).inc()
        REQUEST_SECONDS.labels(self._service, method, route).observe(seconds)
        fields = {"http.response.status_code": status, "event.duration": int(seconds * 1e9)}
        log.info("%s %s %d", method, route, status, extra=fields)


def is_inside(scope: Mapping[str, Any]) -> bool:
    """Whether it is a probe or a scrape, which nobody wants to see in logs, traces and metrics."""
    return str(scope.get("path", "")).startswith(_INSIDE)


def route_of(scope: Scope) -> str:
    """The path template that matched: a path itself would make a metric per document."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "unmatched"
