"""An owner's inventory and a copy of it, read side by side in the order of ids, so that neither is ever held whole.

What differs at the first look may only be on its way. It is looked at again, by id, until it agrees, or until both sides have
moved since: then news flows. What is left at the end is drift: the copy has not heard what its owner said before the first look.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

from mesh.auditing import PAGE, DescribedInventory, Look
from mesh.commands.findings import Finding
from mesh.commands.services import Services
from mesh.inventories import GONE, HEARD, Item

# What is doubtful is kept in memory. Where more is, the rest is told by a number, and read again once these agree.
MOST = 10_000
Pair = tuple[Item | None, Item | None]


def differs(owner: Item | None, copy: Item | None, holds: Mapping[str, str]) -> bool:
    """Whether the copy is not what the owner's state asks for."""
    if owner is None:
        return copy is not None and copy.state not in (GONE, HEARD)
    if owner.state not in holds:
        return False
    if copy is None or copy.state not in (owner.state, HEARD):
        return True
    return None not in (owner.version, copy.version) and owner.version != copy.version


def stays(before: Pair, now: Pair, holds: Mapping[str, str]) -> bool:
    """Whether what differed still does, with one side still where it was."""
    return differs(*now, holds) and (now[0] == before[0] or now[1] == before[1])


class Shelf:
    """One inventory of one service, asked from afar."""

    def __init__(self, services: Services, service: str, inventory: DescribedInventory) -> None:
        self._services = services
        self._service = service
        self._inventory = inventory
        self.holds = inventory.holds or {}
        self.seen = 0

    def __str__(self) -> str:
        is_owner = self._inventory.holds is None
        return self._service if is_owner else f"{self._service} ({self._inventory.name})"

    async def everything(self) -> AsyncIterator[Item]:
        """All items, by id."""
        after: UUID | None = None
        self.seen = 0
        while True:
            page = await self._page(Look(name=self._inventory.name, after=after))
            for item in page:
                self.seen += 1
                yield item
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def these(self, ids: Sequence[UUID]) -> dict[UUID, Item]:
        """The items with the ids, as far as they are there."""
        return {item.id: item for item in await self._page(Look(name=self._inventory.name, ids=list(ids)))}

    async def _page(self, look: Look) -> list[Item]:
        asked = look.model_dump(mode="json")
        rows = await self._services.post(self._service, "/inventory", asked, at=self._inventory.at)
        return [Item(UUID(id_), version, state) for id_, version, state in rows]


class Comparison:
    """A `Check` of one copy against its owner."""

    def __init__(self, fact: str, owner: Shelf, copy: Shelf) -> None:
        self._fact = fact
        self._owner = owner
        self._copy = copy
        self._doubtful: dict[UUID, Pair] = {}
        self._first = True
        self._uncounted = 0

    async def look(self) -> None:
        if self._first:
            self._first = False
            await self._read_all()
            return
        kept: dict[UUID, Pair] = {}
        for ids in _batches(list(self._doubtful)):
            owners, copies = await self._owner.these(ids), await self._copy.these(ids)
            for id_ in ids:
                if stays(self._doubtful[id_], (owners.get(id_), copies.get(id_)), self._copy.holds):
                    kept[id_] = self._doubtful[id_]
        self._doubtful = kept
        if not kept and self._uncounted:
            await self._read_all()

    @property
    def findings(self) -> Sequence[Finding]:
        found = [self._told(id_, *pair) for id_, pair in self._doubtful.items()]
        if self._uncounted:
            more = f"{self._uncounted} more when all was read"
            found.append(Finding(self._fact, "…", more, f"{self._copy} differs", "mend what is named, and look again"))
        return found

    @property
    def seen(self) -> str:
        return f"{self._fact}: {self._owner.seen} of {self._owner}, {self._copy.seen} of {self._copy}"

    async def _read_all(self) -> None:
        self._uncounted = 0
        async for owner, copy in side_by_side(self._owner.everything(), self._copy.everything()):
            if not differs(owner, copy, self._copy.holds):
                continue
            if len(self._doubtful) < MOST:
                self._doubtful[_id(owner, copy)] = (owner, copy)
            else:
                self._uncounted += 1

    def _told(self, id_: UUID, owner: Item | None, copy: Item | None) -> Finding:
        mend = self._copy.holds.get(owner.state, "") if owner else ""
        if owner is None or (copy and None not in (owner.version, copy.version) and copy.version > owner.version):  # type: ignore[operator]  # not None
            mend = "none: the owner has lost what it once said; was its database set back?"
        return Finding(self._fact, str(id_), f"{self._owner}: {_shown(owner)}", f"{self._copy}: {_shown(copy)}", mend)


async def side_by_side(left: AsyncIterator[Item], right: AsyncIterator[Item]) -> AsyncIterator[Pair]:
    """Both in the order of ids; of an id that only one has, the other is None."""
    mine, yours = await anext(left, None), await anext(right, None)
    while mine is not None or yours is not None:
        if yours is None or (mine is not None and mine.id < yours.id):
            yield mine, None
            mine = await anext(left, None)
        elif mine is None or yours.id < mine.id:
            yield None, yours
            yours = await anext(right, None)
        else:
            yield mine, yours
            mine, yours = await anext(left, None), await anext(right, None)


def _id(owner: Item | None, copy: Item | None) -> UUID:
    known = owner or copy
    assert known is not None
    return known.id


def _shown(item: Item | None) -> str:
    if item is None:
        return "nothing"
    return item.state if item.version is None else f"{item.state}, version {item.version}"


def _batches(ids: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [ids[start : start + PAGE] for start in range(0, len(ids), PAGE)]
