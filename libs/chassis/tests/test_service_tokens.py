"""Tokens for background work: asked for once, kept until shortly before they expire, shared by all who wait."""

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from chassis.service_tokens import ServiceTokens
from pydantic import SecretStr

from .signing import USER, StillClock


class FakeAuth:
    """Auth's endpoint: gives numbered tokens that live five minutes, or fails."""

    def __init__(self, clock: StillClock) -> None:
        self.clock = clock
        self.asked: list[dict[str, str | None]] = []
        self.failing = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "http://auth/internal/service-tokens"
        self.asked.append(json.loads(request.content))
        await self.may_answer.wait()
        if self.failing:
            return httpx.Response(503)
        expires = self.clock.now + timedelta(minutes=5)
        return httpx.Response(200, json={"access_token": f"token {len(self.asked)}", "expires_at": expires.isoformat()})

    def tokens(self) -> ServiceTokens:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return ServiceTokens("chat", SecretStr("hush"), auth_url="http://auth/", client=client, clock=self.clock)


@pytest.fixture
def auth() -> FakeAuth:
    return FakeAuth(StillClock())


async def test_a_token_is_asked_for_once_and_renewed_before_it_expires(auth: FakeAuth) -> None:
    tokens = auth.tokens()
    assert [await tokens.token("ingestion") for _ in range(3)] == ["token 1"] * 3
    assert auth.asked == [{"service": "chat", "secret": "hush", "audience": "ingestion", "act_for": None}]
    auth.clock.forward(minutes=4, seconds=29)
    assert await tokens.token("ingestion") == "token 1"
    auth.clock.forward(seconds=1)
    assert await tokens.token("ingestion") == "token 2"


async def test_each_audience_and_user_has_a_token_of_its_own(auth: FakeAuth) -> None:
    tokens = auth.tokens()
    given = [await tokens.token(audience, user) for audience in ("ingestion", "auth") for user in (None, USER)]
    assert len(set(given)) == 4
    assert auth.asked[1]["act_for"] == str(USER)


async def test_many_at_once_share_one_question(auth: FakeAuth) -> None:
    tokens = auth.tokens()
    assert set(await asyncio.gather(*(tokens.token("ingestion") for _ in range(50)))) == {"token 1"}


async def test_many_at_once_share_one_failure(auth: FakeAuth) -> None:
    auth.failing = True
    tokens = auth.tokens()
    outcomes = await asyncio.gather(*(tokens.token("ingestion") for _ in range(50)), return_exceptions=True)
    assert all(isinstance(outcome, httpx.HTTPStatusError) for outcome in outcomes)
    assert len(auth.asked) == 1
    auth.failing = False
    assert await tokens.token("ingestion") == "token 2"


async def test_who_gives_up_leaves_the_others_their_answer(auth: FakeAuth) -> None:
    auth.may_answer.clear()
    tokens = auth.tokens()
    impatient = asyncio.create_task(tokens.token("ingestion"))
    patient = asyncio.create_task(tokens.token("ingestion"))
    await asyncio.sleep(0)
    impatient.cancel()
    auth.may_answer.set()
    assert await patient == "token 1"
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_an_old_token_is_used_to_its_end_while_auth_is_away(auth: FakeAuth) -> None:
    tokens = auth.tokens()
    await tokens.token("ingestion")
    auth.failing = True
    auth.clock.forward(minutes=4, seconds=45)
    assert await tokens.token("ingestion") == "token 1"
    auth.clock.forward(seconds=15)
    with pytest.raises(httpx.HTTPError):
        await tokens.token("ingestion")


async def test_tokens_of_users_who_are_done_with_are_forgotten(auth: FakeAuth) -> None:
    tokens = auth.tokens()
    for number in range(20):
        await tokens.token("ingestion", UUID(int=number))
    auth.clock.forward(minutes=6)
    await tokens.token("ingestion")
    assert len(tokens._tokens) == 1
