"""One connection's life: the topology declared, every subscription consuming, and a watch that notices when one is not.

FastStream and aio-pika would mend a lost connection themselves and have left consumers behind in doing so (FastStream
#2758). Here a connection, channel or consumer that is lost ends the whole of it, and recovery is another start.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from uuid import uuid4

from aio_pika import RobustConnection
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from faststream import AckPolicy
from faststream.rabbit import RabbitBroker, RabbitMessage, RabbitQueue

from mesh.application import Application
from mesh.broker import CONNECT_SECONDS, address, closed, confirming, connected, underlay
from mesh.delivery import BroadcastDelivery, Delivery, DurableDelivery, Lost
from mesh.lanes import Lane
from mesh.subscriptions import Kind, Subscription
from mesh.supervision import unless, wait_for_any
from mesh.topology import EXCHANGE, Topology

WATCH_SECONDS = 5.0
# A connection that breaks meanwhile is heard of; one that falls silent is given up after so long.
START_SECONDS = 60.0
# Long enough to be never: FastStream's own reconnection is not wanted.
_NEVER = 10.0**9


class Serving:
    """Serves subscriptions over one connection from `start()` until `lost` is set or `stop()` is called."""

    def __init__(
        self, served: Sequence[tuple[Subscription, Application]], *, amqp_url: str, name: str, grace: float
    ) -> None:
        self.lost = asyncio.Event()
        self._served = served
        self._amqp_url = amqp_url
        self._name = name
        self._grace = grace
        self._resources = AsyncExitStack()
        self._lanes: list[Lane] = []
        self._broker = RabbitBroker(
            address(amqp_url, name),
            timeout=CONNECT_SECONDS,
            reconnect_interval=_NEVER,
            graceful_timeout=grace,
            apply_types=False,
            logger=None,
            on_close=[self._lose],
        )

    async def start(self, topology: Topology) -> None:
        """Declare what is needed and consume. What arrives from now on is handled.

        Raises `Lost` where the connection breaks meanwhile, and `TimeoutError` where it hangs.
        """
        async with asyncio.timeout(START_SECONDS):
            # What is asked of a connection that broke is not refused: aio-pika waits for it to be mended, which never happens.
            if not await unless(self.lost, self._start(topology)):
                raise Lost("the connection broke while queues were declared")

    async def _start(self, topology: Topology) -> None:
        publishing = await self._publishing()
        await topology.declare(publishing)
        connection = await self._consuming()
        async with connection.channel() as declaring:
            for subscription, application in self._served:
                if subscription.kind is Kind.DURABLE:
                    queue = subscription.queue
                    delivery: Delivery = DurableDelivery(subscription, application, publishing, self.lost.set)
                else:
                    queue = await _own_queue(declaring, subscription)
                    delivery = BroadcastDelivery(subscription, application)
                self._subscribe(Lane(subscription.queue, queue, delivery, subscription.prefetch))
        await self._broker.start()
        for lane in self._lanes:
            consuming = await self._channel(lane)
            consuming.close_callbacks.add(self._lose)
            (await underlay(consuming)).on_consumer_cancel_callbacks.add(self._lose)

    async def watch(self, stop: asyncio.Event) -> None:
        """Returns when `stop` is set; raises when the connection is lost or a queue turns out to be served no longer."""
        connection = await self._broker.connect()
        while not (stop.is_set() or self.lost.is_set()):
            await wait_for_any(stop, self.lost, seconds=WATCH_SECONDS)
            if not (stop.is_set() or self.lost.is_set()):
                for lane in self._lanes:
                    async with asyncio.timeout(CONNECT_SECONDS):
                        await lane.check(connection, await self._channel(lane))
        if not stop.is_set():
            raise Lost("the broker closed the connection, a channel or a consumer")

    async def stop(self) -> None:
        """Take nothing more, let what is in flight finish within the grace period, and disconnect."""
        async with asyncio.timeout(self._grace + CONNECT_SECONDS), self._resources:
            await self._broker.stop()

    async def _publishing(self) -> AbstractChannel:
        # A connection of its own: a broker short of memory stops reading from those that publish, and with it from
        # those that consume on the same one, whose acknowledgements would give it room again.
        connection = await self._resources.enter_async_context(connected(self._amqp_url, f"{self._name} retries"))
        channel = await confirming(connection)
        channel.close_callbacks.add(self._lose)
        return channel

    async def _consuming(self) -> AbstractConnection:
        # FastStream forgets a connection that nobody waits for any more, but it is made all the same, and stays; and it
        # leaves one open of which a subscriber could not be stopped.
        connecting = asyncio.create_task(self._broker.connect())
        self._resources.push_async_callback(_closed_once_made, connecting)
        return await asyncio.shield(connecting)

    def _subscribe(self, lane: Lane) -> None:
        async def handle(message: AbstractIncomingMessage) -> None:
            await lane.deliver(message)

        self._lanes.append(lane)
        subscriber = self._broker.subscriber(
            RabbitQueue(lane.queue, declare=False),
            channel=lane.channel,
            ack_policy=AckPolicy.MANUAL,
            decoder=_undecoded,
            no_reply=True,
        )
        subscriber(handle)

    async def _channel(self, lane: Lane) -> AbstractChannel:
        return await self._broker.config.broker_config.channel_manager.get_channel(lane.channel)

    def _lose(self, *_: object) -> None:
        self.lost.set()


async def _closed_once_made(connecting: asyncio.Task[RobustConnection]) -> None:
    await asyncio.wait({connecting})
    if not connecting.cancelled() and connecting.exception() is None:
        await closed(connecting.result())


async def _own_queue(channel: AbstractChannel, subscription: Subscription) -> str:
    # A new name each time: the broker may still hold the queue of a connection that it has not yet missed.
    name = f"{subscription.queue}.{uuid4().hex[:12]}"
    queue = await channel.declare_queue(name, exclusive=True, auto_delete=True, arguments={"x-queue-type": "classic"})
    for event in subscription.events:
        await queue.bind(EXCHANGE, event.routing_key)
    return name


async def _undecoded(message: RabbitMessage) -> AbstractIncomingMessage:
    return message.raw_message
