"""The port to a language model, and its adapter to anything that speaks OpenAI's chat completions."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from logging import getLogger
from typing import Any, ClassVar, Literal, Protocol

import httpx2
import openai
from chassis.errors import Unavailable
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

log = getLogger(__name__)
# How servers name what they do not take of a wish for JSON.
_FORMAT = re.compile(r"response_?format|json_?(?:schema|object)|schema|grammar", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation that a model is given."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that an answer cost. `estimated` where the provider did not say."""

    input_tokens: int
    output_tokens: int
    estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        """What both cost together."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended: complete, or cut at the limit of its length. `usage` is None where the provider did not say."""

    complete: bool
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON Schema that an answer is to fit. A server may know no such thing: whoever gives one reads the answer with care."""

    name: str
    schema: dict[str, Any]


class ModelFailed(Unavailable):
    """The model gave no answer, or only the beginning of one. `type` says why; all of them may be tried again."""

    type, title = "model-unavailable", "The language model does not answer"


class ModelOverloaded(ModelFailed):
    type: ClassVar[str] = "model-overloaded"


class ModelTooSlow(ModelFailed):
    type: ClassVar[str] = "model-timeout"


class ModelBrokeOff(ModelFailed):
    type: ClassVar[str] = "model-broke-off"


class ModelDeclined(ModelFailed):
    type: ClassVar[str] = "model-declined"


class ModelMisconfigured(ModelFailed):
    type: ClassVar[str] = "model-misconfigured"


class LanguageModel(Protocol):
    """Writes an answer piece by piece: text, and at its end one `Ending`. Raises `ModelFailed`."""

    @property
    def name(self) -> str: ...

    def write(
        self, turns: Sequence[Turn], *, longest: int, shape: Shape | None = None
    ) -> AsyncGenerator[str | Ending]: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the first piece (retries included), between pieces, and for a whole answer."""

    first: float = 45.0
    between: float = 20.0
    whole: float = 120.0


class ChatCompletions:
    """A model behind an OpenAI-compatible API. The client retries what may pass: 429, 5xx, a connection that is refused.

    Only before the first piece: an answer that has begun is not begun anew behind the reader's back.
    """

    def __init__(self, client: openai.AsyncOpenAI, model: str, patience: Patience) -> None:
        self._client = client
        self._patience = patience
        self._dialect = _Dialect()
        self.name = model

    async def write(
        self, turns: Sequence[Turn], *, longest: int, shape: Shape | None = None
    ) -> AsyncGenerator[str | Ending]:
        """The answer in pieces, then its `Ending`. `longest` bounds its tokens. Raises `ModelFailed`."""
        began = False
        try:
            async with aclosing(self._pieces(turns, longest, shape)) as pieces:
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

    async def _pieces(self, turns: Sequence[Turn], longest: int, shape: Shape | None) -> AsyncGenerator[str | Ending]:
        deadline = asyncio.get_running_loop().time() + self._patience.whole
        async with asyncio.timeout(self._patience.first):
            stream = await self._begin(turns, longest, shape)
        reason: str | None = None
        usage: Usage | None = None
        async with stream:
            async for chunk in _patiently(stream, self._patience, deadline):
                if chunk.usage:
                    usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                for choice in chunk.choices or ():
                    reason = choice.finish_reason or reason
                    if choice.delta and choice.delta.content:
                        yield choice.delta.content
        if reason is None:
            raise ModelBrokeOff("The language model broke off in the middle of its answer. Try again.")
        if reason == "content_filter":
            raise ModelDeclined("The language model's provider declined this question. Put it in other words.")
        yield Ending(complete=reason != "length", usage=usage)

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


def connect(base_url: str, api_key: str, patience: Patience, *, retries: int = 2) -> openai.AsyncOpenAI:
    """A client of the API at `base_url`; close it. Waits that a provider asks for are kept only within `patience`."""

    async def refuse_long_waits(response: httpx2.Response) -> None:
        wait = response.headers.get("retry-after", "")
        if re.fullmatch(r"\d+", wait) and int(wait) > patience.first / 3:
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
    log.warning("the language model failed: %s: %s", type(error).__name__, error)
    if isinstance(error, openai.RateLimitError):
        wait = error.response.headers.get("retry-after", "")
        return ModelOverloaded(
            "The language model is overloaded. Try again in a moment.",
            retry_after=int(wait) if re.fullmatch(r"\d{1,4}", wait) else 10,
        )
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError | openai.NotFoundError):
        log.error("the language model's settings are wrong: %s", error)
        return ModelMisconfigured(
            "The language model is not set up correctly. Whoever runs this service has to look at it."
        )
    if isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
        log.error("the language model refuses our request: %s", error)
        return ModelDeclined("The language model did not accept this question. Shorten it or put it in other words.")
    if isinstance(error, openai.APITimeoutError):
        return _too_slow(began)
    if began:
        return ModelBrokeOff("The language model broke off in the middle of its answer. Try again.")
    return ModelFailed("The language model cannot be reached right now. Try again in a moment.")
