"""One queue being consumed, and whether it still is."""

from dataclasses import dataclass, field

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from faststream.rabbit import Channel

from mesh import metrics
from mesh.broker import underlay
from mesh.delivery import Delivery, Lost


@dataclass(eq=False)
class Lane:
    """A queue, the channel that consumes it, and what came through."""

    consumer: str
    queue: str
    delivery: Delivery
    prefetch: int
    channel: Channel = field(init=False)
    received: int = 0
    in_flight: int = 0
    _seen: int = -1
    _starved: int = 0

    def __post_init__(self) -> None:
        self.channel = Channel(prefetch_count=self.prefetch)
        self._in_hand = metrics.IN_HAND.labels(self.consumer)

    async def deliver(self, message: AbstractIncomingMessage) -> None:
        """Hand a message on."""
        self.received += 1
        self.in_flight += 1
        self._in_hand.inc()
        try:
            await self.delivery(message)
        finally:
            self.in_flight -= 1
            self._in_hand.dec()

    async def check(self, connection: AbstractConnection, consuming: AbstractChannel) -> None:
        """Raise `Lost` when the queue, or our consumer on it, is gone; call it every few seconds.

        The broker counts everybody's consumers. That ours is missing shows in messages that wait, twice in a row, while we
        have room and get nothing.
        """
        async with connection.channel() as probe:
            found = (await probe.declare_queue(self.queue, passive=True)).declaration_result
        idle = self.received == self._seen and self.in_flight < self.prefetch
        self._seen = self.received
        self._starved = self._starved + 1 if found.message_count and idle else 0
        if not found.consumer_count or not (await underlay(consuming)).consumers or self._starved > 1:
            raise Lost(f"{self.queue} is no longer consumed here")
