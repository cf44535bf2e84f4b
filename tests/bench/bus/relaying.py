"""The relay beside raw pipelined publishing with confirms, by aio-pika, of the same messages to the same quorum queue."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

from aio_pika import DeliveryMode, Message
from memory import watched
from mesh import Envelope
from mesh.topology import EXCHANGE
from sqlalchemy import text

from bus.relay_process import RelayProcess, relay_processes
from bus.stage import Clock, Library, PageRead, Servers, compare, empty_queue, line, page_read, until

COUNT = 10_000
WAITING = 100_000
IN_FLIGHT = 100
# Not the first batch: nobody knows when it was begun.
RATE = text("""
    SELECT (count(*) FILTER (WHERE sent_at > first) / extract(epoch FROM max(sent_at) - min(first)))::float8
    FROM outbox, (SELECT min(sent_at) AS first FROM outbox) AS beginning
""")


def message(number: int) -> Message:
    event = page_read(number)
    envelope = Envelope(
        uuid4(), "bench", event.routing_key, event.aggregate_id, datetime.now(UTC), event.dataschema, event.version
    )
    return Message(
        event.model_dump_json().encode(),
        headers=envelope.headers(),
        content_type="application/json",
        message_id=str(envelope.id),
        delivery_mode=DeliveryMode.PERSISTENT,
    )


async def raw(servers: Servers) -> float:
    """aio-pika, always `IN_FLIGHT` messages waiting for their confirm; messages are made before the clock starts."""
    async with empty_queue(servers.amqp_url) as channel:
        exchange = await channel.get_exchange(EXCHANGE)
        waiting = iter([message(number) for number in range(COUNT)])

        async def publish() -> None:
            for one in waiting:
                await exchange.publish(one, PageRead.routing_key)

        clock = Clock(COUNT)
        await asyncio.gather(*(publish() for _ in range(IN_FLIGHT)))
        return clock.rate()


async def relayed(servers: Servers, library: Library, relays: int = 1) -> float:
    """From rows to confirmed, settled rows, by relays in processes of their own."""
    await library.create()
    await library.fill(COUNT)
    async with empty_queue(servers.amqp_url), relay_processes(servers, relays) as processes:
        return await drained(library, processes)


async def drained(library: Library, processes: list[RelayProcess]) -> float:
    """Rows a second, from the first batch that was settled to the last, by the database's clock."""
    for process in processes:
        process.start()
    await until(lambda: at_most(library, 0), seconds=0.2)
    async with library.engine.connect() as connection:
        return float((await connection.execute(RATE)).scalar_one())


async def at_most(library: Library, rows: int) -> bool:
    """Whether no more than so many rows wait."""
    async with library.engine.connect() as connection:
        waiting = await connection.execute(
            text(f"SELECT EXISTS (SELECT FROM outbox WHERE sent_at IS NULL OFFSET {rows})")
        )
        return not waiting.scalar_one()


async def a_hundred_thousand(servers: Servers, library: Library) -> None:
    """They wait, as after an outage: how fast they drain, and how the relay grows after the first tenth of them."""
    await library.create()
    await library.fill(WAITING)
    before = await raw(servers)
    async with empty_queue(servers.amqp_url), relay_processes(servers, 1) as processes:
        draining = asyncio.create_task(drained(library, processes))
        await until(lambda: at_most(library, WAITING * 9 // 10), seconds=0.2)
        async with watched(processes[0].pid) as size:
            rate = await draining
    rates = {"relay": rate, "raw aio-pika": (before + await raw(servers)) / 2}
    line(f"relay, {WAITING:,} events waiting", rates, "relay", "raw aio-pika", 0.9)
    print(f"{'its memory, after 10,000 and at most':<44} {size.before:8.0f}, {size.most:.0f} MiB")


async def report(servers: Servers) -> None:
    library = Library(servers.database_url)
    rates = await compare(
        {
            "raw aio-pika": lambda: raw(servers),
            "relay": lambda: relayed(servers, library),
            "two relays": lambda: relayed(servers, library, relays=2),
        }
    )
    line("relay, outbox to confirmed", rates, "relay", "raw aio-pika", 0.9)
    line("two relays", rates, "two relays", "relay", 1.0)
    await a_hundred_thousand(servers, library)
    await library.engine.dispose()
