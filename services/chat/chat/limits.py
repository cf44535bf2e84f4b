"""How large a request may be. FastAPI reads a whole body before it looks at it, and refuses a large one in plain text."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from chassis.errors import TooLarge
from fastapi import Request, Response
from fastapi.routing import APIRoute

MOST_CHARACTERS = 8000
# The longest message, escaped as JSON, with room for the rest of the body.
BODY_BYTES = 128 * 1024

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class BoundedRoute(APIRoute):
    """A route that reads no more of a body than `BODY_BYTES`."""

    def get_route_handler(self) -> Handler:
        return _bounded(super().get_route_handler())


def _bounded(handle: Callable[[Request], Awaitable[Response]]) -> Handler:
    async def handle_bounded(request: Request) -> Response:
        if request.method in ("POST", "PUT", "PATCH"):
            request._body = await _read(request)  # where Starlette itself keeps a body that was read
        return await handle(request)

    return handle_bounded


async def _read(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > BODY_BYTES:
        raise _too_large()
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> TooLarge:
    return TooLarge(
        f"A message may have {MOST_CHARACTERS} characters, and a request {BODY_BYTES} bytes. Shorten it, or upload it as a document.",
        limit=BODY_BYTES,
    )
