"""What a service says that it knows, so that `mesh audit` can compare: of a fact, the ids, their versions, and what holds of each.

One service owns a fact, others keep copies of it. An inventory is a query of three columns, whatever they are called:
id (UUID), version (integer; NULL where it says nothing), state (text).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import CompoundSelect, Select
from sqlalchemy.ext.asyncio import AsyncSession

# What was deleted, and is known to have been.
GONE = "gone"
# The state of a copy that remembers which version it heard of, and not what holds.
HEARD = "heard"

Statement = Select[*tuple[object, ...]] | CompoundSelect[*tuple[object, ...]]


class Item(NamedTuple):
    """What is known of one thing."""

    id: UUID
    version: int | None
    state: str


class Read(Protocol):
    """Reads items from somewhere else than the database: those with the ids, or at most so many behind an id, by id."""

    async def __call__(self, after: UUID | None, limit: int, ids: Sequence[UUID] | None) -> Sequence[Item]: ...


@dataclass(frozen=True, slots=True)
class Inventory:
    """What one service knows of a fact. `holds` is None for the owner; `at` is the process that has it, if it is not this one."""

    name: str
    fact: str
    source: Statement | Read
    holds: Mapping[str, str] | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Inventories:
    """A service's inventories by name."""

    by_name: dict[str, Inventory] = field(default_factory=dict)

    def owns(self, fact: str, source: Statement) -> None:
        """Everything that there is of the fact, and, as `GONE`, what there was. An id stands there once."""
        self._add(Inventory(fact, fact, source))

    def copies(
        self, fact: str, source: Statement | Read, *, name: str, holds: Mapping[str, str], at: str | None = None
    ) -> None:
        """What is kept of another's fact. `holds`: which of the owner's states must be found here, and the command that mends it."""
        self._add(Inventory(name, fact, source, holds, at))

    def _add(self, inventory: Inventory) -> None:
        if inventory.name in self.by_name:
            raise TypeError(f"there are two inventories with the name {inventory.name}")
        self.by_name[inventory.name] = inventory


def by_snapshot(consumer: str) -> str:
    """The command that mends a copy which this consumer keeps."""
    return f"mesh republish --to {consumer} --snapshot"


async def read_statement(
    session: AsyncSession, statement: Statement, after: UUID | None, limit: int, ids: Sequence[UUID] | None
) -> list[Item]:
    """A page of an inventory that is a query."""
    known = statement.subquery()
    id_, version, state = known.c
    wanted = known.select().with_only_columns(id_, version, state).order_by(id_)
    if ids is not None:
        wanted = wanted.where(id_.in_(ids))
    elif after is not None:
        wanted = wanted.where(id_ > after).limit(limit)
    else:
        wanted = wanted.limit(limit)
    return [Item(*row) for row in await session.execute(wanted)]
