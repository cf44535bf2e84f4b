"""Events delivered in any order, again and again, late and several at once, as the bus may, to a service's real handlers."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple
from uuid import UUID, uuid4

from chassis.database import Database
from hypothesis import strategies as st
from mesh import Envelope, Event, Subscription, Subscriptions
from mesh.application import Application
from mesh.injection import Provide
from mesh.retry import causes
from sqlalchemy import MetaData, select

MOST_ATTEMPTS = 50


class Left(NamedTuple):
    """What is left of users who are gone."""

    gone: frozenset[UUID]
    exports: frozenset[tuple[UUID, UUID]]
    holding: tuple[str, ...]


class Copy(ABC):
    """What a service keeps of what it hears: some of its handlers, histories for them, and the state that must be the same.

    What may differ between two right copies (ids and numbers that are drawn, versions of tombstones) is no part of the state.
    """

    service: ClassVar[str]
    bus: ClassVar[Subscriptions]
    handlers: ClassVar[frozenset[str]]
    """The names of the handlers that take part."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @staticmethod
    @abstractmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        """What may happen, in the order in which it does."""

    @abstractmethod
    def provide(self) -> Provide:
        """What the composition root gives to the handlers."""

    @abstractmethod
    async def state(self) -> object:
        """What is kept now."""

    async def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Make what must be there before anything is heard."""

    async def left_of_users(self, metadata: MetaData) -> Left:
        """Who is gone, the exports that are ready, and the names of tables that still hold something of somebody who is gone."""
        async with self.database.transaction() as session:
            gone = set((await session.execute(select(metadata.tables["erased_user"].c.user_id))).scalars())
            exports = metadata.tables["data_export"].c
            ready = {(row[0], row[1]) for row in await session.execute(select(exports.export_id, exports.user_id))}
            named = [table for table in metadata.sorted_tables if "user_id" in table.c and table.name != "erased_user"]
            holding = [
                table.name
                for table in named
                if (await session.execute(select(table.c.user_id).where(table.c.user_id.in_(gone)))).first()
            ]
        return Left(frozenset(gone), frozenset(ready), tuple(holding))

    def subscriptions(self) -> list[Subscription]:
        """Those that take part."""
        return [one for one in self.bus.describe() if one.name in self.handlers]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to one handler."""

    subscription: Subscription
    event: Event
    event_id: UUID
    attempt: int = 1

    def envelope(self) -> Envelope:
        return Envelope(
            id=self.event_id,
            source=self.event.event_type.partition(".")[0],
            type=self.event.routing_key,
            subject=self.event.aggregate_id,
            time=datetime.now(UTC),
            dataschema=self.event.dataschema,
            aggregate_version=self.event.version,
            attempt=self.attempt,
        )


def deliveries(copy: Copy, history: Iterable[Event]) -> list[Delivery]:
    """Each event once to each handler that takes it, in the order in which it happened."""
    identified = [(event, uuid4()) for event in history]
    return [
        Delivery(subscription, event, event_id)
        for event, event_id in identified
        for subscription in copy.subscriptions()
        if type(event) in subscription.events
    ]


def disturbed(ordered: Sequence[Delivery], chance: random.Random) -> list[list[Delivery]]:
    """The same out of order, some of it repeated with its id (delivered twice) or with another (said again in a snapshot), in
    groups that arrive at once."""
    again = [chance.choice(ordered) for _ in range(chance.randint(0, len(ordered)))] if ordered else []
    repeated = [one if chance.random() < 0.5 else replace(one, event_id=uuid4()) for one in again]
    mixed = [*ordered, *repeated]
    chance.shuffle(mixed)
    groups = []
    while mixed:
        size = chance.randint(1, 4)
        groups.append(mixed[:size])
        mixed = mixed[size:]
    return groups


async def deliver(copy: Copy, groups: Iterable[Sequence[Delivery]]) -> None:
    """Bring it all to its handlers. What fails in a way that the handler's policy repeats, comes again after everything else."""
    room = asyncio.Semaphore(8)
    applications = {one: Application(one, copy.provide(), copy.database, room) for one in copy.subscriptions()}
    pending = list(groups)
    while pending:
        group = pending.pop(0)
        tries = (applications[one.subscription].apply(one.event, one.envelope()) for one in group)
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        if late := [one for one, failure in zip(group, outcomes, strict=True) if _comes_again(one, failure)]:
            pending.append([replace(one, attempt=one.attempt + 1) for one in late])


def _comes_again(delivery: Delivery, outcome: BaseException | None) -> bool:
    if outcome is None:
        return False
    retry = delivery.subscription.retry
    # A lost race is no fault of the handler; it may lose more of them here than in the calm of a real queue.
    lost_a_race = any(str(getattr(cause, "sqlstate", "")).startswith("40") for cause in causes(outcome))
    if not isinstance(outcome, Exception) or delivery.attempt >= MOST_ATTEMPTS:
        raise outcome
    if not lost_a_race and retry.delay(delivery.attempt, outcome) is None:
        raise outcome
    return True
