"""The model port over real HTTP, against a server that misbehaves as providers do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import pytest
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

from .provider import Provider, Script, babbles, breaks_off, falls_silent, provider, refuses, says

TURNS = [Turn("system", "Be brief."), Turn("user", "Hi"), Turn("assistant", "Hello"), Turn("user", "What is ATP?")]
CALM = Patience(first=15.0, between=15.0, whole=30.0)
HASTY = Patience(first=0.4, between=0.3, whole=15.0)


@asynccontextmanager
async def model(*scripts: Script, patience: Patience = CALM) -> AsyncIterator[tuple[ChatCompletions, Provider]]:
    async with provider(*scripts) as served, connect(served.url, "key", patience) as client:
        yield ChatCompletions(client, "m", patience), served


async def write(*scripts: Script, patience: Patience = CALM) -> tuple[str, Ending | None, Provider]:
    async with model(*scripts, patience=patience) as (writer, served):
        pieces = [piece async for piece in writer.write(TURNS, longest=50)]
    ending = pieces[-1] if isinstance(pieces[-1], Ending) else None
    return "".join(piece for piece in pieces if isinstance(piece, str)), ending, served


async def test_answer_comes_in_pieces_and_ends_with_what_it_cost() -> None:
    text, ending, served = await write(says("ATP ", "stores ", "energy."))
    assert text == "ATP stores energy."
    assert ending == Ending(complete=True, usage=Usage(21, 8, model="m"))
    assert served.requests[0]["messages"][1] == {"role": "user", "content": "Hi"}
    assert served.requests[0]["max_tokens"] == 50


async def test_tokens_are_estimated_where_the_provider_does_not_say() -> None:
    _, ending, _ = await write(says("Cells live.", usage=None))
    assert ending is not None
    assert ending.usage.estimated
    assert (ending.usage.input_tokens > 5, ending.usage.output_tokens) == (True, 3)


async def test_answer_cut_at_its_length_says_so() -> None:
    _, ending, _ = await write(says("x", reason="length"))
    assert ending is not None
    assert not ending.complete


@pytest.mark.parametrize(
    "refusal", [refuses(500), refuses(503), refuses(429, Retry_After="0"), refuses(429, retry_after_ms="5")]
)
async def test_what_passes_is_tried_again(refusal: Script) -> None:
    text, _, served = await write(refusal, says("fine"))
    assert text == "fine"
    assert len(served.requests) == 2


async def test_long_wait_that_a_provider_asks_for_is_not_spent_on_the_student() -> None:
    with pytest.raises(ModelOverloaded) as refused:
        await write(refuses(429, Retry_After="60"))
    assert refused.value.headers["Retry-After"] == "60"


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        (refuses(401), ModelMisconfigured),
        (refuses(404), ModelMisconfigured),
        (refuses(400, "too long"), ModelDeclined),
        (says("bad", reason="content_filter"), ModelDeclined),
        (breaks_off("ATP "), ModelBrokeOff),
        (breaks_off("ATP ", politely=True), ModelBrokeOff),
        (babbles("data: {not json\n\n"), ModelBrokeOff),
        (babbles('data: {"choices": "none"}\n\n'), ModelBrokeOff),
        (babbles('data: {"error": {"message": "out of memory"}}\n\n'), ModelFailed),
    ],
)
async def test_each_failure_has_its_kind(script: Script, failure: type[ModelFailed]) -> None:
    with pytest.raises(ModelFailed) as failed:
        await write(script)
    assert type(failed.value) is failure
    assert failed.value.status == 503


async def test_server_that_falls_silent_is_left() -> None:
    with pytest.raises(ModelBrokeOff):
        await write(falls_silent("ATP "), patience=replace(CALM, between=0.3))
    with pytest.raises(ModelTooSlow):
        await write(falls_silent(), patience=HASTY)


async def test_server_that_is_away_is_unavailable() -> None:
    async with provider(says("x")) as served:
        url = served.url
    async with connect(url, "key", HASTY, retries=0) as client:
        with pytest.raises(ModelFailed, match="cannot be reached"):
            _ = [piece async for piece in ChatCompletions(client, "m", HASTY).write(TURNS, longest=5)]


async def test_server_that_never_answers_is_too_slow() -> None:
    async def hangs(_: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    with pytest.raises(ModelTooSlow):
        await write(hangs, patience=HASTY)


async def test_endless_answer_ends_at_the_deadline() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        await says(*(["more "] * 10_000), gate=None)(writer)

    with pytest.raises(ModelBrokeOff, match="silent"):
        await write(drip, patience=replace(CALM, whole=1.0))


async def test_slow_first_token_within_patience_is_waited_for() -> None:
    gate = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, gate.set)
    text, _, _ = await write(says("late", gate=gate))
    assert text == "late"


async def test_reader_that_leaves_hangs_up() -> None:
    async with model(falls_silent("ATP ", "stores")) as (writer, served):
        async with aclosing(writer.write(TURNS, longest=50)) as pieces:
            assert await anext(pieces) == "ATP "
        async with asyncio.timeout(2):
            await served.hung_up.wait()


async def test_server_that_wants_another_name_for_the_limit_is_obeyed_from_then_on() -> None:
    complaint = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    async with model(refuses(400, complaint), refuses(400, "stream_options is not allowed"), says("ok")) as (
        writer,
        served,
    ):
        for _ in range(2):
            pieces = [piece async for piece in writer.write(TURNS, longest=9)]
            assert pieces[0] == "ok"
    assert [request.get("max_completion_tokens") for request in served.requests] == [None, 9, 9, 9]
    assert "stream_options" not in served.requests[-1]
