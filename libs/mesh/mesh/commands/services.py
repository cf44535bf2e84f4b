"""The services of a running mesh, as the command line reaches them: where each is, and a token for it from auth."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from mesh.errors import MeshError
from mesh.operations import OPERATOR

DEVELOPMENT_SECRET = "development-service-secret"  # noqa: S105  # what chassis gives every service in development
# A page is read, published and confirmed within it.
SECONDS = 60.0


class NotAnswered(MeshError):
    """A service cannot be reached, or refuses."""


class Services:
    """Asks services; use it within `reached`."""

    def __init__(self, client: httpx.AsyncClient, urls: Mapping[str, str], auth_url: str, secret: str) -> None:
        self._client = client
        self._urls = urls
        self._auth_url = auth_url
        self._secret = secret
        self._tokens: dict[str, str] = {}

    @property
    def names(self) -> list[str]:
        """Those whose address is known."""
        return list(self._urls)

    async def get(self, service: str, path: str, **parameters: Any) -> Any:
        """What a service answers. Raises `NotAnswered`."""
        given = {name: value for name, value in parameters.items() if value is not None}
        return await self._ask(service, "GET", path, params=given)

    async def post(self, service: str, path: str, body: Any, at: str | None = None) -> Any:
        """What a service answers, or that one of its processes which is at another address. Raises `NotAnswered`."""
        return await self._ask(service, "POST", path, at, json=body)

    async def _ask(self, service: str, method: str, path: str, at: str | None = None, **options: Any) -> Any:
        if service not in self._urls:
            raise NotAnswered(f"Nobody says where {service} is: set MESH_SERVICES={service}=http://…,…")
        base = (at or self._urls[service]).rstrip("/")
        answer = await self._with_token(service, method, f"{base}/internal/mesh{path}", **options)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            del self._tokens[service]  # it expired meanwhile
            answer = await self._with_token(service, method, f"{base}/internal/mesh{path}", **options)
        return _read(service, answer)

    async def _with_token(self, service: str, method: str, url: str, **options: Any) -> httpx.Response:
        if service not in self._tokens:
            self._tokens[service] = await self._token(service)
        authorization = {"Authorization": f"Bearer {self._tokens[service]}"}
        return await self._send(service, method, url, headers=authorization, **options)

    async def _token(self, audience: str) -> str:
        body = {"service": OPERATOR, "secret": self._secret, "audience": audience}
        answer = await self._send("auth", "POST", f"{self._auth_url}/internal/service-tokens", json=body)
        return str(_read("auth", answer)["access_token"])

    async def _send(self, service: str, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            return await self._client.request(method, url, **options)
        except httpx.HTTPError as error:
            raise NotAnswered(f"{service} cannot be reached at {url} ({error or type(error).__name__})") from error


def _read(service: str, answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json()
    try:
        said = answer.json().get("detail")
    except (ValueError, AttributeError):
        said = None
    raise NotAnswered(f"{service} answered {answer.status_code}: {said or answer.reason_phrase}")


@asynccontextmanager
async def reached(environment: Mapping[str, str] = os.environ) -> AsyncIterator[Services]:
    """The services that the environment names."""
    auth_url = (environment.get("AUTH_URL") or "http://127.0.0.1:8101").rstrip("/")
    secret = environment.get("MESH_SERVICE_SECRET") or DEVELOPMENT_SECRET
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        yield Services(client, addresses(environment, auth_url), auth_url, secret)


def addresses(environment: Mapping[str, str], auth_url: str) -> dict[str, str]:
    """MESH_SERVICES, or what the gateway of the same environment is told: GATEWAY_CHAT_URL and so on."""
    if named := environment.get("MESH_SERVICES"):
        pairs = (entry.partition("=") for entry in named.split(",") if entry.strip())
        return {name.strip(): url.strip().rstrip("/") for name, _, url in pairs}
    gateways = {
        name.removeprefix("GATEWAY_").removesuffix("_URL").lower(): url.rstrip("/")
        for name, url in environment.items()
        if name.startswith("GATEWAY_") and name.endswith("_URL") and url
    }
    return {"auth": auth_url} | gateways
