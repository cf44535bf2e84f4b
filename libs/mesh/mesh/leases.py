"""Which relay sends which rows of the outbox: leased in batches, settled by whoever still holds the lease."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg

# A statement that takes longer has lost its database.
_SECONDS = 10.0

# A batch of the largest events that there can be would not fit into a container's memory: so it ends with the event
# that makes it as large as this.
LARGEST_BATCH = 4 * 1024 * 1024

_CLAIM = """
    WITH oldest AS (
        SELECT position, octet_length(data) AS size FROM outbox
        WHERE sent_at IS NULL AND (leased_until IS NULL OR leased_until < now())
        ORDER BY position LIMIT $3 FOR UPDATE SKIP LOCKED),
    summed AS (SELECT position, sum(size) OVER (ORDER BY position) - size AS before FROM oldest)
    UPDATE outbox SET lease = $1, leased_until = now() + $2
    WHERE position = ANY(ARRAY(SELECT position FROM summed WHERE before < $4))
    RETURNING position, event_id, source, type, subject, created_at, dataschema, aggregate_version, data,
              traceparent, tracestate
"""
_SETTLE = """
    UPDATE outbox SET sent_at = now(), lease = NULL, leased_until = NULL
    WHERE position = ANY($2::bigint[]) AND lease = $1
"""
_RELEASE = """
    UPDATE outbox SET lease = NULL, leased_until = NULL WHERE position = ANY($2::bigint[]) AND lease = $1
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that one relay may publish until its lease runs out, oldest first."""

    lease: UUID
    rows: Sequence[asyncpg.Record]


class Leases:
    """Leases on the outbox, at most `batch` rows each, over one connection that answers one question at a time."""

    def __init__(self, connection: asyncpg.Connection, *, batch: int, lease: timedelta) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()
        self._batch = batch
        self._length = lease

    async def claim(self) -> Batch:
        """The oldest unsent rows that nobody holds; none when there is nothing to send."""
        lease = uuid4()
        async with self._turn:
            rows = await self._connection.fetch(
                _CLAIM, lease, self._length, self._batch, LARGEST_BATCH, timeout=_SECONDS
            )
        return Batch(lease, sorted(rows, key=lambda row: row["position"]))

    async def settle(self, batch: Batch, positions: Sequence[int]) -> int:
        """Mark as sent what this lease still holds; how many rows that were."""
        async with self._turn:
            status = await self._connection.execute(_SETTLE, batch.lease, positions, timeout=_SECONDS)
        return int(status.removeprefix("UPDATE "))

    async def release(self, batch: Batch, positions: Sequence[int]) -> None:
        """Give back what was not sent, so that nobody waits for the lease to run out."""
        async with self._turn:
            await self._connection.execute(_RELEASE, batch.lease, positions, timeout=_SECONDS)
