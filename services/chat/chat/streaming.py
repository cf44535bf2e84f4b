"""An answer as server-sent events, and the choice between them and JSON."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from chat.following import Known
from chat.live_answers import LiveAnswer
from chat.news import News, Place
from chat.schemas import MessageOut, message_out

EVENT_STREAM = "text/event-stream"
REPLAYED = {"Idempotency-Replayed": "true"}
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_STILL_THERE = ": still there\n\n"


def wants_events(accept: str) -> bool:
    """Whether the client asked for a stream, by its Accept header."""
    return any(kind.partition(";")[0].strip().lower() == EVENT_STREAM for kind in accept.split(","))


def leaving(request: Request) -> Callable[[], Awaitable[None]]:
    """What returns when the client of a request, whose body was read, is gone."""

    async def leaves() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return leaves


async def respond(live: LiveAnswer, request: Request, *, stream: bool, opening: float) -> Response:
    """The answer as it comes, or whole. Raises the `Problem` of an answer that failed before its first word.

    A stream opens with the first word, or `opening` seconds after the material was searched: so long a failure is still a
    plain problem document, and no proxy waits longer for a sign of life.
    """
    if not stream:
        await live.finish(leaving(request))
        return JSONResponse(_whole(live).model_dump(mode="json"), status_code=201)
    await live.searched.wait()
    with suppress(TimeoutError):
        async with asyncio.timeout(opening):
            await live.opened.wait()
    if not live.written and live.problem is not None:
        raise live.problem
    return events(live.asked.answer_id, live.follow())


def replay(known: Known, *, stream: bool) -> Response:
    """An answer that was given before, to a request that is repeated."""
    if stream:
        return events(known.message.id, _each(known.told(0)), REPLAYED)
    shown = message_out(known.message, known.gone)
    return JSONResponse(shown.model_dump(mode="json"), status_code=201, headers=REPLAYED)


def events(answer_id: UUID, news: AsyncIterator[News | None], headers: dict[str, str] | None = None) -> Response:
    """What is told of an answer, as a stream."""
    return StreamingResponse(_lines(answer_id, news), media_type=EVENT_STREAM, headers=_HEADERS | (headers or {}))


def _whole(live: LiveAnswer) -> MessageOut:
    if live.problem is not None:
        raise live.problem
    assert live.message is not None
    return message_out(live.message)


async def _each(news: list[News]) -> AsyncIterator[News]:
    for item in news:
        yield item


async def _lines(answer_id: UUID, news: AsyncIterator[News | None]) -> AsyncIterator[str]:
    async for item in news:
        yield _STILL_THERE if item is None else _event(answer_id, item)


def _event(answer_id: UUID, news: News) -> str:
    # Compact JSON has no line break, so one data line is enough.
    data = json.dumps(news.data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {Place(answer_id, news.attempt, news.number)}\nevent: {news.name}\ndata: {data}\n\n"
