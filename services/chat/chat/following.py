"""Following an answer from anywhere: while this process writes it, while another one does, and when it is finished."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from logging import getLogger
from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database

from chat.conversation import Conversation, NoSuchMessage, Superseded, fail_interrupted
from chat.live_answers import LiveAnswer
from chat.models import Message, Status
from chat.news import ENDS, News, Place, begun, failed, stored
from chat.schemas import cited_documents
from chat.shelf import StudentShelf
from chat.trails import Trails

log = getLogger(__name__)
_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class Known:
    """An answer's row, and which of the documents that it cites are gone."""

    message: Message
    gone: frozenset[UUID]

    @property
    def is_over(self) -> bool:
        """Whether nobody is writing it."""
        return self.message.status != Status.ANSWERING

    def is_whole_at(self, place: Place) -> bool:
        """Whether a reader there has the whole of it."""
        after = place.within(self.message.id, self.message.attempts)
        return self.message.status == Status.DONE and not self.told(after)

    def told(self, after: int) -> list[News]:
        """What is told of it once it is over, after a number."""
        return stored(self.message, self.gone, after)


class Following:
    """Finds an answer's news where they are. Transactions are short, and none is open while news are waited for."""

    def __init__(
        self, database: Database, live: Callable[[UUID], LiveAnswer | None], trails: Trails, clock: Clock
    ) -> None:
        self._database = database
        self._live = live
        self._trails = trails
        self._clock = clock

    async def find(self, owner: UUID, message_id: UUID) -> Known:
        """The answer with this id, or to the question with it; one whose process died has failed. Raises `NoSuchMessage`."""
        async with self._database.transaction() as session:
            conversation = Conversation(session, owner)
            message = await conversation.answer(message_id)
            if message.status == Status.ANSWERING and message.lease_until and message.lease_until < self._clock():
                await fail_interrupted(session, self._clock(), message.session_id)
                await session.refresh(message)
            gone = await StudentShelf(session, owner).gone(cited_documents([message]))
        return Known(message, frozenset(gone))

    async def end(self, owner: UUID, message_id: UUID) -> Known:
        """The answer once it is over. Raises `NoSuchMessage`."""
        async for _ in self.follow(owner, message_id):
            pass
        return await self.find(owner, message_id)

    async def follow(
        self, owner: UUID, message_id: UUID, place: Place | None = None, *, pause: float = 10.0
    ) -> AsyncGenerator[News | None]:
        """The news behind a place, as they come, until the end; None after a silence, of `pause` seconds at most.

        An answer that is taken up again meanwhile begins anew, with another attempt's `message`. Raises `NoSuchMessage`.
        """
        known = await self.find(owner, message_id)
        has_ended = False
        while True:
            message = known.message
            after = place.within(message.id, message.attempts) if place else 0
            has_ended = has_ended and place is not None and place.attempt == message.attempts
            async with aclosing(self._attempt(known, after, pause, has_ended=has_ended)) as attempt:
                async for news in attempt:
                    if isinstance(news, _TrailEnded):
                        has_ended = True
                        break
                    yield news
                    if news is not None:
                        place = Place(message.id, news.attempt, news.number)
                        if news.name in ENDS:
                            return
            if known.is_over:
                return
            try:
                known = await self._look_again(owner, known)
            except NoSuchMessage:
                yield failed(
                    Superseded("The session was deleted."), message.attempts, (place.number if place else 0) + 1
                )
                return

    def _attempt(
        self, known: Known, after: int, pause: float, *, has_ended: bool
    ) -> AsyncGenerator["News | _TrailEnded | None"]:
        """What can be told of one attempt before the row is to be looked at again."""
        live = self._live(known.message.id)
        if live is not None and live.asked.attempt == known.message.attempts:
            return live.follow(after, pause=pause)
        if known.is_over:
            return _each(known.told(after))
        # Whoever wrote it could not store its end. What becomes of it, the row will say.
        return _silence() if has_ended else self._elsewhere(known.message, after)

    async def _elsewhere(self, message: Message, after: int) -> AsyncGenerator["News | _TrailEnded | None"]:
        """What another process lays out, until it ends or pauses."""
        if after == 0 and message.reply_to is not None:
            after = 1
            yield begun(message.id, message.session_id, message.reply_to, message.attempts)
        stretch = await self._trails.read(message.id, message.attempts, after)
        while stretch.news and not stretch.ended:
            for news in stretch.news:
                yield news
            after = stretch.news[-1].number
            stretch = await self._trails.read(message.id, message.attempts, after)
        for news in stretch.news:
            yield news
        yield _TrailEnded() if stretch.ended else None

    async def _look_again(self, owner: UUID, known: Known) -> Known:
        """The row as it is now, or as it was while the database is away."""
        try:
            return await self.find(owner, known.message.id)
        except NoSuchMessage:
            raise
        except Exception:
            log.warning("answer %s could not be looked at", known.message.id, exc_info=True)
            await asyncio.sleep(_AGAIN)
            return known


class _TrailEnded:
    """The process that wrote it is done with it."""


async def _each(news: list[News]) -> AsyncGenerator[News]:
    for item in news:
        yield item


async def _silence() -> AsyncGenerator[None]:
    await asyncio.sleep(_AGAIN)
    yield None
