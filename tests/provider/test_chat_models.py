"""chat's providers over real HTTP, against a server that others wrote."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal

import openai
import pytest
from chat.breaker import Breaker, State
from chat.completions import ChatCompletions, connect
from chat.model import (
    Ending,
    ModelBrokeOff,
    ModelDeclined,
    ModelFailed,
    ModelMisconfigured,
    ModelOverloaded,
    ModelTooSlow,
    Patience,
    Turn,
    Usage,
)
from chat.prices import Price
from chat.providers import Provider, Providers
from chat.structured import Structured
from pydantic import BaseModel

from .conftest import Aimock

pytestmark = pytest.mark.xdist_group("aimock")
TURNS = [Turn("system", "Cite."), Turn("user", "What is a cell?")]
CALM = Patience(first=20.0, between=20.0, whole=40.0)
PRICE = Price(Decimal("0.15"), Decimal("0.60"))
ALIVE = "Cells are alive [1]."


class Claims(BaseModel):
    claims: list[str]


@asynccontextmanager
async def providers(
    aimock: Aimock, *models: str, patience: Patience = CALM, key: str | None = None, retries: int = 0
) -> AsyncIterator[list[Provider]]:
    async with AsyncExitStack() as stack:
        clients: list[openai.AsyncOpenAI] = [
            await stack.enter_async_context(connect(aimock.url, key or aimock.key, patience, retries=retries))
            for _ in models
        ]
        yield [
            Provider(name, ChatCompletions(client, name, patience, price=PRICE, thinking=500), Breaker())
            for name, client in zip(models, clients, strict=True)
        ]


async def written(model: Providers) -> tuple[str, Usage]:
    pieces = [piece async for piece in model.write(TURNS, longest=100)]
    ending = pieces.pop()
    assert isinstance(ending, Ending)
    return "".join(piece for piece in pieces if isinstance(piece, str)), ending.usage


async def answered(aimock: Aimock, *models: str, patience: Patience = CALM, retries: int = 0) -> tuple[str, Usage]:
    async with providers(aimock, *models, patience=patience, retries=retries) as asked:
        return await written(Providers(asked, patience))


async def test_answer_streams_and_says_what_it_cost(aimock: Aimock) -> None:
    text, usage = await answered(aimock, "good")
    assert text == "Cells are alive [1]. They divide in two."
    assert usage == Usage(2000, 100, cost=Decimal("0.00036"), model="good")


async def test_request_is_one_that_the_server_knows(aimock: Aimock) -> None:
    await answered(aimock, "good")
    body = aimock.asked_of("good")[-1]
    assert (body["stream"], body["stream_options"], body["max_tokens"]) == (True, {"include_usage": True}, 600)
    assert "temperature" not in body


@pytest.mark.parametrize("model", ["thoughtful", "thinks-aloud"])
async def test_thoughts_are_no_part_of_the_answer(aimock: Aimock, model: str) -> None:
    assert (await answered(aimock, model))[0] == ALIVE


async def test_schema_is_asked_for_as_the_server_knows_it_and_filled(aimock: Aimock) -> None:
    async with providers(aimock, "structured") as asked:
        filled = await Structured(Providers(asked, CALM)).fill(TURNS, Claims, longest=100)
    assert filled.value == Claims(claims=["Cells are alive."])
    assert filled.usage.model == "structured"
    assert aimock.asked_of("structured")[-1]["response_format"]["json_schema"]["name"] == "Claims"


async def test_server_error_that_passes_is_tried_again(aimock: Aimock) -> None:
    aimock.forget()
    assert (await answered(aimock, "recovering", retries=1))[0] == ALIVE


@pytest.mark.parametrize(
    ("model", "failure"),
    [
        ("broken", ModelFailed),
        ("overloaded", ModelOverloaded),
        ("out-of-money", ModelMisconfigured),
        ("empty-account", ModelMisconfigured),
        ("nobody-has-this-model", ModelMisconfigured),
        ("unwilling", ModelDeclined),
        ("filtered", ModelDeclined),
        ("garbled", ModelBrokeOff),
        ("lost-in-thought", ModelBrokeOff),
        ("hangs-up", ModelFailed),
    ],
)
async def test_next_model_answers_where_one_fails_before_its_first_word(
    aimock: Aimock, model: str, failure: type[ModelFailed]
) -> None:
    with pytest.raises(ModelFailed) as failed:
        await answered(aimock, model)
    assert type(failed.value) is failure
    text, usage = await answered(aimock, model, "good")
    assert text.startswith(ALIVE)
    assert usage.model == "good"


async def test_answer_that_has_begun_is_not_begun_anew(aimock: Aimock) -> None:
    heard: list[str | Ending] = []

    async def read(model: Providers) -> None:
        async for piece in model.write(TURNS, longest=100):
            heard.append(piece)  # noqa: PERF401 # it is kept where the reading fails

    async with providers(aimock, "cut", "good") as asked:
        with pytest.raises(ModelBrokeOff):
            await read(Providers(asked, CALM))
    assert ALIVE.startswith("".join(map(str, heard)))
    assert heard


async def test_slow_first_word_is_waited_for_or_left_to_the_next(aimock: Aimock) -> None:
    assert (await answered(aimock, "slow"))[0] == ALIVE
    hasty = Patience(first=1.0, between=20.0, whole=40.0)
    with pytest.raises(ModelTooSlow):
        await answered(aimock, "slow", patience=hasty)
    assert (await answered(aimock, "slow", "good", patience=hasty))[1].model == "good"


async def test_overloaded_provider_is_left_alone_for_as_long_as_it_asks(aimock: Aimock) -> None:
    aimock.forget()
    now = 0.0
    async with providers(aimock, "overloaded", "good") as asked:
        model = Providers(asked, CALM, lambda: now)
        await written(model)
        now = 29.0
        await written(model)
        assert len(aimock.asked_of("overloaded")) == 1
        now = 31.0
        await written(model)
        assert len(aimock.asked_of("overloaded")) == 2
        assert asked[0].breaker.state is State.OPEN


async def test_wrong_key_is_said_loudly_and_the_provider_skipped(
    aimock: Aimock, caplog: pytest.LogCaptureFixture
) -> None:
    async with providers(aimock, "good", key="wrong") as wrong, providers(aimock, "good") as right:
        model = Providers([Provider("misconfigured", wrong[0].model), *right], CALM)
        assert (await written(model))[1].model == "good"
    assert any(r.levelname == "ERROR" and "misconfigured is not asked" in r.getMessage() for r in caplog.records)


async def test_reader_is_told_what_kind_of_failure_it_was(aimock: Aimock) -> None:
    with pytest.raises(ModelOverloaded) as one_kind:
        await answered(aimock, "overloaded", "overloaded")
    assert one_kind.value.headers["Retry-After"] == "30"
    with pytest.raises(ModelFailed, match="1 is overloaded, 1 is not set up correctly"):
        await answered(aimock, "overloaded", "empty-account")
