"""History said again, to one consumer alone: what was sent, or what holds now. A page at a time, and any page again without harm."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator
from sqlalchemy import text

from mesh.broker import confirming, connected
from mesh.database import Database
from mesh.errors import MeshError
from mesh.publishing import Outcome, Outgoing, publish
from mesh.snapshots import Snapshots
from mesh.wire import message_of, message_of_row

PAGE = 500
_SENT = text("""
    SELECT position, event_id, source, type, subject, created_at, dataschema, aggregate_version, data, traceparent, tracestate
    FROM outbox
    WHERE sent_at IS NOT NULL AND position > :after AND type = ANY(CAST(:types AS text[]))
      AND created_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
      AND subject = coalesce(CAST(:aggregate AS text), subject)
    ORDER BY position LIMIT :limit
""")


class NotRepublished(MeshError):
    """The broker did not take all of a page. What it took will be taken for a repetition when the page is said again."""


class NoSnapshot(MeshError):
    """Nothing of what is wished for can be said as it is now."""


class Wish(BaseModel):
    """Which events are to be said again: of these types, to this queue, since a time, of an aggregate, or as they are now."""

    to: str = Field(min_length=1, max_length=255)
    types: frozenset[str]
    since: AwareDatetime | None = None
    aggregate: str | None = None
    snapshot: bool = False
    after: str | None = Field(None, pattern=r"^\d{1,18}(:[0-9a-f-]{36})?$", description="Where the page before ended")
    dry_run: bool = False

    @model_validator(mode="after")
    def say_one_thing(self) -> Self:
        if self.snapshot == (self.since is not None or self.aggregate is not None):
            raise ValueError("give snapshot, or since and aggregate or one of them")
        return self


class Republished(BaseModel):
    """How many events of each type a page had, and where the next begins; None at the end."""

    events: dict[str, int]
    next: str | None


@dataclass(frozen=True, slots=True)
class _Page:
    messages: Sequence[Outgoing]
    types: Sequence[str]
    next: str | None


class Republishing:
    """Says a service's history again, from its own rows."""

    def __init__(self, service: str, *, database: Database, amqp_url: str, snapshots: Snapshots) -> None:
        self._service = service
        self._database = database
        self._amqp_url = amqp_url
        self._snapshots = snapshots

    async def page(self, wish: Wish, limit: int = PAGE) -> Republished:
        """Say one page; it is confirmed when this returns. Raises `NotRepublished` and `NoSnapshot`."""
        page = await (self._present(wish, limit) if wish.snapshot else self._sent(wish, limit))
        if page.messages and not wish.dry_run:
            await self._publish(wish.to, page.messages)
        return Republished(events=dict(Counter(page.types)), next=page.next)

    async def _sent(self, wish: Wish, limit: int) -> _Page:
        chosen = {"types": list(wish.types), "since": wish.since, "aggregate": wish.aggregate}
        async with self._database.transaction() as session:
            connection = await session.connection()
            found = await connection.execute(_SENT, chosen | {"after": int(wish.after or 0), "limit": limit})
            rows = found.mappings().all()
        messages = [message_of_row(dict(row), routing_key=wish.to) for row in rows]
        end = str(rows[-1]["position"]) if len(rows) == limit else None
        return _Page(messages, [row["type"] for row in rows], end)

    async def _present(self, wish: Wish, limit: int) -> _Page:
        """`after` is the number of the snapshot and the last aggregate of it."""
        number, _, last = (wish.after or "0").partition(":")
        saying = self._snapshots.saying(wish.types)
        if not saying:
            raise NoSnapshot(f"{self._service} has no snapshot of {', '.join(sorted(wish.types))}; use --since")
        snapshots = saying[int(number) :]
        if not snapshots:
            return _Page([], [], None)
        async with self._database.transaction() as session:
            events = await snapshots[0].read(session, UUID(last) if last else None, limit)
        wanted = [event for event in events if event.routing_key in wish.types]
        messages = [message_of(event, self._service, routing_key=wish.to) for event in wanted]
        following = str(int(number) + 1) if len(snapshots) > 1 else None
        end = f"{number}:{events[-1].aggregate_id}" if len(events) >= limit else following
        return _Page(messages, [event.routing_key for event in wanted], end)

    async def _publish(self, queue: str, messages: Sequence[Outgoing]) -> None:
        async with connected(self._amqp_url, f"{self._service} republishing") as connection:
            outcomes = await publish(await confirming(connection), "", messages)
        if Outcome.RETURNED in outcomes:
            raise NotRepublished(f"There is no queue {queue}. Start its consumer once, which declares it.")
        if Outcome.FAILED in outcomes:
            raise NotRepublished("The broker did not confirm all of it. Run the command again.")
