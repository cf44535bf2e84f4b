"""CloudEvents 1.0 in binary mode: the attributes of an event as AMQP headers, its data as the body."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mesh.errors import Unreadable

PREFIX = "cloudEvents:"
CONTENT_TYPE = "application/json"
# Ours, not the broker's: x-death and delivery counts differ between RabbitMQ 3.10 and 4.x.
ATTEMPT = "mesh-attempt"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of an event beside its data. `type` carries the schema version, `attempt` counts from 1."""

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    dataschema: str
    aggregate_version: int
    traceparent: str | None = None
    tracestate: str | None = None
    attempt: int = 1

    def headers(self) -> dict[str, Any]:
        """The AMQP headers that say this."""
        headers: dict[str, Any] = {
            "cloudEvents:specversion": "1.0",
            "cloudEvents:id": str(self.id),
            "cloudEvents:source": self.source,
            "cloudEvents:type": self.type,
            "cloudEvents:subject": self.subject,
            "cloudEvents:time": self.time.astimezone(UTC).isoformat(),
            "cloudEvents:dataschema": self.dataschema,
            "cloudEvents:aggregateversion": self.aggregate_version,
        }
        if self.traceparent:
            headers["cloudEvents:traceparent"] = self.traceparent
        if self.tracestate:
            headers["cloudEvents:tracestate"] = self.tracestate
        if self.attempt > 1:
            headers[ATTEMPT] = self.attempt
        return headers

    @classmethod
    def parse(cls, headers: Mapping[str, Any]) -> "Envelope":
        """Read what `headers()` wrote. Raises `Unreadable` with the reason when it is no event of ours."""
        if headers.get("cloudEvents:specversion") != "1.0":
            raise Unreadable("no CloudEvents 1.0 headers")
        try:
            return cls(
                id=UUID(headers["cloudEvents:id"]),
                source=_text(headers, "source"),
                type=_text(headers, "type"),
                subject=_text(headers, "subject"),
                time=_aware(headers["cloudEvents:time"]),
                dataschema=_text(headers, "dataschema"),
                aggregate_version=int(headers["cloudEvents:aggregateversion"]),
                traceparent=headers.get("cloudEvents:traceparent"),
                tracestate=headers.get("cloudEvents:tracestate"),
                attempt=max(1, int(headers.get(ATTEMPT, 1))),
            )
        except KeyError as missing:
            raise Unreadable(f"header {missing} is missing") from missing
        except (ValueError, TypeError, AttributeError) as wrong:
            raise Unreadable(f"headers cannot be read: {wrong}") from wrong


def _text(headers: Mapping[str, Any], name: str) -> str:
    value = headers[PREFIX + name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is no text: {value!r}")
    return value


def _aware(value: str) -> datetime:
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError(f"time has no zone: {value}")
    return time
