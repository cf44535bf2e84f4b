"""Exchange, queues and bindings: what must stand on the broker before anything is published.

Everything is durable and replicated (quorum) and uses only what RabbitMQ 3.10 and 4.x agree on. A retry waits in one of a
few queues that all consumers share: it is published through the rung's exchange with the consumer's queue as routing key,
and when its time is over the broker hands it to that queue.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelNotFoundEntity
from pamqp.common import FieldTable

from mesh.broker import underlay
from mesh.subscriptions import Kind, Subscriptions

EXCHANGE = "studyteddy.events"
# Seconds a retry waits at most in each rung; the message's own expiration ends its wait earlier, at random.
RUNGS = (0.25, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)
# A message that kills its process again and again is dead-lettered by the broker.
DELIVERY_LIMIT = 20
# A dead letter is looked at as often as somebody likes: RabbitMQ 4 would drop it after the twentieth time.
DEAD_ARGUMENTS: FieldTable = {"x-queue-type": "quorum", "x-delivery-limit": 10**9}
# The broker itself moves messages from queue to queue with confirms: at-least-once needs reject-publish beside it.
_AT_LEAST_ONCE: FieldTable = {
    "x-queue-type": "quorum",
    "x-dead-letter-exchange": "",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}


def dead(queue: str) -> str:
    """Where the dead letters of a consumer's queue are kept."""
    return f"{queue}.dead"


def rung(delay: float) -> str:
    """The retry exchange, and queue, of the smallest rung that holds a wait of `delay` seconds."""
    longest = next((seconds for seconds in RUNGS if delay <= seconds), RUNGS[-1])
    return f"studyteddy.retry.{round(longest * 1000)}ms"


@dataclass(frozen=True, slots=True)
class Topology:
    """Durable queues of consumers with the routing keys that are bound to each, and which of them keep no inbox."""

    queues: Mapping[str, tuple[str, ...]]
    without_inbox: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *buses: Subscriptions) -> "Topology":
        """What these services' durable subscriptions need."""
        durable = [entry for bus in buses for entry in bus.describe() if entry.kind is Kind.DURABLE]
        return cls(
            {entry.queue: tuple(event.routing_key for event in entry.events) for entry in durable},
            frozenset(entry.queue for entry in durable if not entry.inbox),
        )

    @classmethod
    def load(cls, source: Path | Mapping[str, Any]) -> "Topology":
        """Read what `dump()` made, from a JSON file or as data."""
        data = json.loads(source.read_text()) if isinstance(source, Path) else source
        queues = {queue: tuple(keys) for queue, keys in data["queues"].items()}
        # The file of an older release has no such list.
        return cls(queues, frozenset(data.get("without_inbox", ())))

    def dump(self) -> dict[str, Any]:
        """Plain data, in an order that does not change."""
        return {
            "exchange": EXCHANGE,
            "queues": {queue: sorted(keys) for queue, keys in sorted(self.queues.items())},
            "without_inbox": sorted(self.without_inbox),
        }

    def takers(self, routing_key: str) -> list[str]:
        """The queues that this topology binds to a routing key."""
        return [queue for queue, keys in self.queues.items() if routing_key in keys]

    def of_service(self, service: str) -> list[str]:
        """The queues that a service takes from."""
        return [queue for queue in self.queues if queue.partition(".")[0] == service]

    async def declare(self, channel: AbstractChannel) -> None:
        """Make all of it stand; what stands already is left as it is."""
        exchange = await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)
        for seconds in RUNGS:
            await _declare_rung(channel, seconds)
        for name, keys in self.queues.items():
            await _declare_dead(channel, dead(name))
            limits: FieldTable = {"x-dead-letter-routing-key": dead(name), "x-delivery-limit": DELIVERY_LIMIT}
            queue = await channel.declare_queue(name, durable=True, arguments=_AT_LEAST_ONCE | limits)
            for key in keys:
                await queue.bind(exchange, key)


async def _declare_rung(channel: AbstractChannel, seconds: float) -> None:
    name = rung(seconds)
    exchange = await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
    limits: FieldTable = {"x-message-ttl": round(seconds * 1000)}
    queue = await channel.declare_queue(name, durable=True, arguments=_AT_LEAST_ONCE | limits)
    await queue.bind(exchange)


async def _declare_dead(channel: AbstractChannel, name: str) -> None:
    # One that stands already may have been declared by an older version, with other arguments, and is left as it is.
    # Asked on a channel of its own, because the broker closes that with the answer no.
    probe = await (await underlay(channel)).connection.channel()
    try:
        await probe.queue_declare(name, passive=True)
    except ChannelNotFoundEntity:
        await channel.declare_queue(name, durable=True, arguments=DEAD_ARGUMENTS)
    else:
        await probe.close()
