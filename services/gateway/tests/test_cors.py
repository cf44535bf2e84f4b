"""Which pages of other origins may call."""

import httpx
import pytest
from gateway.cors import Cors
from starlette.types import Receive, Scope, Send

from .fakes import Running, answer, running

PAGE = "https://study.example"


async def test_a_page_that_may_call_is_told_so_and_which_headers_it_may_read(redis_url: str) -> None:
    async with running(redis_url, cors_origins=(PAGE,)) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        response = await http.get("/api/v1/open", headers={"Origin": PAGE})
        assert response.headers["access-control-allow-origin"] == PAGE
        readable = set(response.headers["access-control-expose-headers"].split(", "))
        assert readable >= {"ratelimit", "retry-after", "x-request-id", "idempotency-replayed", "location"}
        assert "access-control-allow-credentials" not in response.headers
        assert "origin" in response.headers["vary"]
        refused = await http.get("/api/v1/things", headers={"Origin": PAGE})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PAGE)


async def test_a_browser_may_ask_first_without_a_token(redis_url: str) -> None:
    async with running(redis_url, cors_origins=(PAGE,)) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        question = {
            "Origin": PAGE,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization",
        }
        response = await http.options("/api/v1/things/7", headers=question)
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["access-control-allow-origin"] == PAGE
        assert set(response.headers["access-control-allow-methods"].split(", ")) >= {"GET", "PUT", "DELETE"}
        assert "authorization" in response.headers["access-control-allow-headers"]
        stranger = await http.options("/api/v1/things/7", headers=question | {"Origin": "https://evil.example"})
        assert not [name for name in stranger.headers if name.startswith("access-control")]
    assert gateway.service.seen == []


async def test_a_page_that_may_not_call_learns_nothing(gateway: Running) -> None:
    async def generous(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"", 200, (b"access-control-allow-origin", b"*"))

    gateway.service.on("/open", generous)
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        response = await http.get("/api/v1/open", headers={"Origin": "https://evil.example"})
        assert not [name for name in response.headers if name.startswith("access-control")]
        assert response.headers["vary"] == "origin"
        assert (await http.options("/api/v1/open")).headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("origin", "local", "anywhere"),
    [
        ("http://localhost:3000", True, False),
        ("http://127.0.0.1", True, False),
        ("http://[::1]:5173", True, False),
        ("http://localhost.evil.example", False, False),
        ("http://localhost:3000@evil.example", False, False),
        ("https://STUDY.example", True, True),
        ("https://study.example.evil", False, False),
        ("null", False, False),
    ],
)
def test_in_development_pages_of_this_machine_may_call(origin: str, local: bool, anywhere: bool) -> None:
    assert Cors([PAGE + "/"], allow_local=True).allows(origin.encode()) is local
    assert Cors([PAGE], allow_local=False).allows(origin.encode()) is anywhere
