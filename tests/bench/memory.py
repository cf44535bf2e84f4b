"""A process's memory while something goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil


@dataclass
class Size:
    """Resident memory in MiB, watched."""

    before: float
    most: float = 0.0


@asynccontextmanager
async def watched(pid: int) -> AsyncIterator[Size]:
    """The process's memory while the block runs."""
    process = psutil.Process(pid)

    def now() -> float:
        return float(process.memory_info().rss) / 1_048_576

    size = Size(now())

    async def watch() -> None:
        while True:
            size.most = max(size.most, now())
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    yield size
    watching.cancel()
