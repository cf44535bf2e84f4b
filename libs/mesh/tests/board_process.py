"""A process of a small service, to be killed and frozen: `board_process.py DATABASE_URL AMQP_URL relay|consumer …`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from mesh import Consumer, Event, Relay, Subscriptions, Topology
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine


class NotePinned(Event, type="tests.note.pinned", version=1, aggregate="note"):
    note: str


bus = Subscriptions("board")


@bus.on(NotePinned)
async def pin(event: NotePinned, session: AsyncSession) -> None:
    await session.execute(text("INSERT INTO effects (note) VALUES (:note)"), {"note": event.note})


class Home:
    def __init__(self, url: str) -> None:
        self.engine = create_async_engine(url, pool_pre_ping=True)
        self._sessions = async_sessionmaker(self.engine)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with self._sessions() as session, session.begin():
            yield session


async def main(database_url: str, amqp_url: str, *names: str) -> None:
    home = Home(database_url)
    topology, lease = Topology.of(bus), timedelta(seconds=1)
    roles: dict[str, Relay | Consumer] = {
        "relay": Relay("tests", database=home, amqp_url=amqp_url, topology=topology, batch=20, lease=lease),
        "consumer": Consumer(bus, amqp_url=amqp_url, database=home),
    }
    running = [asyncio.create_task(roles[name].run(asyncio.Event())) for name in names]
    while True:
        await asyncio.sleep(0.01)
        if all(roles[name].is_ready for name in names):
            break
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.gather(*running)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
