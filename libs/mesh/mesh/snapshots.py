"""What a service can say of its aggregates as they are now, for a consumer that was not there when it happened.

A snapshot is a page of present-state events: of each aggregate the one that says what holds now, with its version, so that
it converges with what is said live. What was deleted is said too, where the service still knows of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from mesh.event import Event

Read = Callable[[AsyncSession, UUID | None, int], Awaitable[Sequence[Event]]]
R = TypeVar("R", bound=Read)

# No aggregate is changed after its end, so the last version that there can be is that of a deletion.
LAST_VERSION = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A function that reads aggregates of one kind, and the events that it may say of them."""

    read: Read
    events: frozenset[str]


class Snapshots:
    """A service's snapshots, in the order in which they were written."""

    def __init__(self) -> None:
        self._snapshots: list[Snapshot] = []

    def of(self, *events: type[Event]) -> Callable[[R], R]:
        """Register a function that gives the events of at most so many aggregates, by id, behind the id it is given.

        Fewer than asked for is the end. One event for each aggregate.
        """

        def register(read: R) -> R:
            self._snapshots.append(Snapshot(read, frozenset(event.routing_key for event in events)))
            return read

        return register

    def saying(self, types: frozenset[str]) -> list[Snapshot]:
        """Those that say something of these types."""
        return [snapshot for snapshot in self._snapshots if snapshot.events & types]
