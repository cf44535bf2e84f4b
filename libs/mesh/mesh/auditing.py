"""A service's answers to `mesh audit`: its inventories page by page, what waits in its outbox, what it sent, what it took."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import text

from mesh.backlog import MEASURE
from mesh.database import Database
from mesh.errors import MeshError
from mesh.inventories import Inventories, Item, read_statement
from mesh.subscriptions import Kind, Subscriptions

PAGE = 2000
# A row of the outbox has an index by position only.
_SENT = text("""
    SELECT position, event_id, type FROM outbox
    WHERE sent_at IS NOT NULL AND position > :after AND type = ANY(CAST(:types AS text[]))
      AND created_at >= now() - CAST(:since AS interval)
    ORDER BY position LIMIT :limit
""")
_MISSING = text("""
    SELECT id FROM unnest(CAST(:ids AS uuid[])) AS id
    WHERE NOT EXISTS (SELECT FROM inbox WHERE consumer = :consumer AND event_id = id)
""")


class NoSuchInventory(MeshError):
    """The service has no inventory of this name."""


class DescribedInventory(BaseModel):
    """An inventory without what is in it. `holds` is None for the owner of the fact; `at` is where to ask, if not here."""

    name: str
    fact: str
    holds: dict[str, str] | None
    at: str | None


class Described(BaseModel):
    """What a service can be asked: its inventories, and which events each consumer with an inbox takes."""

    inventories: list[DescribedInventory]
    consumers: dict[str, list[str]]


class Look(BaseModel):
    """Items of an inventory: those with the ids, or the page behind an id."""

    name: str
    after: UUID | None = None
    ids: list[UUID] | None = Field(None, max_length=PAGE)


class Backlog(BaseModel):
    """Events that wait in the outbox, and the age of the oldest in seconds."""

    unsent: int
    oldest_seconds: float


class SentWish(BaseModel):
    """Events of these types that were written at most so long ago and are sent; `after` is a position."""

    types: list[str]
    since: timedelta
    after: int = Field(0, ge=0)


class SentEvent(BaseModel):
    position: int
    id: UUID
    type: str


class Arrivals(BaseModel):
    """Whether a consumer has taken these events."""

    consumer: str
    ids: list[UUID] = Field(max_length=PAGE)


class Auditing:
    """Reads only. A page is a transaction of its own, so an audit that is slow holds nothing."""

    def __init__(self, database: Database, inventories: Inventories, bus: Subscriptions | None) -> None:
        self._database = database
        self._inventories = inventories.by_name
        self._bus = bus

    def described(self) -> Described:
        """What there is to be asked."""
        durable = [one for one in (self._bus.describe() if self._bus else ()) if one.kind is Kind.DURABLE and one.inbox]
        return Described(
            inventories=[
                DescribedInventory(
                    name=one.name, fact=one.fact, holds=None if one.holds is None else dict(one.holds), at=one.at
                )
                for one in self._inventories.values()
            ],
            consumers={one.queue: [event.routing_key for event in one.events] for one in durable},
        )

    async def look(self, look: Look) -> Sequence[Item]:
        """A page, or the items with the ids, by id. Fewer than `PAGE` is the end. Raises `NoSuchInventory`."""
        if (inventory := self._inventories.get(look.name)) is None:
            raise NoSuchInventory(f"There is no inventory {look.name}. There is: {', '.join(self._inventories)}")
        source = inventory.source
        if callable(source):
            return await source(look.after, PAGE, look.ids)
        async with self._database.transaction() as session:
            return await read_statement(session, source, look.after, PAGE, look.ids)

    async def backlog(self) -> Backlog:
        """What waits to be sent."""
        async with self._database.transaction() as session:
            row = (await (await session.connection()).execute(MEASURE)).one()
        return Backlog(unsent=row.depth, oldest_seconds=row.age)

    async def sent(self, wish: SentWish) -> Sequence[SentEvent]:
        """A page of what was sent, in the order in which it was written. Fewer than `PAGE` is the end."""
        chosen = {"types": wish.types, "since": wish.since, "after": wish.after, "limit": PAGE}
        async with self._database.transaction() as session:
            rows = (await (await session.connection()).execute(_SENT, chosen)).all()
        return [SentEvent(position=row.position, id=row.event_id, type=row.type) for row in rows]

    async def missing(self, arrivals: Arrivals) -> Sequence[UUID]:
        """Those that the consumer's inbox does not know."""
        asked = {"consumer": arrivals.consumer, "ids": arrivals.ids}
        async with self._database.transaction() as session:
            return (await (await session.connection()).execute(_MISSING, asked)).scalars().all()
