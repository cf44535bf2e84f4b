"""An answer while it is being written: what was said of it so far, for everybody who wants to follow."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from chassis.errors import Problem

from chat.models import Message
from chat.studying import Asked


@dataclass(frozen=True, slots=True)
class News:
    """One event of an answer. Numbers count from 1 within an attempt."""

    number: int
    name: str
    data: dict[str, Any]


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
        ids = {"id": asked.answer_id, "session_id": asked.session_id, "question_id": asked.question_id}
        self._tell("message", {name: str(value) for name, value in ids.items()} | {"attempt": asked.attempt})

    @property
    def written(self) -> str:
        """The text so far."""
        return "".join(news.data["text"] for news in self._news if news.name == "token")

    def token(self, text: str) -> None:
        """Some more of the text."""
        self._tell("token", {"text": text})
        self.opened.set()

    def done(self, message: Message) -> None:
        """The whole of it is stored."""
        self.message = message
        self._tell("citations", {"citations": message.citations})
        self._end("done", {})

    def fail(self, problem: Problem) -> None:
        """There is no answer, or only the beginning of one."""
        self.problem = problem
        self._end("error", {})

    def failure(self) -> Problem | None:
        """The problem, naming what is to be tried again."""
        if self.problem is not None:
            ids = {"message_id": str(self.asked.answer_id), "question_id": str(self.asked.question_id)}
            self.problem.members = {**ids, **self.problem.members}
        return self.problem

    async def follow(self, after: int = 0, *, pause: float = 10.0) -> AsyncIterator[News | None]:
        """The news after number `after`, as they come, until the end; None where none came for `pause` seconds."""
        while True:
            while after < len(self._news):
                after += 1
                yield self._news[after - 1]
            if self.ended.is_set():
                return
            self._more.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._more.wait()
            except TimeoutError:
                yield None

    def _tell(self, name: str, data: dict[str, Any]) -> None:
        self._news.append(News(len(self._news) + 1, name, data))
        self._more.set()

    def _end(self, name: str, data: dict[str, Any]) -> None:
        self.ended.set()
        self.opened.set()
        self.searched.set()
        self._tell(name, data)
