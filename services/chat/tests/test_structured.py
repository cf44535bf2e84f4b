"""Objects from a model: in whatever way the server takes the wish for JSON, whatever is around the JSON, or not at all."""

import json
from typing import Any, Literal

import pytest
from chat.completions import ChatCompletions, connect
from chat.model import ModelOverloaded, Patience, Turn, Usage
from chat.structured import ModelUnreadable, Refused, Structured, read, shape_of
from pydantic import BaseModel, Field

from .provider import USAGE, Provider, Script, provider, refuses, says

PATIENCE = Patience(first=15.0, between=15.0, whole=30.0)
GOOD = '{"verdict": "right", "grade": 4, "why": "It says so."}'
TURNS = [Turn("system", "You grade."), Turn("user", "Grade this.")]


class Verdict(BaseModel):
    verdict: Literal["right", "wrong"]
    grade: int = Field(ge=0, le=5)
    why: str = Field(max_length=100)


async def fill(*scripts: Script) -> tuple[Any, Provider]:
    async with provider(*scripts) as served, connect(served.url, "key", PATIENCE, retries=0) as client:
        structured = Structured(ChatCompletions(client, "m", PATIENCE))
        return await structured.fill(TURNS, Verdict, longest=200), served


async def test_valid_object_comes_at_the_first_try_with_its_cost() -> None:
    filled, served = await fill(says(GOOD[:20], GOOD[20:]))
    assert filled.value == Verdict(verdict="right", grade=4, why="It says so.")
    assert filled.usage == Usage(USAGE["prompt_tokens"], USAGE["completion_tokens"], model="m")
    (request,) = served.requests
    assert request["response_format"]["type"] == "json_schema"
    assert request["response_format"]["json_schema"]["schema"]["additionalProperties"] is False
    assert "JSON Schema" in request["messages"][-1]["content"]


async def test_server_without_schemas_is_asked_for_json_and_one_without_json_for_text() -> None:
    refusal = refuses(400, "This response_format type is unavailable now")
    async with (
        provider(refusal, refusal, says("Sure! ```json\n" + GOOD + "\n``` Good luck.")) as served,
        connect(served.url, "key", PATIENCE, retries=0) as client,
    ):
        structured = Structured(ChatCompletions(client, "m", PATIENCE))
        for _ in range(2):
            filled = await structured.fill(TURNS, Verdict, longest=200)
            assert filled.value.grade == 4
        asked = [request.get("response_format", {}).get("type") for request in served.requests]
    assert asked == ["json_schema", "json_object", None, None]


async def test_model_is_told_once_what_is_wrong_and_both_tries_are_paid_for() -> None:
    filled, served = await fill(says('{"verdict": "right", "grade": 11, "why": ""}'), says(GOOD))
    assert filled.value.grade == 4
    assert filled.usage == Usage(2 * USAGE["prompt_tokens"], 2 * USAGE["completion_tokens"], model="m")
    draft, correction = served.requests[1]["messages"][-2:]
    assert draft["role"] == "assistant"
    assert "grade" in correction["content"]
    assert "less than or equal to 5" in correction["content"]


async def test_model_that_never_fills_it_has_failed_and_says_what_it_cost() -> None:
    with pytest.raises(ModelUnreadable) as failed:
        await fill(says("I would rather not.", usage=None))
    assert failed.value.usage.estimated
    assert failed.value.usage.input_tokens > 100


async def test_failure_of_the_provider_is_passed_on() -> None:
    with pytest.raises(ModelOverloaded):
        await fill(refuses(429, "slow down"))


@pytest.mark.parametrize(
    "draft",
    [
        GOOD,
        f'<think>Perhaps {{"verdict": "wrong", "grade": 0, "why": "x"}}?</think>\n{GOOD}',
        f'As {{an}} example {{"a": 1}}: {GOOD} and so on }} {{',
        f"{{{GOOD}",
        GOOD.replace("says", "says\\u0000"),
        json.dumps({**json.loads(GOOD), "extra": {"deep": [1]}}),
    ],
)
def test_object_is_found_among_whatever_a_model_writes_around_it(draft: str) -> None:
    found = read(draft, Verdict)
    assert (found.verdict, found.grade) == ("right", 4)
    assert "\x00" not in found.why


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        ("", "no JSON object"),
        ("{" * 50_000, "no JSON object"),
        ('{"a":' * 20_000, "no JSON object"),
        ("[1, 2]", "no JSON object"),
        (GOOD[:-5], "no JSON object"),
        ('{"verdict": "right", "grade": NaN, "why": "x"}', "grade"),
        ('{"verdict": "maybe", "grade": 3, "why": "\\ud800"}', "verdict"),
        ('{"verdict": "right", "grade": 3, "why": "' + "x" * 101 + '"}', "why"),
    ],
)
def test_what_is_no_object_of_the_schema_is_refused_in_words(draft: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        read(draft, Verdict)


def test_schema_is_sent_without_what_some_servers_do_not_know() -> None:
    class Titled(BaseModel):
        title: str = Field(max_length=5)
        verdicts: list[Verdict]

    sent = shape_of(Titled).schema
    assert set(sent["properties"]) == {"title", "verdicts"}
    assert "maxLength" not in json.dumps(sent)
    assert sent["$defs"]["Verdict"]["additionalProperties"] is False
