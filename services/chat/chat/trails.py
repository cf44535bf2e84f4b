"""What is said of an answer, laid out in Redis for readers in other processes.

A Redis stream for each attempt, whose ids are the numbers of the events: reading on from a number is reading on from an id. It holds text
that is still being written and nothing else; what Redis loses, the row answers at the end.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from logging import getLogger
from typing import Any, Protocol
from uuid import UUID

from contracts.chat import MessageAsked
from mesh import EphemeralEvent
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from chat.live_answers import LiveAnswer
from chat.news import ENDS, News
from chat.studying import Asked

log = getLogger(__name__)
# Longer than the longest answer; a finished one is needed only by those who are reading.
_LONGEST = 1200.0
_KEPT = timedelta(seconds=_LONGEST)
_KEPT_FINISHED = timedelta(minutes=1)
_TIMEOUT = 2.0
_BLOCK = 1.0
_RETRY_AFTER = 0.5
# What is said within it is sent at once: a command costs more than the words in it.
_GATHERED = 0.05
# The ids are told by the row, so a trail begins behind them.
_FIRST = 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """What comes next on a trail: some news, and whether the answer has ended behind them."""

    news: Sequence[News] = ()
    ended: bool = False


class Announcements(Protocol):
    """Where the student's other tabs hear of an answer that was begun; it may be lost."""

    async def publish(self, event: EphemeralEvent) -> None: ...


class Trails:
    """Written by the process that answers, read by all others. Readers wait, each on a connection of `reading`."""

    def __init__(self, writing: Redis, reading: Redis, announcements: Announcements) -> None:
        self._writing = writing
        self._reading = reading
        self._announcements = announcements

    async def leave(self, live: LiveAnswer) -> None:
        """Announce the answer, and lay out what is said of it until its end. Outages are waited out, and in nobody's way."""
        await self._announcements.publish(_announcement(live.asked))
        laid, said = _FIRST, False
        while not (live.ended.is_set() and said):
            news = await live.more(laid, pause=_LONGEST)
            try:
                laid = await self._append(live, laid, news)
                said = False
            except RedisError as error:
                if not said:
                    log.warning("readers elsewhere cannot follow answer %s: %s", live.asked.answer_id, error)
                said = True
            if not said and news and news[-1].name in ENDS:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_RETRY_AFTER if said else _GATHERED):
                    await live.ended.wait()

    async def read(self, answer_id: UUID, attempt: int, after: int) -> Stretch:
        """What follows number `after`, as soon as there is some; nothing within a second, or while Redis is away."""
        started = asyncio.get_running_loop().time()
        try:
            key = _key(answer_id, attempt)
            found: Any = await self._reading.xread({key: f"{after}-0"}, block=int(_BLOCK * 1000))
        except RedisError as error:
            log.debug("answer %s cannot be followed: %s", answer_id, error)
            await asyncio.sleep(max(0.0, started + _BLOCK - asyncio.get_running_loop().time()))
            return Stretch()
        return _stretch(found[0][1], attempt, after) if found else Stretch()

    async def _append(self, live: LiveAnswer, laid: int, news: Sequence[News]) -> int:
        """Add news to the trail; how far it goes now. One that Redis has lost is laid anew from its beginning."""
        texts = [item.data["text"] for item in news if item.name == "token"]
        last, over, begins = laid + len(texts), len(texts) < len(news), laid == _FIRST
        fields: dict[Any, Any] = {"texts": json.dumps(texts)} | ({"ended": "1"} if over else {})
        key = _key(live.asked.answer_id, live.asked.attempt)
        try:
            added = await self._writing.xadd(key, fields, id=f"{last + over}-0", nomkstream=not begins)
            if begins or over:
                await self._writing.pexpire(key, _KEPT_FINISHED if over else _KEPT)
        except ResponseError as error:
            if "equal or smaller" not in str(error):
                raise
            return last  # it had arrived, though the answer to it did not
        return last if added else await self._append(live, _FIRST, await live.more(_FIRST, pause=0))


def connect(url: str, *, connections: int) -> Redis:
    """A client that gives up soon: nothing that it is for is worth waiting."""
    return Redis.from_url(
        url,
        socket_timeout=_TIMEOUT,
        socket_connect_timeout=_TIMEOUT,
        max_connections=connections,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def _announcement(asked: Asked) -> MessageAsked:
    return MessageAsked(
        message_id=asked.answer_id,
        session_id=asked.session_id,
        question_id=asked.question_id,
        user_id=asked.user_id,
        attempt=asked.attempt,
    )


def _key(answer_id: UUID, attempt: int) -> str:
    return f"chat:answer:{answer_id}.{attempt}"


def _stretch(entries: Sequence[tuple[str, dict[str, str]]], attempt: int, after: int) -> Stretch:
    """The news of some entries behind `after`. Entries may overlap, where one was sent twice; behind a gap nothing counts."""
    news: list[News] = []
    ended = False
    for entry_id, fields in entries:
        texts = json.loads(fields["texts"])
        ended = "ended" in fields
        number = int(entry_id.partition("-")[0]) - len(texts) - ended
        for text in texts:
            number += 1
            if number == after + len(news) + 1:
                news.append(News(attempt, number, "token", {"text": text}))
    return Stretch(news, ended)
