"""Events as messages, for tests that stand where a relay would."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aio_pika import DeliveryMode, Message
from mesh import Envelope, Event


def message_of(event: Event, event_id: UUID | None = None, headers: dict[str, Any] | None = None) -> Message:
    """What a relay would send for the event, with headers changed as the test wants them."""
    envelope = Envelope(
        id=event_id or uuid4(),
        source="tests",
        type=event.routing_key,
        subject=event.aggregate_id,
        time=datetime.now(UTC),
        dataschema=event.dataschema,
        aggregate_version=event.version,
    )
    return Message(
        event.model_dump_json().encode(),
        headers=envelope.headers() | (headers or {}),
        message_id=str(envelope.id),
        content_type="application/json",
        delivery_mode=DeliveryMode.PERSISTENT,
    )
