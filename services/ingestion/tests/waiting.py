"""Waiting for something that other processes do, with a bound."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Return as soon as the condition holds; raises `TimeoutError` when it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (no event tells what another process does)
            await asyncio.sleep(0.01)
