"""auth, as far as notifier knows it: the public keys of access tokens, and tokens that they sign."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from chassis.service import serve
from chassis.tokens import SigningKey
from devstack.identities import new_signing_key, user_token
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


@dataclass
class Registry:
    """Signs tokens, and publishes the key."""

    key: SigningKey
    url: str = ""

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        registry = cls(new_signing_key())
        stop, listener = asyncio.Event(), socket.create_server(("127.0.0.1", 0))
        registry.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = Starlette(routes=[Route("/.well-known/jwks.json", registry._keys)])
        serving = asyncio.create_task(serve(app, listener, stop, 2))
        yield registry
        stop.set()
        await serving

    def token(self, user_id: UUID, session_id: UUID) -> str:
        return user_token(self.key, user_id, sid=str(session_id))

    async def _keys(self, _: Request) -> JSONResponse:
        return JSONResponse({"keys": [self.key.public_jwk()]})
