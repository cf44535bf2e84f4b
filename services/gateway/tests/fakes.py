"""What stands around the gateway in its tests: auth, services that do as they are told, and the gateway itself."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chassis.tokens import SigningKey
from devstack.identities import new_signing_key, user_token
from devstack.serving import serving as served
from gateway.app import Gateway, make_gateway
from gateway.settings import Settings
from starlette.types import ASGIApp, Receive, Scope, Send

Json = dict[str, Any]
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]
AWAY = "amqp://guest:guest@127.0.0.1:1/"


def listener() -> socket.socket:
    """A socket that listens on a free port."""
    return socket.create_server(("127.0.0.1", 0), backlog=256)


@contextmanager
def deaf() -> Iterator[int]:
    """A port where a connection is neither taken nor refused: its queue is full."""
    with socket.socket() as listening, ExitStack() as stack:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


async def answer(send: Send, body: bytes, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    """A whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def read_body(receive: Receive) -> bytes:
    """The whole request body."""
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


@asynccontextmanager
async def serving(*apps: ASGIApp) -> AsyncIterator[list[int]]:
    """Serve ASGI applications; their ports."""
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(served(app)) for app in apps]
        yield [int(url.rpartition(":")[2]) for url in urls]


class Service:
    """A service that echoes, except where a test gives it something else to do."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self.port = 0
        self.seen: list[str] = []

    def on(self, path: str, handler: Handler) -> None:
        """From now on `handler` answers that path."""
        self._handlers[path] = handler

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope["path"])
        await self._handlers.get(scope["path"], echo)(scope, receive, send)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was asked."""
    body = await read_body(receive)
    document = {
        "method": scope["method"],
        "path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
        "body": body.decode("latin-1"),
    }
    await answer(send, json.dumps(document).encode(), 200, (b"content-type", b"application/json"))


@dataclass
class Auth:
    """Keys, revocations and tokens."""

    keys: list[SigningKey] = field(default_factory=lambda: [new_signing_key("first")])
    revoked: list[Json] = field(default_factory=list)
    service: Service = field(default_factory=Service)
    reads: int = 0

    def __post_init__(self) -> None:
        self.service.on("/.well-known/jwks.json", self._jwks)
        self.service.on("/internal/service-tokens", self._service_token)
        self.service.on("/internal/revocations", self._revocations)

    def token(self, *, key: SigningKey | None = None, session_id: UUID | None = None, **claims: Any) -> str:
        """An access token; `claims` replace its claims."""
        session = {"sid": str(session_id)} if session_id else {}
        return user_token(key or self.keys[0], uuid4(), **session | claims)

    def revoke(self, session_id: UUID) -> None:
        """From now on the list names the session."""
        expires = datetime.now(UTC) + timedelta(minutes=15)
        self.revoked.append({"session_id": str(session_id), "tokens_expire_at": expires.isoformat()})

    async def _jwks(self, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, json.dumps({"keys": [key.public_jwk() for key in self.keys]}).encode())

    async def _service_token(self, scope: Scope, receive: Receive, send: Send) -> None:
        expires = datetime.now(UTC) + timedelta(minutes=5)
        token = self.token(aud="auth", sub="service:gateway")
        await answer(send, json.dumps({"access_token": token, "expires_at": expires.isoformat()}).encode())

    async def _revocations(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reads += 1
        authorized = dict(scope["headers"]).get(b"authorization", b"").startswith(b"Bearer ey")
        await answer(send, json.dumps({"revocations": self.revoked}).encode(), 200 if authorized else 401)


def operation(service: str = "ingestion", *, public: bool = False, **extensions: Any) -> Json:
    """An operation of a route table; `body_limit=5` becomes `x-body-limit`."""
    document: Json = {"x-service": service, "security": [] if public else [{"bearer": []}]}
    return document | {f"x-{name.replace('_', '-')}": value for name, value in extensions.items()}


ROUTES: Json = {
    "openapi": "3.1.0",
    "info": {"title": "Study Teddy", "version": "1"},
    "paths": {
        "/api/v1/things": {"get": operation(), "post": operation(body_limit=100_000)},
        "/api/v1/things/mine": {"get": operation()},
        "/api/v1/things/{thing_id}": {"get": operation(), "put": operation(), "delete": operation()},
        "/api/v1/things/{thing_id}/parts/{number}": {"get": operation()},
        "/api/v1/open": {"get": operation(public=True), "post": operation(public=True, body_limit=300_000_000)},
        "/api/v1/ask": {"post": operation(rate_limit="ai")},
        "/api/v1/auth/login": {"post": operation("auth", public=True, rate_limit="auth")},
        "/api/v1/auth/logout": {"post": operation("auth")},
        "/api/v1/slow": {"get": operation(public=True, timeout=0.3), "post": operation(public=True, timeout=0.3)},
        "/api/v1/other": {"get": operation("chat", public=True)},
        "/api/v1/events": {"get": operation()},
        "/api/v1/socket": {"get": operation(websocket=True)},
        "/ws": {"get": operation(public=True, websocket=True)},
        "/graphql": {"post": operation()},
    },
}


@dataclass
class Running:
    """A gateway that serves."""

    gateway: Gateway
    auth: Auth
    service: Service
    other: Service
    port: int
    stop: asyncio.Event
    task: asyncio.Task[None]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bearer(self, **claims: Any) -> dict[str, str]:
        """Headers of a signed-in user."""
        return {"Authorization": f"Bearer {self.auth.token(**claims)}"}


@asynccontextmanager
async def running(
    redis_url: str, routes: Json | None = None, *, wait: bool = True, **settings: Any
) -> AsyncIterator[Running]:
    """A gateway, with auth and two services behind it. `wait`: until it is ready."""
    auth, service, other = Auth(), Service(), Service()
    async with serving(auth.service, service, other) as (auth.service.port, service.port, other.port):
        given: Json = {
            "environment": "test",
            "redis_url": redis_url,
            "amqp_url": AWAY,
            "auth_url": auth.service.url,
            "ingestion_url": service.url,
            "chat_url": other.url,
            "flashcard_url": other.url,
            "notifier_url": other.url,
            "limit_general": 100_000,
            "limit_ai": 100_000,
            "limit_auth": 100_000,
        }
        async with make_gateway(Settings(**(given | settings)), routes or ROUTES) as gateway:
            stop, listening = asyncio.Event(), listener()
            port: int = listening.getsockname()[1]
            task = asyncio.create_task(gateway.serve(listening, stop, settings.get("shutdown_grace_seconds", 3)))
            try:
                if wait:
                    await until(lambda: gateway.edge.revocations.loaded and gateway.keys.loaded)
                yield Running(gateway, auth, service, other, port, stop, task)
            finally:
                stop.set()
                await task


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for a condition, with a bound."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        await asyncio.sleep(0.005)
