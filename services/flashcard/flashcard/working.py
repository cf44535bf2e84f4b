"""Work that rows ask for. Processes are only hints: whoever looks does what waits, and one that dies leaves it to another."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from logging import getLogger

log = getLogger(__name__)
_POLL_SECONDS = 1.0


async def work_on(what: str, once: Callable[[], Awaitable[bool]], stop: asyncio.Event) -> None:
    """Call `once`, which does one thing and says whether there was one, until `stop` is set. What is under way then is broken off."""
    while not stop.is_set():
        worked = False
        try:
            work = asyncio.ensure_future(once())
            ending = asyncio.create_task(stop.wait())
            await asyncio.wait({work, ending}, return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            if not work.done():
                work.cancel()
            with suppress(asyncio.CancelledError):
                worked = await work
        except Exception:
            log.warning("%s cannot be worked on, and are tried again", what, exc_info=True)
        if not worked:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await stop.wait()
