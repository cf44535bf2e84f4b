"""Who may ask: tokens are checked on every route that is not declared public, and keys rotate without a restart."""

import json
import time
from importlib.resources import files
from typing import Any

import httpx
import pytest
from devstack.identities import new_signing_key
from jose import jwt

from .fakes import ROUTES, Auth, Json, Running, running

METHODS = ("get", "put", "post", "delete", "patch")


def forged_tokens(auth: Auth) -> dict[str, str]:
    """What an attacker might send, by what is wrong with it."""
    good = auth.token()
    header, payload, signature = good.split(".")
    claims: dict[str, Any] = jwt.get_unverified_claims(good)
    other = new_signing_key(auth.keys[0].key_id)
    public = json.dumps(auth.keys[0].public_jwk())
    return {
        "none": jwt_none(payload),
        "another key under a known name": auth.token(key=other),
        "a key that nobody knows": auth.token(key=new_signing_key("unknown")),
        "HMAC with the public key": jwt.encode(claims, public, algorithm="HS256", headers={"kid": "first"}),
        "a key of its own": jwt.encode(claims, other.pem, algorithm="ES256", headers={"kid": "first", "jwk": other.public_jwk()}),
        "expired": auth.token(exp=int(time.time()) - 1),
        "not valid yet": auth.token(nbf=int(time.time()) + 600),
        "for a service": auth.token(aud="ingestion"),
        "of another issuer": auth.token(iss="somebody"),
        "of a service": auth.token(sub="service:chat", sid=None),
        "without session": auth.token(sid=None),
        "changed": f"{header}.{payload[:-4]}AAAA.{signature}",
        "cut": good[:-10],
        "oversized": good + "a" * 5000,
        "no token": "hello",
    }  # fmt: skip


def jwt_none(payload: str) -> str:
    """An unsigned token."""
    return f"eyJhbGciOiJub25lIiwia2lkIjoiZmlyc3QifQ.{payload}."


def walk(document: Json) -> list[tuple[str, str, bool]]:
    """Method, path and whether it is public, of every route."""
    return [
        (method.upper(), path.replace("{", "").replace("}", ""), item[method].get("security") == [])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item and not item[method].get("x-websocket")
    ]


def committed_routes() -> Json:
    """The route table that the gateway is deployed with."""
    document: Json = json.loads(files("contracts").joinpath("openapi.json").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("routes", [ROUTES, committed_routes()], ids=("fixture", "committed"))
async def test_every_route_that_is_not_public_refuses_whom_it_does_not_know(redis_url: str, routes: Json) -> None:
    async with running(redis_url, routes) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        headers = [
            {},
            {"Authorization": "Basic YWRhOnB3"},
            {"Authorization": "Bearer"},
            {"Authorization": f"bearer{gateway.auth.token()}"},
        ]
        headers += [{"Authorization": f"Bearer {token}"} for token in forged_tokens(gateway.auth).values()]
        closed = [(method, path) for method, path, public in walk(routes) if not public]
        assert len(closed) >= 10
        for method, path in closed:
            for given in headers:
                answer = await http.request(method, path, headers=given)
                assert answer.status_code == 401, (method, path, given)
                assert answer.json()["type"] == "urn:studyteddy:problem:unauthorized"
                assert answer.headers["www-authenticate"].startswith("Bearer")
        assert gateway.service.seen == gateway.other.seen == []
        for method, path in closed:
            assert (await http.request(method, path, headers=gateway.bearer())).status_code == 200, (method, path)
        for method, path in [(method, path) for method, path, public in walk(routes) if public]:
            assert (await http.request(method, path)).status_code != 401, (method, path)


async def test_a_token_is_forwarded_and_its_scheme_may_be_written_in_any_case(gateway: Running) -> None:
    token = gateway.auth.token()
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        seen = (await http.get("/api/v1/things", headers={"Authorization": f"bearer {token}"})).json()
        assert dict(seen["headers"])["authorization"] == f"bearer {token}"


async def test_a_token_that_expires_stops_working_although_it_was_good(gateway: Running) -> None:
    headers = gateway.bearer(exp=int(time.time()) + 2)
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        assert (await http.get("/api/v1/things", headers=headers)).status_code == 200
        statuses = []

        async def refused() -> bool:
            statuses.append((await http.get("/api/v1/things", headers=headers)).status_code)
            return statuses[-1] == 401

        deadline = time.monotonic() + 5
        while not await refused():
            assert time.monotonic() < deadline
        assert set(statuses) <= {200, 401}


async def test_keys_rotate_without_a_restart(gateway: Running) -> None:
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        old = gateway.bearer()
        assert (await http.get("/api/v1/things", headers=old)).status_code == 200
        gateway.auth.keys.insert(0, new_signing_key("second"))
        assert (await http.get("/api/v1/things", headers=gateway.bearer())).status_code == 200
        assert (await http.get("/api/v1/things", headers=old)).status_code == 200, "its key is still published"


async def test_while_the_gateway_does_not_know_the_keys_it_says_so(redis_url: str) -> None:
    away = running(redis_url, auth_url="http://127.0.0.1:1", wait=False)
    async with away as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        assert (await http.get("/api/v1/open")).status_code == 200
        answer = await http.get("/api/v1/things", headers=gateway.bearer())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        ready = await http.get("/health/ready")
        assert ready.status_code == 503
        assert set(ready.json()["failures"]) == {"keys", "revocations"}


async def test_a_signature_is_not_checked_twice(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = gateway.bearer()
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        await http.get("/api/v1/things", headers=headers)
        monkeypatch.setattr("chassis.identity.verify", lambda *_, **__: pytest.fail("checked again"))
        for _ in range(5):
            assert (await http.get("/api/v1/things", headers=headers)).status_code == 200


async def test_verdicts_do_not_grow_without_bound(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.identity._REMEMBERED", 3)
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        for _ in range(6):
            assert (await http.get("/api/v1/things", headers=gateway.bearer())).status_code == 200
    assert len(gateway.gateway.edge.verdicts._known) == 3
