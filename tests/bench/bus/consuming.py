"""A typed handler beside a bare FastStream subscriber with the same model."""

from collections.abc import Awaitable, Callable

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from mesh import Subscriptions

from bus.arriving import PREFETCH, Arrivals, consumed, filled_queue
from bus.stage import QUEUE, PageRead, Servers, compare, line

COUNT = 5_000


async def bare_faststream(servers: Servers) -> float:
    """FastStream as it comes, with the same model, prefetch and acknowledgement after the handler."""
    arrivals = Arrivals(COUNT)
    broker = RabbitBroker(servers.amqp_url, logger=None, default_channel=Channel(prefetch_count=PREFETCH))

    @broker.subscriber(RabbitQueue(QUEUE, declare=False), ack_policy=AckPolicy.NACK_ON_ERROR)
    async def read_page(event: PageRead) -> None:
        arrivals.one()

    async with filled_queue(servers, COUNT):
        await broker.start()
        await arrivals.done.wait()
        await broker.stop()
    return arrivals.rate


async def without_database(servers: Servers) -> float:
    arrivals, bus = Arrivals(COUNT), Subscriptions("bench")

    @bus.on(PageRead, inbox=False, prefetch=PREFETCH)
    async def read_page(event: PageRead) -> None:
        arrivals.one()

    await consumed(servers, bus, arrivals)
    return arrivals.rate


async def report(servers: Servers) -> None:
    measures: dict[str, Callable[[], Awaitable[float]]] = {
        "bare FastStream": lambda: bare_faststream(servers),
        "handler": lambda: without_database(servers),
    }
    line("typed handler without database", await compare(measures), "handler", "bare FastStream", 0.85)
