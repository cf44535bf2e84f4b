"""One connection's life: the topology declared, every subscription consuming, and a watch that notices when one is not.

FastStream and aio-pika would mend a lost connection themselves and have left consumers behind in doing so (FastStream
#2758). Here a connection, channel or consumer that is lost ends the whole of it, and recovery is another start.
"""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustConnection
from aiormq import Channel as UnderlayChannel
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue

from mesh.application import Application
from mesh.broker import CONNECT_SECONDS, address, confirming
from mesh.delivery import BroadcastDelivery, Delivery, DurableDelivery, Lost
from mesh.subscriptions import Kind, Subscription
from mesh.supervision import wait_for_any
from mesh.topology import EXCHANGE, Topology

WATCH_SECONDS = 5.0
# Long enough to be never: FastStream's own reconnection is not wanted.
_NEVER = 10.0**9


class Serving:
    """Serves subscriptions over one connection from `start()` until `lost` is set or `stop()` is called."""

    def __init__(
        self, served: Sequence[tuple[Subscription, Application]], *, amqp_url: str, name: str, grace: float
    ) -> None:
        self.lost = asyncio.Event()
        self._served = served
        self._grace = grace
        self._queues: dict[str, Channel] = {}
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
        """Declare what is needed and consume. What arrives from now on is handled."""
        connection = await self._broker.connect()
        publishing = await confirming(connection)
        publishing.close_callbacks.add(self._lose)
        await topology.declare(publishing)
        for subscription, application in self._served:
            if subscription.kind is Kind.DURABLE:
                queue = subscription.queue
                delivery: Delivery = DurableDelivery(subscription, application, publishing, self.lost.set)
            else:
                queue = await _own_queue(publishing, subscription)
                delivery = BroadcastDelivery(subscription, application)
            self._subscribe(queue, delivery, subscription.prefetch)
        await self._broker.start()
        for channel in self._queues.values():
            consuming = await self._channel(channel)
            consuming.close_callbacks.add(self._lose)
            (await _underlay(consuming)).on_consumer_cancel_callbacks.add(self._lose)

    async def watch(self, stop: asyncio.Event) -> None:
        """Returns when `stop` is set or the connection is lost; raises when a queue turns out to have no consumer."""
        connection = await self._broker.connect()
        while not (stop.is_set() or self.lost.is_set()):
            await wait_for_any(stop, self.lost, seconds=WATCH_SECONDS)
            if not (stop.is_set() or self.lost.is_set()):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._look(connection)

    async def stop(self) -> None:
        """Take nothing more, let what is in flight finish within the grace period, and disconnect."""
        async with asyncio.timeout(self._grace + CONNECT_SECONDS):
            await self._broker.stop()

    def _subscribe(self, queue: str, delivery: Delivery, prefetch: int) -> None:
        async def handle(message: AbstractIncomingMessage) -> None:
            await delivery(message)

        channel = self._queues[queue] = Channel(prefetch_count=prefetch)
        subscriber = self._broker.subscriber(
            RabbitQueue(queue, declare=False),
            channel=channel,
            ack_policy=AckPolicy.MANUAL,
            decoder=_undecoded,
            no_reply=True,
        )
        subscriber(handle)
        # FastStream forgets, unacknowledged, what arrives before it has set this itself at the end of its start.
        subscriber.running = True

    async def _channel(self, channel: Channel) -> AbstractChannel:
        return await self._broker.config.broker_config.channel_manager.get_channel(channel)

    async def _look(self, connection: AbstractRobustConnection) -> None:
        for queue, channel in self._queues.items():
            underlay = await _underlay(await self._channel(channel))
            async with connection.channel() as probe:
                found = await probe.declare_queue(queue, passive=True, robust=False)
            if not found.declaration_result.consumer_count or not underlay.consumers:
                raise Lost(f"nobody consumes {queue}")

    def _lose(self, *_: object) -> None:
        self.lost.set()


async def _underlay(channel: AbstractChannel) -> UnderlayChannel:
    underlay = await channel.get_underlay_channel()
    assert isinstance(underlay, UnderlayChannel)
    return underlay


async def _own_queue(channel: AbstractChannel, subscription: Subscription) -> str:
    # A new name each time: the broker may still hold the queue of a connection that it has not yet missed.
    name = f"{subscription.queue}.{uuid4().hex[:12]}"
    queue = await channel.declare_queue(name, exclusive=True, auto_delete=True, arguments={"x-queue-type": "classic"})
    for event in subscription.events:
        await queue.bind(EXCHANGE, event.routing_key)
    return name


async def _undecoded(message: RabbitMessage) -> AbstractIncomingMessage:
    return message.raw_message
