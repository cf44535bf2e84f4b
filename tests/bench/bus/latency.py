"""From commit to the start of the handler, on an idle bus."""

import asyncio
import time
from statistics import quantiles

from mesh import Consumer, Outbox, Relay, Subscriptions, Topology

from bus.stage import Library, PageRead, Servers, empty_queue, page_read, ready, until

COUNT = 500
PAUSE_SECONDS = 0.02


async def report(servers: Servers) -> None:
    library = Library(servers.database_url)
    await library.create()
    bus = Subscriptions("bench")
    # Taken just before COMMIT is sent, which the figure so includes.
    committed: dict[int, float] = {}
    waits: list[float] = []

    @bus.on(PageRead)
    async def read_page(event: PageRead) -> None:
        waits.append(time.perf_counter() - committed[event.page])

    relay = Relay("bench", database=library, amqp_url=servers.amqp_url, topology=Topology.of(bus))
    consumer = Consumer(bus, amqp_url=servers.amqp_url, database=library)
    async with empty_queue(servers.amqp_url):
        stop = asyncio.Event()
        running = [asyncio.create_task(role.run(stop)) for role in (relay, consumer)]
        await until(lambda: ready(relay, consumer))
        for number in range(COUNT):
            async with library.transaction() as session:
                await Outbox(session, "bench").add(page_read(number))
                committed[number] = time.perf_counter()
            await asyncio.sleep(PAUSE_SECONDS)
        stop.set()
        await asyncio.gather(*running)
    percentiles = quantiles(waits, n=100)
    print(f"commit to handler start, idle ({len(waits)} events)   p50 {percentiles[49] * 1000:5.1f} ms   bound  8 ms")
    print(f"{'':<44}   p99 {percentiles[98] * 1000:5.1f} ms   bound 25 ms")
    await library.engine.dispose()
