"""Publishing many messages at once, each confirmed by the broker."""

import asyncio
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import aiormq
from aio_pika.abc import AbstractChannel
from aiormq.abc import DeliveredMessage

from mesh.broker import underlay
from mesh.envelope import CONTENT_TYPE

PERSISTENT = 2


class Outcome(Enum):
    """What became of a published message. Only `FAILED` leaves open whether the broker has it."""

    CONFIRMED = "confirmed"
    RETURNED = "returned"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A persistent message on its way, with `expiration` seconds to live if that is given."""

    routing_key: str
    message_id: str
    headers: dict[str, Any]
    body: bytes
    expiration: float | None = None
    content_type: str | None = CONTENT_TYPE

    def properties(self) -> aiormq.spec.Basic.Properties:
        """The same in the words of AMQP."""
        return aiormq.spec.Basic.Properties(
            content_type=self.content_type,
            delivery_mode=PERSISTENT,
            expiration=None if self.expiration is None else str(round(self.expiration * 1000)),
            headers=self.headers,
            message_id=self.message_id,
        )


async def publish(channel: AbstractChannel, exchange: str, messages: Iterable[Outgoing]) -> list[Outcome]:
    """Publish all of them before waiting for the first confirm, and say what became of each.

    `mandatory`: what no queue takes comes back as `RETURNED`. Raises only for what cannot be encoded.
    """
    # The layer below aio-pika's Exchange: a fifth less work for each message, and the same confirms.
    publisher = await underlay(channel)
    results = await asyncio.gather(
        *(
            publisher.basic_publish(
                message.body,
                exchange=exchange,
                routing_key=message.routing_key,
                properties=message.properties(),
                mandatory=True,
                wait=False,
            )
            for message in messages
        ),
        return_exceptions=True,
    )
    return [_outcome(result) for result in results]


def _outcome(result: object) -> Outcome:
    if isinstance(result, TypeError | ValueError | struct.error):
        raise result
    if isinstance(result, BaseException):
        return Outcome.FAILED
    return Outcome.RETURNED if isinstance(result, DeliveredMessage) else Outcome.CONFIRMED
