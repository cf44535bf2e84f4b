"""auth, as far as notifier knows it: the public keys of access tokens, and tokens that they sign."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID, uuid4

from chassis.service import serve
from chassis.tokens import ISSUER, USER_AUDIENCE, SigningKey
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
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
        private = ec.generate_private_key(ec.SECP256R1())
        formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        registry = cls(SigningKey("test", private.private_bytes(*formats).decode()))
        stop, listener = asyncio.Event(), socket.create_server(("127.0.0.1", 0))
        registry.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = Starlette(routes=[Route("/.well-known/jwks.json", registry._keys)])
        serving = asyncio.create_task(serve(app, listener, stop, 2))
        yield registry
        stop.set()
        await serving

    def token(self, user_id: UUID, session_id: UUID) -> str:
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": USER_AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "roles": ["student"],
            "jti": uuid4().hex,
        }
        return self.key.sign(claims | {"iat": now, "exp": now + timedelta(hours=1)})

    async def _keys(self, _: Request) -> JSONResponse:
        return JSONResponse({"keys": [self.key.public_jwk()]})
