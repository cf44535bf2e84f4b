"""Waiting for what must come."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], Awaitable[bool]], seconds: float, every: float = 0.2) -> None:
    """Return when the condition holds; `TimeoutError` when it does not within so many seconds."""
    async with asyncio.timeout(seconds):
        while True:
            if await condition():
                return
            await asyncio.sleep(every)
