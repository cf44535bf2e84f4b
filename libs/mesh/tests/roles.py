"""Consumers and relays that run while a test looks at what they do."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from devstack.waiting import until

PATIENCE = 20.0


class Role(Protocol):
    """A consumer or a relay."""

    async def run(self, stop: asyncio.Event) -> None: ...
    async def check(self) -> None: ...


@asynccontextmanager
async def running(*roles: Role) -> AsyncIterator[asyncio.Event]:
    """Run the roles, ready when the block begins, and stopped cleanly when it ends."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(role.run(stop)) for role in roles]
    try:
        await until(lambda: all_ready(roles))
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*tasks)


async def all_ready(roles: Sequence[Role]) -> bool:
    """Whether every one of them says that it is."""
    try:
        for role in roles:
            await role.check()
    except ConnectionError:
        return False
    return True
