"""Events as the messages that carry them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg

from mesh.envelope import Envelope
from mesh.event import Event
from mesh.publishing import Outgoing


def message_of_row(row: Mapping[str, Any] | asyncpg.Record, *, routing_key: str | None = None) -> Outgoing:
    """What a row of the outbox says, for whoever takes its type, or for one queue alone."""
    envelope = Envelope(
        id=row["event_id"],
        source=row["source"],
        type=row["type"],
        subject=row["subject"],
        time=row["created_at"],
        dataschema=row["dataschema"],
        aggregate_version=row["aggregate_version"],
        traceparent=row["traceparent"],
        tracestate=row["tracestate"],
    )
    return Outgoing(routing_key or row["type"], str(row["event_id"]), envelope.headers(), row["data"].encode())


def message_of(event: Event, source: str, *, routing_key: str) -> Outgoing:
    """An event that is said now, for one queue."""
    envelope = Envelope(
        id=uuid4(),
        source=source,
        type=event.routing_key,
        subject=event.aggregate_id,
        time=datetime.now(UTC),
        dataschema=event.dataschema,
        aggregate_version=event.version,
    )
    return Outgoing(routing_key, str(envelope.id), envelope.headers(), event.model_dump_json().encode())
