"""What only the mesh reaches: service tokens, revocations, keys."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from chassis.identity import TokenVerifier

from .auth_service import Service


async def test_a_service_gets_a_token_for_one_audience(auth: Service) -> None:
    answer = await auth.service_token("ingestion")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    principal = await TokenVerifier(auth.parts.keys, audience="ingestion", clock=auth.clock).verify(
        answer.json()["access_token"]
    )
    assert (principal.service, principal.user_id, principal.session_id) == ("gateway", None, None)
    assert principal.expires_at == datetime.fromisoformat(answer.json()["expires_at"])
    assert principal.expires_at - auth.clock.now == timedelta(minutes=5)


async def test_a_service_token_names_whom_it_acts_for(auth: Service) -> None:
    person = await auth.sign_up()
    token = (await auth.service_token("chat", act_for=person.id)).json()["access_token"]
    principal = await TokenVerifier(auth.parts.keys, audience="chat", clock=auth.clock).verify(token)
    assert (principal.service, str(principal.user_id), principal.roles) == ("gateway", person.id, frozenset())


async def test_nobody_acts_for_a_user_who_is_not_there_or_suspended(auth: Service) -> None:
    person = await auth.sign_up()
    await auth.execute("UPDATE auth.account SET suspended_at = now()")
    for user in (person.id, str(uuid4())):
        assert (await auth.service_token("chat", act_for=user)).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"secret": "wrong"},
        {"secret": ""},
        {"service": "nobody"},
        {"service": ""},
        {"secret": "development-service-secre\u0301t"},
    ],
)
async def test_a_wrong_name_or_secret_gets_nothing(auth: Service, body: dict[str, Any]) -> None:
    answer = await auth.service_token("auth", **body)
    assert answer.status_code == 401
    assert "development" not in answer.text


async def test_half_a_character_is_a_wrong_secret(auth: Service) -> None:
    body = '{"service": "gateway", "secret": "\\ud800", "audience": "auth"}'
    answer = await auth.client.post(
        "/internal/service-tokens", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {401, 422}


@pytest.mark.parametrize("audience", ["studyteddy", "", "nobody"])
async def test_a_service_token_never_passes_for_a_users(auth: Service, audience: str) -> None:
    assert (await auth.service_token(audience)).status_code == 422


async def test_unexpired_revocations_are_listed_for_services(auth: Service) -> None:
    gone, left, stays = [await auth.sign_up() for _ in range(3)]
    await gone.post("/auth/logout")
    auth.clock.forward(minutes=10)
    await left.post("/auth/logout")
    auth.clock.forward(minutes=5, seconds=1)
    left_again = await auth.sign_in(left)
    await left_again.post("/auth/logout")
    token = (await auth.service_token("auth")).json()["access_token"]
    answer = await auth.client.get("/internal/revocations", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    events = await auth.events("auth.session.revoked.v1")
    assert len(events) == 3
    assert answer.json()["revocations"] == [
        {"session_id": events[-1]["session_id"], "tokens_expire_at": events[-1]["tokens_expire_at"]}
    ]
    assert stays.id not in answer.text


async def test_revocations_are_for_services_with_a_token_for_auth(auth: Service) -> None:
    person = await auth.sign_up()
    for_another = (await auth.service_token("chat")).json()["access_token"]
    for token in (None, person.access_token, for_another, "x"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert (await auth.client.get("/internal/revocations", headers=headers)).status_code == 401


async def test_keys_may_be_cached_shorter_than_any_lead(auth: Service) -> None:
    answer = await auth.client.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=30"
