"""How much waits in a service's queues and who takes it, asked of the broker over AMQP itself: no management plugin is needed.

The relays of a service ask, because each service with queues has one, and it runs when no consumer does: that is when somebody
needs to know. Two of them say the same of the same queues.
"""

import asyncio

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from mesh import metrics
from mesh.broker import CONNECT_SECONDS, connected
from mesh.supervision import wait_for_any
from mesh.topology import Topology, dead

MEASURE_SECONDS = 10.0
_GAUGES = (metrics.QUEUE_DEPTH, metrics.QUEUE_CONSUMERS, metrics.DEAD_LETTER_DEPTH)


async def keep_measuring_queues(service: str, topology: Topology, amqp_url: str, stop: asyncio.Event) -> None:
    """Keep the numbers of the service's queues up to date until `stop` is set; when the broker is away there are none."""
    queues = topology.of_service(service)
    try:
        # A connection of its own: a broker short of memory answers nothing on those that publish.
        async with connected(amqp_url, f"{service} queues") as connection:
            while not stop.is_set():
                async with asyncio.timeout(CONNECT_SECONDS):
                    for queue in queues:
                        await _measure(connection, queue)
                await wait_for_any(stop, seconds=MEASURE_SECONDS)
    finally:
        for gauge in _GAUGES:
            for queue in queues:
                gauge.remove(queue)


async def _measure(connection: AbstractConnection, queue: str) -> None:
    depth, consumers = await _look(connection, queue)
    metrics.QUEUE_DEPTH.labels(queue).set(depth)
    metrics.QUEUE_CONSUMERS.labels(queue).set(consumers)
    metrics.DEAD_LETTER_DEPTH.labels(queue).set((await _look(connection, dead(queue)))[0])


async def _look(connection: AbstractConnection, queue: str) -> tuple[int, int]:
    """Messages and consumers. A queue that is gone has neither; the broker then closes the channel that asked."""
    async with connection.channel() as channel:
        try:
            found = (await channel.declare_queue(queue, passive=True)).declaration_result
        except ChannelNotFoundEntity:
            return 0, 0
    return found.message_count or 0, found.consumer_count or 0
