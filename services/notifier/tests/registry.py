"""auth, as far as notifier knows it: the public keys of access tokens, and tokens that they sign."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from chassis.tokens import SigningKey
from devstack.identities import new_signing_key, user_token
from devstack.serving import serving
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
        async with serving(Starlette(routes=[Route("/.well-known/jwks.json", registry._keys)])) as registry.url:
            yield registry

    def token(self, user_id: UUID, session_id: UUID) -> str:
        return user_token(self.key, user_id, sid=str(session_id))

    async def _keys(self, _: Request) -> JSONResponse:
        return JSONResponse({"keys": [self.key.public_jwk()]})
