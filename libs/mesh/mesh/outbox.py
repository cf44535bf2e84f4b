"""Events leave in the transaction of what they tell about: a row first, the broker later."""

from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from mesh.errors import EventTooLarge
from mesh.event import Event
from mesh.tracing import current_context

# RabbitMQ 4 refuses more than 16 MiB; a message that large harms a broker long before.
LARGEST_BODY = 1024 * 1024
# Headers share one frame of 128 KiB, and a frame that is larger ends the connection of whoever sends it.
LONGEST_SUBJECT = 255

# One statement, so that an event costs its transaction one round trip. The search path names the service's schema.
_ADD = text("""
    WITH added AS (
        INSERT INTO outbox (event_id, type, dataschema, subject, aggregate_version, data, source, traceparent, tracestate)
        SELECT event_id, type, dataschema, subject, aggregate_version, data, :source, :traceparent, :tracestate
        FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:dataschemas AS text[]), CAST(:subjects AS text[]),
                    CAST(:versions AS integer[]), CAST(:data AS text[]))
             WITH ORDINALITY AS event(event_id, type, dataschema, subject, aggregate_version, data, place)
        ORDER BY place)
    SELECT pg_notify('outbox.' || current_schema(), '')
""")


class Outbox:
    """The outbox of the service `source`, in the transaction of `session`."""

    def __init__(self, session: AsyncSession, source: str) -> None:
        self._session = session
        self._source = source

    async def add(self, *events: Event) -> None:
        """Say that these events happened, if the transaction commits. Raises `EventTooLarge` for what the bus cannot carry."""
        if not events:
            return
        trace = current_context()
        connection = await self._session.connection()
        await connection.execute(
            _ADD,
            {
                "source": self._source,
                "ids": [uuid4() for _ in events],
                "types": [event.routing_key for event in events],
                "dataschemas": [event.dataschema for event in events],
                "subjects": [event.aggregate_id for event in events],
                "versions": [event.version for event in events],
                "data": [_data(event) for event in events],
                "traceparent": trace.get("traceparent"),
                "tracestate": trace.get("tracestate"),
            },
        )


def _data(event: Event) -> str:
    if event.ephemeral:
        raise TypeError(f"{type(event).__name__} is ephemeral: publish it with EphemeralPublisher")
    if len(event.aggregate_id) > LONGEST_SUBJECT:
        raise EventTooLarge(f"{event.routing_key}: the id of its aggregate is longer than {LONGEST_SUBJECT} characters")
    data = event.model_dump_json()
    if len(data.encode()) > LARGEST_BODY:
        raise EventTooLarge(f"{event.routing_key} of {event.aggregate_id} is larger than {LARGEST_BODY} bytes")
    return data
