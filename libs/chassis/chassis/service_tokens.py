"""Tokens for background work: auth gives a service a short-lived one that names service, audience and the user it acts for."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from logging import getLogger
from uuid import UUID

import httpx
from pydantic import BaseModel, SecretStr

from chassis.clock import Clock, system_clock

log = getLogger(__name__)
RENEW_BEFORE = timedelta(seconds=30)


class ServiceTokenRequest(BaseModel):
    """What a service sends to auth's `POST /internal/service-tokens`."""

    service: str
    secret: SecretStr
    audience: str
    act_for: UUID | None = None


class ServiceTokenAnswer(BaseModel):
    """What auth answers."""

    access_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Key:
    audience: str
    act_for: UUID | None


class ServiceTokens:
    """Asks auth for tokens and keeps each until shortly before it expires."""

    def __init__(
        self,
        service: str,
        secret: SecretStr,
        *,
        auth_url: str,
        client: httpx.AsyncClient,
        clock: Clock = system_clock,
    ) -> None:
        self._service = service
        self._secret = secret
        self._url = f"{auth_url.rstrip('/')}/internal/service-tokens"
        self._client = client
        self._clock = clock
        self._tokens: dict[_Key, ServiceTokenAnswer] = {}
        self._asking: dict[_Key, asyncio.Task[str]] = {}

    async def token(self, audience: str, act_for: UUID | None = None) -> str:
        """A token for calls to `audience`; raises `httpx.HTTPError` where auth gives none and none is left."""
        key = _Key(audience, act_for)
        known = self._tokens.get(key)
        if known is not None and self._clock() < known.expires_at - RENEW_BEFORE:
            return known.access_token
        if key not in self._asking:
            self._asking[key] = asyncio.create_task(self._renew(key))
            self._asking[key].add_done_callback(partial(self._asked, key))
        # Shared and shielded: whoever gives up leaves the others their answer, and a failure is waited for once.
        return await asyncio.shield(self._asking[key])

    def _asked(self, key: _Key, task: asyncio.Task[str]) -> None:
        del self._asking[key]
        if not task.cancelled():
            task.exception()  # seen, even where nobody waits any more

    async def _renew(self, key: _Key) -> str:
        self._tokens = {k: t for k, t in self._tokens.items() if self._clock() < t.expires_at}
        try:
            self._tokens[key] = await self._ask(key)
        except httpx.HTTPError as error:
            if key not in self._tokens:
                raise
            log.warning("auth gives no new token for %s; the old one still works: %s", key.audience, error)
        return self._tokens[key].access_token

    async def _ask(self, key: _Key) -> ServiceTokenAnswer:
        body = {
            "service": self._service,
            "secret": self._secret.get_secret_value(),
            "audience": key.audience,
            "act_for": str(key.act_for) if key.act_for else None,
        }
        response = await self._client.post(self._url, json=body, timeout=5.0)
        response.raise_for_status()
        return ServiceTokenAnswer.model_validate(response.json())
