"""From a committed transaction to another service's effect, on a real broker and database."""

from devstack.waiting import until
from mesh import Consumer, Event, Relay, Subscriptions, Topology
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from .home import Home
from .roles import running


class NotePinned(Event, type="tests.note.pinned", version=1, aggregate="note"):
    note: str


async def test_what_was_committed_is_applied_elsewhere(home: Home, amqp_url: str) -> None:
    bus = Subscriptions("board")

    @bus.on(NotePinned)
    async def pin(event: NotePinned, session: AsyncSession) -> None:
        await session.execute(text("INSERT INTO effects (note) VALUES (:note)"), {"note": event.note})

    relay = Relay("tests", database=home, amqp_url=amqp_url, topology=Topology.of(bus))
    consumer = Consumer(bus, amqp_url=amqp_url, database=home)
    async with running(relay, consumer):
        await home.say(*(NotePinned(version=1, note=f"{n:04}") for n in range(500)))

        async def all_there() -> bool:
            return len(await home.effects()) >= 500

        await until(all_there)
    assert await home.effects() == [f"{n:04}" for n in range(500)]
    assert await home.unsent() == 0
