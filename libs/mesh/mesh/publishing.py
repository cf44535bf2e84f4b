"""Publishing many messages at once, each confirmed by the broker."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

import aiormq
from aio_pika.abc import AbstractChannel
from aiormq.abc import ChannelFrame, DeliveredMessage
from aiormq.exceptions import ChannelInvalidStateError
from pamqp.base import Frame
from pamqp.body import ContentBody
from pamqp.frame import marshal
from pamqp.header import ContentHeader

from mesh.broker import underlay
from mesh.envelope import CONTENT_TYPE

PERSISTENT = 2
# Messages of one write to the socket: a system call and a turn of the loop for each would cost more than the rest of it.
WRITTEN_AT_ONCE = 25


class Outcome(Enum):
    """What became of a published message. Only `FAILED` leaves open whether the broker has it."""

    CONFIRMED = "confirmed"
    RETURNED = "returned"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A persistent message on its way, with `expiration` seconds to live if that is given.

    Its id is one that no other message on its way has: what comes back is known by nothing else.
    """

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


async def publish(channel: AbstractChannel, exchange: str, messages: Sequence[Outgoing]) -> list[Outcome]:
    """Publish all of them before waiting for the first confirm, and say what became of each.

    `mandatory`: what no queue takes comes back as `RETURNED`. Raises only for what cannot be encoded.
    """
    publisher = await underlay(channel)
    confirms: dict[int, asyncio.Future[Any]] = {}
    try:
        await _send(publisher, exchange, messages, confirms)
        results = await asyncio.gather(*confirms.values(), return_exceptions=True)
    finally:
        for tag, message in zip(confirms, messages, strict=False):
            if publisher.message_id_delivery_tag.get(message.message_id) == tag:
                del publisher.message_id_delivery_tag[message.message_id]
    return [*map(_outcome, results)] + [Outcome.FAILED] * (len(messages) - len(results))


async def _send(
    publisher: aiormq.Channel, exchange: str, messages: Sequence[Outgoing], confirms: dict[int, asyncio.Future[Any]]
) -> None:
    """Write them, as far as the channel stands, and expect a confirm of each that was written.

    What `aiormq.Channel.basic_publish` does for one message, in the same order, for as many as make a write worth it.
    """
    left = iter(messages)
    with suppress(ChannelInvalidStateError):
        async with publisher.lock:
            while (some := list(islice(left, WRITTEN_AT_ONCE))) and not publisher.is_closed:
                payload = b"".join(_encoded(publisher, exchange, message) for message in some)
                written = publisher.create_future()
                await publisher.write_queue.put(ChannelFrame(payload, should_close=False, drain_future=written))
                # Only now, and before anything else can run: whoever is cancelled while waiting has used no tag.
                for message in some:
                    publisher.delivery_tag += 1
                    confirms[publisher.delivery_tag] = confirm = publisher.create_future()
                    publisher.confirmations[publisher.delivery_tag] = confirm
                    publisher.message_id_delivery_tag[message.message_id] = publisher.delivery_tag
                await asyncio.wait([written])


def _encoded(publisher: aiormq.Channel, exchange: str, message: Outgoing) -> bytes:
    size = publisher.max_content_size
    frames: tuple[Frame | ContentHeader | ContentBody, ...] = (
        aiormq.spec.Basic.Publish(exchange=exchange, routing_key=message.routing_key, mandatory=True),
        ContentHeader(properties=message.properties(), body_size=len(message.body)),
        *(ContentBody(message.body[start : start + size]) for start in range(0, len(message.body), size)),
    )
    return b"".join(marshal(frame, publisher.number) for frame in frames)


def _outcome(result: object) -> Outcome:
    if isinstance(result, BaseException):
        return Outcome.FAILED
    return Outcome.RETURNED if isinstance(result, DeliveredMessage) else Outcome.CONFIRMED
