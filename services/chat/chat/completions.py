"""Models behind an API that speaks OpenAI's chat completions."""

import asyncio
import email.utils
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from logging import getLogger
from math import ceil
from typing import Any

import httpx2
import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from chat.model import (
    Ending,
    ModelBrokeOff,
    ModelDeclined,
    ModelFailed,
    ModelMisconfigured,
    ModelOverloaded,
    ModelTooSlow,
    Patience,
    Shape,
    Turn,
    Usage,
)
from chat.prices import Price
from chat.thoughts import ThoughtFilter
from chat.tokens import EstimatedTokens, TokenCounter

log = getLogger(__name__)
# How servers name what they do not take of a wish for JSON.
_FORMAT = re.compile(r"response_?format|json_?(?:schema|object)|schema|grammar", re.IGNORECASE)
_MISCONFIGURED = frozenset({401, 402, 403, 404})
_DECLINED = frozenset({400, 413, 422})


class ChatCompletions:
    """A model behind an OpenAI-compatible API. The client retries what may pass: 429, 5xx, a connection that is refused.

    Only before the first piece: an answer that has begun is not begun anew behind the reader's back. `thinking` are tokens that
    a reasoning model may spend before it answers: they count against the limit of an answer's length.
    """

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        model: str,
        patience: Patience,
        *,
        thinking: int = 0,
        price: Price | None = None,
        tokens: TokenCounter | None = None,
    ) -> None:
        self._client = client
        self._patience = patience
        self._thinking = thinking
        self._price = price
        self._tokens = tokens or EstimatedTokens()
        self._dialect = _Dialect()
        self.name = model

    async def write(
        self,
        turns: Sequence[Turn],
        *,
        longest: int,
        shape: Shape | None = None,
        patience: Patience | None = None,
    ) -> AsyncGenerator[str | Ending]:
        """The answer in pieces, then its `Ending`. `longest` bounds its tokens. Raises `ModelFailed`."""
        began = False
        try:
            async with aclosing(self._pieces(turns, longest, shape, patience or self._patience)) as pieces:
                async for piece in pieces:
                    began = True
                    yield piece
        except TimeoutError as error:
            raise _too_slow(began) from error
        except openai.OpenAIError as error:
            raise _failure(error, began) from error
        except (ValueError, TypeError, AttributeError) as error:  # no JSON, or not of the agreed shape
            log.warning("the language model's stream cannot be read: %s", error)
            raise ModelBrokeOff("The language model sent something that cannot be read. Try again.") from error

    async def _pieces(
        self, turns: Sequence[Turn], longest: int, shape: Shape | None, patience: Patience
    ) -> AsyncGenerator[str | Ending]:
        deadline = asyncio.get_running_loop().time() + patience.whole
        async with asyncio.timeout(patience.first):
            stream = await self._begin(turns, longest + self._thinking, shape)
        answer = _Answer()
        async with stream:
            async for chunk in _patiently(stream, patience, deadline):
                if text := answer.read(chunk):
                    yield text
        if rest := answer.end():
            yield rest
        yield Ending(answer.reason != "length", self._usage(turns, answer))

    def _usage(self, turns: Sequence[Turn], answer: "_Answer") -> Usage:
        if answer.usage is None:
            read = sum(self._tokens.count(turn.text) for turn in turns)
            written, estimated = self._tokens.count(answer.text), True
        else:
            read, written, estimated = answer.usage.prompt_tokens, answer.usage.completion_tokens, False
        cost = self._price.of(read, written) if self._price else None
        return Usage(read, written, estimated, cost, self.name)

    async def _begin(
        self, turns: Sequence[Turn], longest: int, shape: Shape | None
    ) -> openai.AsyncStream[ChatCompletionChunk]:
        messages = [_message(turn) for turn in turns]
        while True:
            try:
                stream: openai.AsyncStream[ChatCompletionChunk] = await self._client.chat.completions.create(
                    model=self.name, messages=messages, stream=True, **self._dialect.options(longest, shape)
                )
                return stream
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not self._dialect.learn(str(error), shaped=shape is not None):
                    raise


class _Answer:
    """An answer as it is put together from the chunks of a stream."""

    def __init__(self) -> None:
        self.text = ""
        self.reason: str | None = None
        self.usage: CompletionUsage | None = None
        self._thoughts = ThoughtFilter()
        self._declined = False

    def read(self, chunk: ChatCompletionChunk) -> str:
        """What the chunk adds to the answer."""
        self.usage = chunk.usage or self.usage
        added = ""
        for choice in chunk.choices or ():
            self.reason = choice.finish_reason or self.reason
            if choice.delta and choice.delta.content:
                added += self._thoughts.feed(choice.delta.content)
            self._declined = self._declined or bool(choice.delta and choice.delta.refusal)
        self.text += added
        return added

    def end(self) -> str:
        """What was held back to the end. Raises `ModelFailed` where this is no answer."""
        if self.reason is None:
            raise ModelBrokeOff("The language model broke off in the middle of its answer. Try again.")
        if self._declined or self.reason == "content_filter":
            raise ModelDeclined("The language model's provider declined this question. Put it in other words.")
        held = self._thoughts.close()
        self.text += held
        if not self.text and self.reason == "length":
            log.error("the language model thought until its length was used up: raise CHAT_LLM_THINKING")
            raise ModelBrokeOff("The language model thought for too long to answer. Ask for less at once.")
        if not self.text:
            raise ModelBrokeOff("The language model wrote nothing. Try again.")
        return held


