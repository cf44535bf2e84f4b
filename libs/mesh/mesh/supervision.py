"""Work that must go on: it is started again, after a growing wait, for as long as nobody asks it to stop."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from logging import getLogger

log = getLogger(__name__)
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
# A session that lived this long was healthy: the next failure starts with a short wait again.
HEALTHY_SECONDS = 10.0


async def keep_running(what: str, session: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Run `session` until `stop` is set; a session that fails or ends is followed by another."""
    clock = asyncio.get_running_loop().time
    wait = FIRST_WAIT
    while not stop.is_set():
        began = clock()
        try:
            await session()
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            log.warning("%s was interrupted; starting it again", what)
        except Exception as error:
            log.warning("%s was interrupted (%s: %s); starting it again", what, type(error).__name__, error)
            log.debug("%s", what, exc_info=True)
        if stop.is_set():
            return
        wait = FIRST_WAIT if clock() - began > HEALTHY_SECONDS else min(LONGEST_WAIT, wait * 2)
        await wait_for_any(stop, seconds=wait * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing


async def wait_for_any(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Wait until one of the events is set, at most so many seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _is_cancelled() -> bool:
    # The AMQP client ends pending calls of a lost connection with CancelledError, although nobody cancelled us.
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
