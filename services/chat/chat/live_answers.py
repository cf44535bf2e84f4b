"""An answer while it is being written: what was said of it so far, for everybody who wants to follow."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress

from chassis.errors import Problem

from chat.models import Message
from chat.news import News, begun, ended, failed
from chat.schemas import message_out
from chat.studying import Asked


class LiveAnswer:
    """An answer that is being written, for any number of readers; each sees all of it, from its beginning or from anywhere."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.opened = asyncio.Event()
        self.searched = asyncio.Event()
        self.ended = asyncio.Event()
        self.message: Message | None = None
        self.problem: Problem | None = None
        self._news: list[News] = []
        self._more = asyncio.Event()
        self._followers = 0
        self._tell(begun(asked.answer_id, asked.session_id, asked.question_id, asked.attempt))

    @property
    def pieces(self) -> list[str]:
        """The text so far, as it was told."""
        return [news.data["text"] for news in self._news if news.name == "token"]

    @property
    def written(self) -> str:
        """The text so far."""
        return "".join(self.pieces)

    @property
    def is_followed(self) -> bool:
        """Whether a reader is here: of a stream, or one who waits for the whole."""
        return self._followers > 0

    def token(self, text: str) -> None:
        """Some more of the text."""
        self._tell(News(self.asked.attempt, len(self._news) + 1, "token", {"text": text}))
        self.opened.set()

    def done(self, message: Message) -> None:
        """The whole of it is stored."""
        self.message = message
        self._end(*ended(message_out(message), self.asked.attempt, len(self._news) + 1))

    def fail(self, problem: Problem) -> None:
        """There is no answer, or only the beginning of one. The problem names what is to be tried again."""
        ids = {"message_id": str(self.asked.answer_id), "question_id": str(self.asked.question_id)}
        problem.members = {**ids, **problem.members}
        self.problem = problem
        self._end(failed(problem, self.asked.attempt, len(self._news) + 1))

    async def more(self, after: int, *, pause: float) -> Sequence[News]:
        """The news after number `after`, as soon as there are some; none where none came for `pause` seconds."""
        if len(self._news) <= after and not self.ended.is_set():
            self._more.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._more.wait()
        return self._news[after:]

    async def follow(self, after: int = 0, *, pause: float = 10.0) -> AsyncGenerator[News | None]:
        """The news after number `after`, as they come, until the end; None where none came for `pause` seconds."""
        self._followers += 1
        try:
            while not (self.ended.is_set() and after >= len(self._news)):
                came = await self.more(after, pause=pause)
                if not came:
                    yield None
                for news in came:
                    after += 1
                    yield news
        finally:
            self._followers -= 1

    async def finish(self, leaves: Callable[[], Awaitable[object]]) -> None:
        """Wait for the end. Whoever waits for the whole is a reader, until `leaves` returns."""
        self._followers += 1
        waiting = [asyncio.ensure_future(leaves()), asyncio.ensure_future(self.ended.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._followers -= 1
            for each in waiting:
                each.cancel()
        await self.ended.wait()

    def _tell(self, *news: News) -> None:
        self._news += news
        self._more.set()

    def _end(self, *news: News) -> None:
        self.ended.set()
        self.opened.set()
        self.searched.set()
        self._tell(*news)
