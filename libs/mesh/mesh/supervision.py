"""Work that must go on: it is started again, after a growing wait, for as long as nobody asks it to stop."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from logging import getLogger
from typing import TypeVar

log = getLogger(__name__)
T = TypeVar("T")
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
# A session that lived this long was healthy: the next failure starts with a short wait again.
HEALTHY_SECONDS = 10.0


async def keep_running(what: str, session: Callable[[], Coroutine[None, None, None]], stop: asyncio.Event) -> None:
    """Run `session` until `stop` is set; a session that fails or ends is followed by another."""
    clock = asyncio.get_running_loop().time
    wait = FIRST_WAIT
    while not stop.is_set():
        began = clock()
        # A task of its own: the AMQP client ends pending calls of a lost connection with CancelledError, and only thus
        # that can be told from somebody cancelling us.
        async with _cancelled_at_exit(asyncio.create_task(session(), name=what)) as running:
            await asyncio.wait({running})
            if reason := _failure(running):
                log.warning("%s was interrupted: %s", what, reason)
        wait = FIRST_WAIT if clock() - began > HEALTHY_SECONDS else min(LONGEST_WAIT, wait * 2)
        await wait_for_any(stop, seconds=wait * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing


async def unless(stop: asyncio.Event, work: Coroutine[None, None, None]) -> bool:
    """Do the work, but leave it when `stop` is set; whether it was done. Raises what the work raises."""
    async with (
        _cancelled_at_exit(asyncio.create_task(work)) as working,
        _cancelled_at_exit(asyncio.create_task(stop.wait())) as stopping,
    ):
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
        return working.done()


async def wait_for_any(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Wait until one of the events is set, at most so many seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def is_being_cancelled() -> bool:
    """Whether a CancelledError that is being handled means this task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@asynccontextmanager
async def _cancelled_at_exit(task: asyncio.Task[T]) -> AsyncIterator[asyncio.Task[T]]:
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _failure(task: asyncio.Task[None]) -> str | None:
    if task.cancelled():
        return "its connection was closed"
    error = task.exception()
    if error is None:
        return None
    log.debug("%s", task.get_name(), exc_info=error)
    return f"{type(error).__name__}: {error}"
