"""One message and its handler: applied and acknowledged, tried again later, or dead."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from logging import getLogger

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import ChannelInvalidStateError
from pydantic import ValidationError

from mesh import metrics
from mesh.application import Application
from mesh.envelope import Envelope
from mesh.errors import Permanent, Unreadable
from mesh.event import Event
from mesh.letters import attempt_of, dead_letter, next_try
from mesh.publishing import Outcome, Outgoing, publish
from mesh.subscriptions import Subscription
from mesh.supervision import is_being_cancelled
from mesh.topology import rung
from mesh.tracing import handling

log = getLogger(__name__)
Delivery = Callable[[AbstractIncomingMessage], Awaitable[None]]


class Lost(Exception):
    """The broker did not take a message that must not be lost: the session ends, and the delivery is repeated."""


class Reader:
    """Turns messages into the events that a subscription takes."""

    def __init__(self, subscription: Subscription) -> None:
        self._events = {event.routing_key: event for event in subscription.events}

    def read(self, message: AbstractIncomingMessage) -> tuple[Envelope, Event]:
        """Raises `Unreadable` for what is no event, of a type or version that is not taken, or invalid."""
        envelope = Envelope.parse(message.headers)
        kind = self._events.get(envelope.type)
        if kind is None:
            raise Unreadable(f"{envelope.type} is not taken here, only {', '.join(self._events)}")
        try:
            return envelope, kind.model_validate_json(message.body)
        except ValidationError as invalid:
            raise Unreadable(f"{envelope.type} is invalid: {invalid}") from invalid


class DurableDelivery:
    """Deliveries of a durable subscription. The acknowledgement comes last: whatever ends before it comes again."""

    def __init__(
        self,
        subscription: Subscription,
        application: Application,
        publishing: AbstractChannel,
        lost: Callable[[], None],
    ) -> None:
        self._queue = subscription.queue
        self._retry = subscription.retry
        self._reader = Reader(subscription)
        self._application = application
        self._publishing = publishing
        self._lost = lost
        # Around the handler alone: while its message is acknowledged, the next may be handled.
        self._turns = asyncio.Semaphore(subscription.concurrency)
        self._consumed = metrics.CONSUMED.labels(self._queue)
        self._retries = metrics.RETRIES.labels(self._queue)
        self._dead = {reason: metrics.DEAD_LETTERS.labels(self._queue, reason) for reason in metrics.REASONS}

    async def __call__(self, message: AbstractIncomingMessage) -> None:
        """Take the message to its end."""
        try:
            await self._settle(message)
            await message.ack()
        except (Lost, ChannelInvalidStateError) as error:
            log.warning("%s: a delivery could not be settled and will come again: %s", self._queue, error)
            self._lost()
        except Exception:
            # Whatever it is about this message, it must not stay in our hands: the broker dead-letters it.
            log.exception("%s: message %s could not even be buried", self._queue, message.message_id)
            await message.reject(requeue=False)

    async def _settle(self, message: AbstractIncomingMessage) -> None:
        try:
            envelope, event = self._reader.read(message)
        except Unreadable as error:
            await self._bury(message, "unreadable", error)
            return
        try:
            async with self._turns:
                with handling(self._queue, envelope):
                    await self._application.apply(event, envelope)
            self._consumed.inc()
        except Exception as error:
            await self._after(message, error)
        except asyncio.CancelledError as error:
            if is_being_cancelled():
                raise
            # Something that the handler waited for was cancelled, not the handler.
            await self._after(message, RuntimeError(f"cancelled from within: {error!r}"))

    async def _after(self, message: AbstractIncomingMessage, error: Exception) -> None:
        attempt = attempt_of(message)
        delay = self._retry.delay(attempt, error)
        if delay is None:
            permanent = isinstance(error, (Permanent, *self._retry.permanent))
            await self._bury(message, "permanent" if permanent else "exhausted", error)
        else:
            log.warning("%s failed, try %d (%r); again in %.1f s", self._queue, attempt, error, delay)
            onward = next_try(message, self._queue, delay=delay, error=error, now=datetime.now(UTC))
            await self._publish(rung(delay), onward)
            self._retries.inc()

    async def _bury(self, message: AbstractIncomingMessage, reason: str, error: Exception) -> None:
        log.error("%s: message %s is dead (%s)", self._queue, message.message_id, reason, exc_info=error)
        letter = dead_letter(message, self._queue, reason=reason, error=error, now=datetime.now(UTC))
        await self._publish("", letter)
        self._dead[reason].inc()

    async def _publish(self, exchange: str, onward: Outgoing) -> None:
        (outcome,) = await publish(self._publishing, exchange, [onward])
        if outcome is not Outcome.CONFIRMED:
            raise Lost(f"{exchange or onward.routing_key} did not take it ({outcome.value})")


class BroadcastDelivery:
    """Deliveries of a broadcast: no inbox and no second try, because the present state can always be read."""

    def __init__(self, subscription: Subscription, application: Application) -> None:
        self._queue = subscription.queue
        self._reader = Reader(subscription)
        self._application = application
        self._turns = asyncio.Semaphore(subscription.concurrency)
        self._consumed = metrics.CONSUMED.labels(self._queue)
        self._dropped = metrics.DROPPED.labels(self._queue)

    async def __call__(self, message: AbstractIncomingMessage) -> None:
        """Handle the message; what fails is logged, counted and gone."""
        try:
            envelope, event = self._reader.read(message)
            async with self._turns:
                with handling(self._queue, envelope):
                    await self._application.apply(event, envelope)
            self._consumed.inc()
        except Exception:
            self._dropped.inc()
            log.exception("%s dropped a broadcast", self._queue)
        await message.ack()
