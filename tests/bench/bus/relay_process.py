"""A relay in a process of its own, as services run them: it starts at the first line of its input and stops at the end of it.

python -m bus.relay_process    with DATABASE_URL and AMQP_URL
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import uvloop
from mesh import Relay

from bus.stage import TOPOLOGY, Library, Servers


class RelayProcess:
    """One that waits for `start()`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    def start(self) -> None:
        """Let it relay."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")


@asynccontextmanager
async def relay_processes(servers: Servers, count: int) -> AsyncIterator[list[RelayProcess]]:
    """So many of them, imported and waiting; stopped cleanly when the block ends."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_relay_process(servers)) for _ in range(count)]


@asynccontextmanager
async def _relay_process(servers: Servers) -> AsyncIterator[RelayProcess]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bus.relay_process"),
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"DATABASE_URL": servers.database_url, "AMQP_URL": servers.amqp_url},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    yield RelayProcess(process)
    process.stdin.close()
    if await process.wait():
        raise RuntimeError(f"the relay ended with {process.returncode}")


async def _relay() -> None:
    library = Library(os.environ["DATABASE_URL"])
    relay = Relay("bench", database=library, amqp_url=os.environ["AMQP_URL"], topology=TOPOLOGY)
    stop = asyncio.Event()
    print("imported", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    running = asyncio.create_task(relay.run(stop))
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    await running
    await library.engine.dispose()


if __name__ == "__main__":
    uvloop.run(_relay())
