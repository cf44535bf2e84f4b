"""The sessions that ended before their tokens did, as auth lists them to who may have missed its broadcasts."""

from datetime import datetime
from uuid import UUID

import httpx
from pydantic import BaseModel

from chassis.service_tokens import ServiceTokens

_TIMEOUT = 5.0


class RevokedSession(BaseModel):
    """A session whose access tokens are void; after `tokens_expire_at` there are none."""

    session_id: UUID
    tokens_expire_at: datetime


class RevokedSessionsAnswer(BaseModel):
    """Auth's answer to `GET /internal/revocations`: every revocation that still matters."""

    revocations: list[RevokedSession]


class RevokedSessions:
    """Auth's list."""

    def __init__(self, *, auth_url: str, tokens: ServiceTokens, client: httpx.AsyncClient) -> None:
        self._url = f"{auth_url.rstrip('/')}/internal/revocations"
        self._tokens = tokens
        self._client = client

    async def read(self) -> list[RevokedSession]:
        """As it is now; raises `httpx.HTTPError` or `ValueError`."""
        authorization = f"Bearer {await self._tokens.token('auth')}"
        response = await self._client.get(self._url, headers={"Authorization": authorization}, timeout=_TIMEOUT)
        response.raise_for_status()
        return RevokedSessionsAnswer.model_validate_json(response.content).revocations
