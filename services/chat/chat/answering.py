"""The edge between HTTP and the modes: an answer is written by a task of its own, in short transactions with the waits between.

Read, let go, search and ask the model, write. The task does not belong to the request: a student who closes the page finds the
answer there later. Whoever wants to see it come follows its `LiveAnswer`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import timedelta
from logging import getLogger
from time import monotonic
from typing import TypeVar
from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import Problem, Unavailable
from contracts.chat import Mode

from chat import metrics
from chat.conversation import Conversation, Interrupted, Superseded
from chat.live_answers import LiveAnswer
from chat.retrieval import Retrieval
from chat.studying import Answered, Asked, Material, StudyMode, expect_intent
from chat.trails import Trails

log = getLogger(__name__)
T = TypeVar("T")
# A database that restarts is back within these; the lease is renewed meanwhile or the answer is given up.
_STORING_WAITS = (0.1, 0.5, 1.0, 2.0, 4.0)


class AnswerFailed(Unavailable):
    type, title = "answer-failed", "The answer failed"


class TooManyAnswers(Unavailable):
    type, title = "too-many-answers", "Too many answers are being written"


@dataclass(frozen=True, slots=True)
class Terms:
    """How many answers at once, on how long a lease, from how many passages, within how many seconds each."""

    at_once: int
    lease: timedelta
    passages: int
    longest: float


class Answers:
    """The answers that this process is writing; `modes` says how, for each way to study."""

    def __init__(
        self,
        database: Database,
        retrieval: Retrieval,
        modes: Mapping[Mode, StudyMode],
        terms: Terms,
        clock: Clock,
        *,
        trails: Trails,
    ) -> None:
        self.lease = terms.lease
        self._database = database
        self._retrieval = retrieval
        self._modes = modes
        self._terms = terms
        self._clock = clock
        self._trails = trails
        self._live: dict[UUID, LiveAnswer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def expect_room(self) -> None:
        """Raise `TooManyAnswers` before a question is taken that could not be answered."""
        if len(self._tasks) >= self._terms.at_once:
            raise TooManyAnswers("Too many answers are being written at the moment. Try again in a few seconds.")

    def expect_intent(self, asked: Asked) -> None:
        """Raise `IntentNotAvailable` before a message is kept that the session's mode cannot understand."""
        expect_intent(self._modes[asked.mode], asked)

    def begin(self, asked: Asked, token: str) -> LiveAnswer:
        """Write the answer, whoever is there to read it. `token` is the student's own, for the search."""
        live = self._live[asked.answer_id] = LiveAnswer(asked)
        task = asyncio.create_task(self._write(live, token), name=f"answer {asked.answer_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return live

    def live(self, answer_id: UUID) -> LiveAnswer | None:
        """The answer, if this process is writing it."""
        return self._live.get(answer_id)

    async def drain(self, seconds: float) -> None:
        """Let what is being written be finished; what is not by then is stored as interrupted."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=2.0)

    async def _write(self, live: LiveAnswer, token: str) -> None:
        started = monotonic()
        holding = asyncio.create_task(self._hold(live.asked, asyncio.current_task()))
        leaving = asyncio.create_task(self._trails.leave(live))
        try:
            async with asyncio.timeout(self._terms.longest):
                answered = await self._compose(live, token, started)
            message = await self._store(
                lambda c: c.complete(live.asked, answered, self._clock(), live.pieces, lambda: live.is_followed),
                live.asked,
            )
            live.done(message)
            metrics.count(answered, monotonic() - started)
        except Problem as problem:
            if problem.__cause__ is not None:
                log.warning("answer %s failed: %s", live.asked.answer_id, problem, exc_info=problem.__cause__)
            await self._give_up(live, problem)
        except TimeoutError:
            await self._give_up(live, AnswerFailed("The answer took too long. Try again, or ask for less at once."))
        except asyncio.CancelledError:
            await self._give_up(live, Interrupted())
        except Exception:
            log.exception("answer %s failed", live.asked.answer_id)
            await self._give_up(live, AnswerFailed("Something went wrong on our side; it has been logged. Try again."))
        finally:
            holding.cancel()
            with suppress(asyncio.CancelledError):
                await holding
            self._live.pop(live.asked.answer_id, None)
            await leaving

    async def _compose(self, live: LiveAnswer, token: str, started: float) -> Answered:
        asked = live.asked
        material = Material(self._retrieval, asked.documents, token, self._terms.passages, live.searched.set)
        answered: Answered | None = None
        async with aclosing(self._modes[asked.mode].respond(asked, material)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Answered):
                    answered = piece
                    continue
                if not live.opened.is_set():
                    metrics.FIRST_TOKEN_SECONDS.observe(monotonic() - started)
                material.unneeded()
                live.token(piece)
        assert answered is not None
        return answered

    async def _give_up(self, live: LiveAnswer, problem: Problem) -> None:
        metrics.FAILURES.labels(problem.type).inc()
        try:
            if not isinstance(problem, Superseded):
                written = live.written
                await self._store(lambda c: c.fail(live.asked, problem, written, self._clock()), live.asked)
        except Superseded as superseded:
            problem = superseded
        except Exception:
            # Its lease runs out, and the sweep marks it.
            log.exception("the failure of answer %s could not be stored", live.asked.answer_id)
        finally:
            live.fail(problem)

    async def _store(self, work: Callable[[Conversation], Awaitable[T]], asked: Asked) -> T:
        """Write in a transaction; an answer that was paid for is not thrown away because the database restarts."""
        for wait in (*_STORING_WAITS, None):
            try:
                async with self._database.transaction() as session:
                    return await work(Conversation(session, asked.user_id))
            except (Superseded, asyncio.CancelledError):
                raise
            except Exception as error:
                if wait is None:
                    raise AnswerFailed("The answer could not be stored. Try again in a moment.") from error
                log.warning("answer %s could not be stored yet", asked.answer_id, exc_info=True)
                await asyncio.sleep(wait)
        raise AssertionError

    async def _hold(self, asked: Asked, writing: "asyncio.Task[None] | None") -> None:
        """Renew the lease; when it is lost, what is being written has nowhere to go."""
        while True:
            await asyncio.sleep(self._terms.lease.total_seconds() / 3)
            try:
                async with self._database.transaction() as session:
                    held = await Conversation(session, asked.user_id).renew(asked, self._clock() + self._terms.lease)
            except Exception:
                log.warning("the lease of answer %s could not be renewed", asked.answer_id, exc_info=True)
                continue
            if not held and writing is not None:
                writing.cancel()
                return
