"""What chat calls, as small servers: ingestion's search, and auth's public keys and revocations."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chassis.tokens import SigningKey
from chat.passages import Passage
from devstack.identities import new_signing_key, user_token
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class Neighbours:
    """Ingestion answers every search with `passages`; auth publishes the key that signs `token()`."""

    passages: Sequence[Passage] = ()
    answerable: bool = True
    status: int = 200
    body: str | None = None
    gate: asyncio.Event | None = None
    searched: asyncio.Event = field(default_factory=asyncio.Event)
    searches: list[dict[str, Any]] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    likeness: Callable[[str, str], float] | None = None
    tokens: list[str] = field(default_factory=list)
    key: SigningKey = field(default_factory=new_signing_key)
    revoked: list[UUID] = field(default_factory=list)
    lists_revoked: bool = True
    service_token: str = ""
    url: str = ""
    redis_url: str = ""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/search", self._search, methods=["POST"]),
                Route("/sample", self._sample, methods=["POST"]),
                Route("/likeness", self._likeness, methods=["POST"]),
                Route("/.well-known/jwks.json", self._keys),
                Route("/internal/service-tokens", self._service_token, methods=["POST"]),
                Route("/internal/revocations", self._revocations),
            ]
        )

    def token(self, user_id: UUID, **more: Any) -> str:
        return user_token(self.key, user_id, **more)

    async def _sample(self, request: Request) -> Response:
        self.samples.append(await request.json())
        self.tokens.append(request.headers["authorization"].removeprefix("Bearer "))
        if self.status != 200:
            return JSONResponse({"type": "x", "detail": "no"}, self.status)
        return JSONResponse({"passages": [_found(p) for p in self.passages]})

    async def _likeness(self, request: Request) -> Response:
        body = await request.json()
        if self.likeness is None:
            return JSONResponse({"type": "x", "detail": "no"}, 503)
        return JSONResponse(
            {"model": "all-MiniLM-L6-v2", "cosines": [self.likeness(body["text"], o) for o in body["others"]]}
        )

    async def _search(self, request: Request) -> Response:
        self.searches.append(await request.json())
        self.tokens.append(request.headers["authorization"].removeprefix("Bearer "))
        self.searched.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.body is not None:
            return Response(self.body, self.status)
        if self.status != 200:
            return JSONResponse({"type": "x", "detail": "no"}, self.status, headers={"Retry-After": "3"})
        return Response(json.dumps({"passages": [_found(p) for p in self.passages], "answerable": self.answerable}))

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.public_jwk()]})

    async def _service_token(self, request: Request) -> Response:
        asked = await request.json()
        self.service_token = self.token(uuid4(), aud=asked["audience"], sub=f"service:{asked['service']}")
        return JSONResponse({"access_token": self.service_token, "expires_at": _in_five_minutes()})

    async def _revocations(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {self.service_token}":
            return Response(status_code=401)
        if not self.lists_revoked:
            return Response(status_code=503)
        ended = [{"session_id": str(session), "tokens_expire_at": _in_five_minutes()} for session in self.revoked]
        return JSONResponse({"revocations": ended})


def _in_five_minutes() -> str:
    return (datetime.now(UTC) + timedelta(minutes=5)).isoformat()


def _found(passage: Passage) -> dict[str, Any]:
    return {
        "passage_id": str(passage.id),
        "document_id": str(passage.document_id),
        "document_title": passage.document_title,
        "page": passage.page,
        "part": passage.part,
        "chunk_index": 0,
        "quote": passage.text,
        "start": passage.start,
        "end": passage.end,
        "score": passage.score,
    }
