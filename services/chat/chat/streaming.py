"""An answer as server-sent events, and the choice between them and JSON."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from chassis.errors import Problem
from starlette.responses import JSONResponse, Response, StreamingResponse

from chat.live_answers import LiveAnswer, News
from chat.models import Message
from chat.schemas import MessageOut, message_out

EVENT_STREAM = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_STILL_THERE = ": still there\n\n"


def wants_events(accept: str) -> bool:
    """Whether the client asked for a stream, by its Accept header."""
    return any(kind.partition(";")[0].strip().lower() == EVENT_STREAM for kind in accept.split(","))


async def respond(live: LiveAnswer, *, stream: bool, opening: float) -> Response:
    """The answer as it comes, or whole. Raises the `Problem` of an answer that failed before its first word.

    A stream opens with the first word, or `opening` seconds after the material was searched: so long a failure is still a
    plain problem document, and no proxy waits longer for a sign of life.
    """
    if not stream:
        await live.ended.wait()
        return JSONResponse(_whole(live).model_dump(mode="json"), status_code=201)
    await live.searched.wait()
    try:
        async with asyncio.timeout(opening):
            await live.opened.wait()
    except TimeoutError:
        pass
    if not live.written and (problem := live.failure()) is not None:
        raise problem
    return StreamingResponse(_events(live), media_type=EVENT_STREAM, headers=_HEADERS)


def replay(message: Message, shown: MessageOut, *, stream: bool) -> Response:
    """An answer that was given before, to a request that is repeated."""
    headers = {"Idempotency-Replayed": "true"}
    if not stream:
        return JSONResponse(shown.model_dump(mode="json"), status_code=201, headers=headers)
    ids = {"id": shown.id, "session_id": shown.session_id, "question_id": shown.reply_to}
    told: list[tuple[str, dict[str, Any]]] = [
        ("message", {name: str(value) for name, value in ids.items()} | {"attempt": message.attempts}),
        ("token", {"text": shown.content}),
        ("citations", _citations(shown)),
        ("done", shown.model_dump(mode="json")),
    ]
    events = [_event(message.id, message.attempts, News(place, *news)) for place, news in enumerate(told, 1)]
    return StreamingResponse(iter(events), media_type=EVENT_STREAM, headers=_HEADERS | headers)


def _whole(live: LiveAnswer) -> MessageOut:
    if (problem := live.failure()) is not None:
        raise problem
    assert live.message is not None
    return message_out(live.message)


async def _events(live: LiveAnswer) -> AsyncIterator[str]:
    async for news in live.follow():
        if news is None:
            yield _STILL_THERE
        else:
            yield _event(live.asked.answer_id, live.asked.attempt, _shown(news, live))


def _shown(news: News, live: LiveAnswer) -> News:
    match news.name:
        case "citations":
            return News(news.number, news.name, _citations(_whole(live)))
        case "done":
            return News(news.number, news.name, _whole(live).model_dump(mode="json"))
        case "error":
            problem = live.failure()
            assert isinstance(problem, Problem)
            return News(news.number, news.name, problem.document())
    return news


def _citations(shown: MessageOut) -> dict[str, Any]:
    return {"citations": [citation.model_dump(mode="json") for citation in shown.citations]}


def _event(answer_id: UUID, attempt: int, news: News) -> str:
    # Compact JSON has no line break, so one data line is enough.
    data = json.dumps(news.data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {answer_id}.{attempt}.{news.number}\nevent: {news.name}\ndata: {data}\n\n"
