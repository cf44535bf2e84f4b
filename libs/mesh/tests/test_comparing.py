"""Two inventories held against each other: what differs for good is told from what is on its way."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh.commands import comparing
from mesh.commands.comparing import Comparison, Pair, Shelf, differs, side_by_side, stays
from mesh.inventories import GONE, HEARD, Item

HOLDS = {"ready": "mend it", GONE: "mend it"}
ID = UUID(int=1)


def item(state: str, version: int | None = 1) -> Item:
    return Item(ID, version, state)


@pytest.mark.parametrize(
    ("owner", "copy"),
    [
        (item("ready"), None),
        (item("ready", 2), item("ready", 1)),
        (item("ready", 1), item("ready", 2)),
        (item("ready"), item(GONE)),
        (item(GONE, None), None),
        (item(GONE, None), item("ready")),
        (item("ready", 2), item(HEARD, 1)),
        (None, item("ready")),
    ],
    ids=["lost", "behind", "ahead", "deleted", "never heard of its end", "still there", "old news", "made up"],
)
def test_copy_that_is_not_what_its_owner_says_differs(owner: Item | None, copy: Item | None) -> None:
    assert differs(owner, copy, HOLDS)


@pytest.mark.parametrize(
    ("owner", "copy"),
    [
        (item("ready", 2), item("ready", 2)),
        (item("ready", 2), item("ready", None)),
        (item(GONE, None), item(GONE, 2**31 - 1)),
        (item("ready", 2), item(HEARD, 2)),
        (item("processing"), None),
        (item("processing", 2), item("ready", 1)),
        (None, item(GONE)),
        (None, item(HEARD)),
    ],
    ids=["same", "without version", "gone", "heard of", "not its matter yet", "not any more", "forgotten", "another's"],
)
def test_copy_that_holds_what_it_is_to_hold_does_not(owner: Item | None, copy: Item | None) -> None:
    assert not differs(owner, copy, HOLDS)


@pytest.mark.parametrize(
    ("before", "now", "drifts"),
    [
        ((item("ready"), None), (item("ready"), None), True),
        ((item("ready"), None), (item("ready"), item("ready")), False),
        ((item("ready", 2), item("ready", 1)), (item("ready", 9), item("ready", 1)), True),
        ((item("ready", 2), item("ready", 1)), (item("ready", 9), item("ready", 8)), False),
        ((item("ready", 2), item("ready", 1)), (item("ready", 2), item("ready", 1)), True),
        ((item("ready"), None), (None, None), False),
    ],
    ids=["lost", "arrived", "owner goes on, copy does not", "both go on", "nothing moves", "deleted meanwhile"],
)
def test_what_is_on_its_way_is_no_drift(before: Pair, now: Pair, drifts: bool) -> None:
    assert stays(before, now, HOLDS) is drifts


async def stream(ids: set[int]) -> AsyncIterator[Item]:
    for id_ in sorted(ids):
        yield Item(UUID(int=id_), 1, "ready")


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
async def test_every_id_of_either_side_comes_once_beside_its_like(left: set[int], right: set[int]) -> None:
    pairs = [pair async for pair in side_by_side(stream(left), stream(right))]
    assert [(pair[0] and pair[0].id.int, pair[1] and pair[1].id.int) for pair in pairs] == [
        (id_ if id_ in left else None, id_ if id_ in right else None) for id_ in sorted(left | right)
    ]


class Shown(Shelf):
    """An inventory that is here."""

    def __init__(self, *ids: int) -> None:
        self.ids = set(ids)
        self.holds = HOLDS
        self.seen = 0

    def __str__(self) -> str:
        return "a shelf"

    def everything(self) -> AsyncIterator[Item]:
        return stream(self.ids)

    async def these(self, ids: Sequence[UUID]) -> dict[UUID, Item]:
        return {id_: Item(id_, 1, "ready") for id_ in ids if id_.int in self.ids}


async def test_what_was_too_much_to_keep_is_read_again_before_all_is_said_to_agree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(comparing, "MOST", 2)
    copy = Shown()
    comparison = Comparison("document", Shown(1, 2, 3, 4, 5), copy)
    await comparison.look()
    assert [finding.which for finding in comparison.findings] == [str(UUID(int=1)), str(UUID(int=2)), "…"]
    copy.ids |= {1, 2}
    await comparison.look()
    assert [finding.which for finding in comparison.findings] == [str(UUID(int=3)), str(UUID(int=4)), "…"]
    copy.ids |= {3, 4, 5}
    await comparison.look()
    assert not comparison.findings