class _Dialect:
    """What a server takes, learnt from its refusals: newer models want another name for the limit, older servers know fewer options."""

    def __init__(self) -> None:
        self._limit = "max_tokens"
        self._counts = True
        self._formats = ["json_schema", "json_object"]

    def options(self, longest: int, shape: Shape | None) -> dict[str, Any]:
        options = {self._limit: longest} | ({"stream_options": {"include_usage": True}} if self._counts else {})
        if shape is None or not self._formats:
            return options
        if self._formats[0] == "json_object":
            return options | {"response_format": {"type": "json_object"}}
        schema = {"name": shape.name, "schema": shape.schema, "strict": True}
        return options | {"response_format": {"type": "json_schema", "json_schema": schema}}

    def learn(self, refusal: str, *, shaped: bool) -> bool:
        """Whether the request is worth another try."""
        if "max_completion_tokens" in refusal and self._limit == "max_tokens":
            self._limit = "max_completion_tokens"
        elif "stream_options" in refusal and self._counts:
            self._counts = False
        elif shaped and self._formats and _FORMAT.search(refusal):
            self._formats.pop(0)
        else:
            return False
        return True


async def _patiently(
    stream: AsyncIterator[ChatCompletionChunk], patience: Patience, deadline: float
) -> AsyncGenerator[ChatCompletionChunk]:
    """The stream, as long as it goes on: a provider may hold a connection open without saying anything.

    Each step is timed alone. A timeout around a `yield` would cancel whatever the reader is doing then.
    """
    wait = patience.first
    while True:
        try:
            async with asyncio.timeout(min(wait, deadline - asyncio.get_running_loop().time())):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        if any(choice.delta and choice.delta.content for choice in chunk.choices or ()):
            wait = patience.between
        yield chunk


def connect(
    base_url: str, api_key: str, patience: Patience, *, retries: int = 2, longest_wait: float | None = None
) -> openai.AsyncOpenAI:
    """A client of the API at `base_url`; close it. It waits no longer than `longest_wait` because a provider asks for it."""
    bearable = patience.first / 3 if longest_wait is None else longest_wait

    async def refuse_long_waits(response: httpx2.Response) -> None:
        if (_asked_wait(response) or 0) > bearable:
            response.headers["x-should-retry"] = "false"

    timeout = httpx2.Timeout(connect=5.0, read=max(patience.first, patience.between), write=10.0, pool=5.0)
    http = openai.DefaultAsyncHttpxClient(timeout=timeout, event_hooks={"response": [refuse_long_waits]})
    return openai.AsyncOpenAI(
        base_url=base_url, api_key=api_key, timeout=timeout, max_retries=retries, http_client=http
    )


def _message(turn: Turn) -> ChatCompletionMessageParam:
    if turn.role == "system":
        return {"role": "system", "content": turn.text}
    if turn.role == "assistant":
        return {"role": "assistant", "content": turn.text}
    return {"role": "user", "content": turn.text}


def _too_slow(began: bool) -> ModelFailed:
    if began:
        return ModelBrokeOff("The language model fell silent in the middle of its answer. Try again.")
    return ModelTooSlow("The language model took too long to begin. Try again in a moment.")


def _failure(error: openai.OpenAIError, began: bool) -> ModelFailed:
    cause = f"{type(error).__name__}: {error}"
    log.warning("the language model failed: %s", cause)
    if isinstance(error, openai.APIStatusError):
        return _refusal(error, cause)
    if isinstance(error, openai.APITimeoutError):
        return _too_slow(began)
    if began:
        return ModelBrokeOff("The language model broke off in the middle of its answer. Try again.", cause=cause)
    return ModelFailed("The language model cannot be reached right now. Try again in a moment.", cause=cause)


def _refusal(error: openai.APIStatusError, cause: str) -> ModelFailed:
    """What an answer with an HTTP status means. A used-up quota is a 429 at OpenAI and a 402 elsewhere; waiting helps neither."""
    if error.status_code in _MISCONFIGURED or error.code == "insufficient_quota":
        log.error("the language model's settings are wrong, or its account is empty: %s", cause)
        return ModelMisconfigured(
            "The language model is not set up correctly. Whoever runs this service has to look at it.", cause=cause
        )
    if error.status_code in _DECLINED:
        log.error("the language model refuses our request: %s", cause)
        return ModelDeclined("The language model did not accept this question. Shorten it or put it in other words.")
    wait = _asked_wait(error.response)
    if error.status_code == 429 or wait is not None:
        return ModelOverloaded(
            "The language model is overloaded. Try again in a moment.",
            retry_after=10 if wait is None else max(1, min(ceil(wait), 9999)),
            asked_to_wait=wait,
            cause=cause,
        )
    return ModelFailed("The language model cannot be reached right now. Try again in a moment.", cause=cause)


def _asked_wait(response: httpx2.Response) -> float | None:
    """Seconds that a server asks to be left alone: named as a number, or as a date."""
    said = response.headers.get("retry-after", "")
    if re.fullmatch(r"\d{1,6}(\.\d+)?", said):
        return float(said)
    try:
        until = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
