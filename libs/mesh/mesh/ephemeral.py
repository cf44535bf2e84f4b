"""News that may be lost: sent at once, kept nowhere, and never in the way of what it tells about."""

import asyncio
from datetime import UTC, datetime
from typing import Self
from uuid import uuid4

from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import AMQPError

from mesh import metrics
from mesh.broker import connected
from mesh.envelope import CONTENT_TYPE, Envelope
from mesh.event import EphemeralEvent
from mesh.supervision import keep_running, wait_for_any
from mesh.topology import EXCHANGE
from mesh.tracing import current_context

# What may wait for a slow broker; beyond it news is dropped rather than old.
WAITING = 1000
FLUSH_SECONDS = 1.0


class EphemeralPublisher:
    """Publishes a service's ephemeral events: `async with EphemeralPublisher("chat", amqp_url) as news:`."""

    def __init__(self, service: str, amqp_url: str) -> None:
        self._service = service
        self._amqp_url = amqp_url
        self._waiting: asyncio.Queue[tuple[Message, str]] = asyncio.Queue(WAITING)
        self._stop = asyncio.Event()
        self._connected = False
        self._sent = metrics.EPHEMERAL_SENT.labels(service)
        self._dropped = metrics.EPHEMERAL_DROPS.labels(service)

    async def publish(self, event: EphemeralEvent) -> None:
        """Send it in a moment; dropped and counted when the broker is away or too slow. Never waits and never fails."""
        if not self._connected or self._waiting.full():
            self._dropped.inc()
        else:
            self._waiting.put_nowait(_outgoing(event, self._service))

    async def __aenter__(self) -> Self:
        name = f"ephemeral publisher of {self._service}"
        self._running = asyncio.create_task(keep_running(name, self._session, self._stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.wait({self._running}, timeout=FLUSH_SECONDS)
        self._running.cancel()

    async def _session(self) -> None:
        async with connected(self._amqp_url, f"{self._service} ephemeral") as connection:
            channel = await connection.channel(publisher_confirms=False)
            exchange = await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)
            lost = asyncio.Event()
            channel.close_callbacks.add(lambda *_: lost.set())
            sending = asyncio.create_task(self._send(exchange))
            self._connected = True
            try:
                await wait_for_any(self._stop, lost)
                if not lost.is_set():
                    await self._waiting.join()
            finally:
                self._connected = False
                sending.cancel()
                self._forget()

    async def _send(self, exchange: AbstractExchange) -> None:
        while True:
            message, routing_key = await self._waiting.get()
            try:
                await exchange.publish(message, routing_key, mandatory=False)
                self._sent.inc()
            except (AMQPError, OSError, RuntimeError):
                self._dropped.inc()
            finally:
                self._waiting.task_done()

    def _forget(self) -> None:
        # Old progress is no news: what waited for a lost broker is dropped.
        while not self._waiting.empty():
            self._waiting.get_nowait()
            self._waiting.task_done()
            self._dropped.inc()


def _outgoing(event: EphemeralEvent, service: str) -> tuple[Message, str]:
    trace = current_context()
    envelope = Envelope(
        id=uuid4(),
        source=service,
        type=event.routing_key,
        subject=event.aggregate_id,
        time=datetime.now(UTC),
        dataschema=event.dataschema,
        aggregate_version=event.version,
        traceparent=trace.get("traceparent"),
        tracestate=trace.get("tracestate"),
    )
    message = Message(
        event.model_dump_json().encode(),
        headers=envelope.headers(),
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.NOT_PERSISTENT,
        message_id=str(envelope.id),
    )
    return message, event.routing_key
