"""Events that wait in a queue, and a clock that runs while they arrive."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mesh import Consumer, Subscriptions
from mesh.database import Database
from mesh.topology import EXCHANGE

from bus.relaying import message
from bus.stage import Clock, PageRead, Servers, empty_queue

PREFETCH = 50
CONCURRENCY = 8


class Arrivals:
    """Counts what arrives; the clocks run from the first to the last."""

    def __init__(self, count: int) -> None:
        self._left = self.count = count
        self._clock: Clock | None = None
        self._worked = 0.0
        self.rate = 0.0
        """Events a second."""
        self.processor = 0.0
        """Seconds of this process an event, without those of the servers."""
        self.done = asyncio.Event()

    def one(self) -> None:
        if self._clock is None:
            self._clock, self._worked = Clock(self.count), time.process_time()
        self._left -= 1
        if not self._left:
            self.rate = self._clock.rate()
            self.processor = (time.process_time() - self._worked) / self.count
            self.done.set()


@asynccontextmanager
async def filled_queue(servers: Servers, count: int) -> AsyncIterator[None]:
    """So many events, a multiple of 500, wait in the queue."""
    async with empty_queue(servers.amqp_url) as channel:
        exchange = await channel.get_exchange(EXCHANGE)
        for start in range(0, count, 500):
            await asyncio.gather(
                *(exchange.publish(message(n), PageRead.routing_key) for n in range(start, start + 500))
            )
        yield


async def consumed(servers: Servers, bus: Subscriptions, arrivals: Arrivals, database: Database | None = None) -> None:
    """As many events as are counted, through a consumer of ours."""
    async with filled_queue(servers, arrivals.count):
        stop = asyncio.Event()
        consumer = Consumer(bus, amqp_url=servers.amqp_url, database=database, concurrency=CONCURRENCY)
        running = asyncio.create_task(consumer.run(stop))
        await arrivals.done.wait()
        stop.set()
        await running
