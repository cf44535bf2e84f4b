"""Who is calling: verdicts are cached but never beyond their time, keys rotate without a restart, outages are bounded."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from chassis.errors import Unauthorized, Unavailable
from chassis.http import create_app
from chassis.identity import (
    CurrentAdmin,
    CurrentService,
    CurrentUser,
    RemoteKeys,
    TokenVerifier,
    VerifiedUser,
    bearer_of,
)
from fastapi import APIRouter

from .signing import SESSION, USER, Keys, StillClock, claims, new_key, published

ONE, TWO = new_key("one"), new_key("two")


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


async def test_a_valid_token_gives_its_principal(clock: StillClock) -> None:
    token = ONE.sign(claims(roles=["student", "admin"]))
    principal = await TokenVerifier(Keys(ONE), clock=clock).verify(token)
    assert (principal.user_id, principal.session_id) == (USER, SESSION)
    assert principal.roles == {"student", "admin"}
    assert (principal.service, principal.token) == (None, token)
    assert principal.expires_at == clock.now + timedelta(minutes=15)


async def test_a_cached_verdict_ends_with_the_token(clock: StillClock) -> None:
    verifier = TokenVerifier(Keys(ONE), clock=clock)
    token = ONE.sign(claims())
    assert await verifier.verify(token) is await verifier.verify(token)
    clock.forward(minutes=15)
    with pytest.raises(Unauthorized):
        await verifier.verify(token)


async def test_the_cache_stays_small(clock: StillClock) -> None:
    verifier = TokenVerifier(Keys(ONE), clock=clock, cache_size=3)
    first, *others = [ONE.sign(claims()) for _ in range(5)]
    remembered = await verifier.verify(first)
    for token in others:
        await verifier.verify(token)
    assert await verifier.verify(first) is not remembered


async def test_a_new_key_is_fetched_when_a_token_names_it(clock: StillClock) -> None:
    source = Keys(ONE)
    verifier = TokenVerifier(source, clock=clock)
    await verifier.verify(ONE.sign(claims()))
    source.present = published(ONE, TWO)
    clock.forward(seconds=5)
    assert (await verifier.verify(TWO.sign(claims()))).user_id == USER
    assert source.fetched == 2


async def test_a_forger_costs_one_fetch_in_a_while(clock: StillClock) -> None:
    source = Keys(ONE)
    verifier = TokenVerifier(source, clock=clock)
    forged = [new_key(f"forged-{number}").sign(claims()) for number in range(20)]
    outcomes = await asyncio.gather(*map(verifier.verify, forged), return_exceptions=True)
    assert all(isinstance(outcome, Unauthorized) for outcome in outcomes)
    assert source.fetched == 1
    clock.forward(seconds=5)
    with pytest.raises(Unauthorized):
        await verifier.verify(forged[0])
    assert source.fetched == 2


async def test_a_withdrawn_key_stops_working_without_a_restart(clock: StillClock) -> None:
    source = Keys(ONE)
    verifier = TokenVerifier(source, clock=clock)
    token = ONE.sign(claims())
    await verifier.verify(token)
    source.present = published(TWO)
    clock.forward(minutes=5)
    await verifier.verify(token)  # starts the renewal, and does not wait for it
    await asyncio.sleep(0)
    with pytest.raises(Unauthorized):
        await verifier.verify(token)


async def test_a_new_key_met_during_a_renewal_waits_for_it(clock: StillClock) -> None:
    source = Keys(ONE)
    verifier = TokenVerifier(source, clock=clock)
    await verifier.verify(ONE.sign(claims()))
    source.present = published(TWO)
    clock.forward(minutes=5)
    assert (await verifier.verify(TWO.sign(claims()))).user_id == USER


async def test_known_keys_go_on_working_while_auth_is_away(clock: StillClock) -> None:
    source = Keys(ONE)
    verifier = TokenVerifier(source, clock=clock)
    await verifier.verify(ONE.sign(claims()))
    source.failure = httpx.ConnectError("refused")
    clock.forward(minutes=10)
    for _ in range(3):
        await verifier.verify(ONE.sign(claims()))
        await asyncio.sleep(0)
    assert source.fetched == 2  # asked again behind the scenes, once in a while


async def test_without_any_key_the_answer_is_come_back_later_and_comes_at_once(clock: StillClock) -> None:
    source = Keys()
    source.failure = httpx.ConnectError("refused")
    verifier = TokenVerifier(source, clock=clock)
    outcomes = await asyncio.gather(*(verifier.verify(ONE.sign(claims())) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    assert source.fetched == 1  # not one time-out after the other
    source.failure, source.present = None, published(ONE)
    clock.forward(seconds=1)
    await verifier.verify(ONE.sign(claims()))


@pytest.mark.parametrize(
    "said",
    [
        {"sub": "not an id"},
        {"sid": None},
        {"sid": "not an id"},
        {"sid": 7},
        {"roles": 7},
        {"sub": "service:chat", "act_for": "not an id"},
        {"sub": "service:chat", "act_for": 7},
    ],
)
async def test_claims_of_another_form_are_refused(clock: StillClock, said: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        await TokenVerifier(Keys(ONE), clock=clock).verify(ONE.sign(claims(**said)))


async def test_a_services_token_names_service_and_user(clock: StillClock) -> None:
    verifier = TokenVerifier(Keys(ONE), audience="ingestion", clock=clock)
    for act_for, user in ((str(USER), USER), (None, None)):
        token = ONE.sign(claims(sub="service:chat", sid=None, aud="ingestion", act_for=act_for, roles=None))
        principal = await verifier.verify(token)
        assert (principal.service, principal.user_id, principal.session_id) == ("chat", user, None)


async def test_keys_come_over_http() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/.well-known/jwks.json"
        return httpx.Response(200, json={"keys": [ONE.public_jwk()]})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        assert set(await RemoteKeys("http://auth/.well-known/jwks.json", client).keys()) == {"one"}


@pytest.mark.parametrize(
    "broken", [httpx.Response(500), httpx.Response(200, text="<html>"), httpx.Response(200, json=[])]
)
async def test_a_key_set_that_cannot_be_read_is_an_outage(broken: httpx.Response, clock: StillClock) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: broken)) as client:
        verifier = TokenVerifier(RemoteKeys("http://auth/keys", client), clock=clock)
        with pytest.raises(Unavailable):
            await verifier.verify(ONE.sign(claims()))


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "bearer\tx", "x"])
def test_a_header_without_a_bearer_token_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthorized, match="Authorization"):
        bearer_of(header)


def test_the_scheme_is_read_in_any_case() -> None:
    assert bearer_of("bearer abc") == bearer_of("BEARER  abc ") == "abc"


@pytest.fixture(params=[True, False], ids=("verified email required", "not required"))
def verified_email_required(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def client(clock: StillClock, verified_email_required: bool) -> AsyncIterator[httpx.AsyncClient]:
    router = APIRouter()

    @router.get("/me")
    async def me(user: CurrentUser) -> str:
        return str(user.id)

    @router.get("/costly")
    async def costly(user: VerifiedUser) -> bool:
        return user.email_verified

    @router.get("/admin")
    async def admin(user: CurrentAdmin) -> str:
        return str(user.session_id)

    @router.get("/inside")
    async def inside(service: CurrentService) -> str:
        return service

    source = Keys(ONE)
    state = {
        "verifier": TokenVerifier(source, clock=clock),
        "service_verifier": TokenVerifier(source, audience="tests", clock=clock),
        "verified_email_required": verified_email_required,
    }
    app = create_app(title="Tests", service="tests", routers=[router], state=state, checks={})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tests") as client:
        yield client


async def test_each_kind_of_caller_reaches_what_is_theirs(client: httpx.AsyncClient) -> None:
    tokens = {
        "nobody": "x.y.z",
        "student": ONE.sign(claims()),
        "admin": ONE.sign(claims(roles=["admin"])),
        "service": ONE.sign(claims(sub="service:chat", sid=None, aud="tests")),
        "service acting for a user, as a user": ONE.sign(claims(sub="service:chat", sid=None, act_for=str(USER))),
        "user at the service's door": ONE.sign(claims(aud="tests")),
    }
    reached = {}
    for who, token in tokens.items():
        answers = [
            await client.get(path, headers={"Authorization": f"Bearer {token}"})
            for path in ("/me", "/admin", "/inside")
        ]
        reached[who] = tuple(answer.status_code for answer in answers)
    assert reached == {
        "nobody": (401, 401, 401),
        "student": (200, 403, 401),
        "admin": (200, 200, 401),
        "service": (401, 401, 200),
        "service acting for a user, as a user": (403, 403, 401),
        "user at the service's door": (401, 401, 403),
    }


@pytest.mark.parametrize("said", [{}, {"email_verified": False}, {"email_verified": "true"}, {"email_verified": 1}])
async def test_who_has_not_verified_the_address_is_told_what_to_do(
    client: httpx.AsyncClient, verified_email_required: bool, said: dict[str, Any]
) -> None:
    bearer = {"Authorization": f"Bearer {ONE.sign(claims(**said))}"}
    assert (await client.get("/me", headers=bearer)).status_code == 200
    answer = await client.get("/costly", headers=bearer)
    if verified_email_required:
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:studyteddy:problem:email-not-verified")
        assert "POST /api/v1/auth/verify-email/resend" in answer.json()["detail"]
    else:
        assert answer.json() is False


async def test_who_has_verified_it_goes_on(client: httpx.AsyncClient) -> None:
    bearer = {"Authorization": f"Bearer {ONE.sign(claims(email_verified=True))}"}
    assert (await client.get("/costly", headers=bearer)).json() is True
