"""The relay beside raw pipelined publishing with confirms, by aio-pika, of the same messages to the same quorum queue."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

from aio_pika import DeliveryMode, Message
from mesh import Envelope, Relay
from mesh.topology import EXCHANGE
from sqlalchemy import text

from bus.stage import TOPOLOGY, Clock, Library, PageRead, Servers, compare, empty_queue, line, page_read, ready, until

COUNT = 10_000
IN_FLIGHT = 100


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
    """From rows to confirmed, settled rows."""
    await library.create()
    await library.fill(COUNT)
    async with empty_queue(servers.amqp_url):
        stop = asyncio.Event()
        made = [Relay("bench", database=library, amqp_url=servers.amqp_url, topology=TOPOLOGY) for _ in range(relays)]
        running = [asyncio.create_task(relay.run(stop)) for relay in made]
        # The first claim starts the clock, not the connection.
        await until(lambda: ready(*made))
        clock = Clock(COUNT)
        await until(lambda: all_sent(library))
        rate = clock.rate()
        stop.set()
        await asyncio.gather(*running)
        return rate


async def all_sent(library: Library) -> bool:
    async with library.engine.connect() as connection:
        waiting = await connection.execute(text("SELECT EXISTS (SELECT FROM outbox WHERE sent_at IS NULL)"))
        return not waiting.scalar_one()


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
    line("two relays in one process", rates, "two relays", "relay", 1.0)
    await library.engine.dispose()
