"""Waiting, in tests and measurements, for what another process does and tells nobody."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2


async def until(attempt: Callable[[], Awaitable[T | None]], seconds: float = 20.0) -> T:
    """What `attempt` gives as soon as it gives something that is true, asked ever more seldom.

    Raises `TimeoutError` after so many seconds.
    """
    pause = _FIRST_PAUSE
    async with asyncio.timeout(seconds):
        while not (found := await attempt()):
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, _LONGEST_PAUSE)
    return found
