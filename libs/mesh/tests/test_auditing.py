"""What a service answers to `mesh audit`: inventories by pages, what waits, what was sent, what a consumer lacks."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from devstack.waiting import until
from mesh import Event, Relay, Subscriptions, Topology
from mesh.auditing import PAGE, Arrivals, Auditing, Look, NoSuchInventory, SentWish
from mesh.inventories import Inventories, Item
from sqlalchemy import column, literal, select, text, union_all

from .home import Home
from .roles import running

HOUR = timedelta(hours=1)
MANY = PAGE + 5


class LampLit(Event, type="tests.lamp.lit", version=1, aggregate="lamp"):
    lamp: str


bus = Subscriptions("tests")


@bus.on(LampLit)
async def see(event: LampLit) -> None:
    """Nobody looks here: what counts is who is said to."""


@bus.on(LampLit, inbox=False)
async def glance(event: LampLit) -> None:
    """Keeps no inbox, so that nobody can say what it took."""


@pytest.fixture
def auditing(home: Home) -> Auditing:
    inventories = Inventories()
    numbered = text("SELECT lpad(to_hex(n), 32, '0')::uuid AS id, n AS version FROM generate_series(2, :many) n")
    many = numbered.bindparams(many=MANY).columns(column("id"), column("version")).subquery()
    one = select(literal(UUID(int=1)), literal(1), literal("gone"))
    inventories.owns("lamp", union_all(one, select(many.c.id, many.c.version, literal("lit"))))
    inventories.copies("candle", read_elsewhere, name="shelf", holds={"lit": "light it"}, at="http://elsewhere")
    return Auditing(home, inventories, bus)


async def read_elsewhere(after: UUID | None, limit: int, ids: Sequence[UUID] | None) -> Sequence[Item]:
    return [Item(UUID(int=7), None, "lit")]


def test_it_says_what_there_is_to_be_asked(auditing: Auditing) -> None:
    described = auditing.described()
    assert [(one.name, one.fact, one.holds, one.at) for one in described.inventories] == [
        ("lamp", "lamp", None, None),
        ("shelf", "candle", {"lit": "light it"}, "http://elsewhere"),
    ]
    assert described.consumers == {"tests.see": [LampLit.routing_key]}


async def test_inventory_is_read_by_pages_in_the_order_of_ids(auditing: Auditing) -> None:
    first = await auditing.look(Look(name="lamp"))
    rest = await auditing.look(Look(name="lamp", after=first[-1].id))
    assert first[:2] == [Item(UUID(int=1), 1, "gone"), Item(UUID(int=2), 2, "lit")]
    assert [item.id.int for item in [*first, *rest]] == list(range(1, MANY + 1))
    assert len(first) == PAGE


async def test_items_are_looked_up_by_id(auditing: Auditing) -> None:
    ids = [UUID(int=3), UUID(int=1), uuid4()]
    assert await auditing.look(Look(name="lamp", ids=ids)) == [
        Item(UUID(int=1), 1, "gone"),
        Item(UUID(int=3), 3, "lit"),
    ]
    assert await auditing.look(Look(name="lamp", ids=[])) == []


async def test_inventory_may_be_read_from_elsewhere(auditing: Auditing) -> None:
    assert await auditing.look(Look(name="shelf")) == [Item(UUID(int=7), None, "lit")]


async def test_inventory_that_there_is_not_is_a_sentence(auditing: Auditing) -> None:
    with pytest.raises(NoSuchInventory, match="There is: lamp, shelf"):
        await auditing.look(Look(name="users"))


async def test_what_waits_and_what_was_sent_and_never_arrived_is_told(
    auditing: Auditing, home: Home, amqp_url: str
) -> None:
    assert (await auditing.backlog()).unsent == 0
    await home.say(*(LampLit(lamp=str(n), version=1) for n in range(3)))
    assert (await auditing.backlog()).unsent == 3
    wish = SentWish(types=[LampLit.routing_key], since=HOUR)
    assert await auditing.sent(wish) == [], "what waits is not sent"

    async with running(Relay("tests", database=home, amqp_url=amqp_url, topology=Topology({}))):
        await until(lambda: _all_sent(home))
    sent = await auditing.sent(wish)
    assert [event.type for event in sent] == [LampLit.routing_key] * 3
    assert await auditing.sent(wish.model_copy(update={"after": sent[1].position})) == sent[2:]
    assert await auditing.sent(SentWish(types=["tests.lamp.broken.v1"], since=HOUR)) == []

    await home.execute(f"INSERT INTO inbox (consumer, event_id) VALUES ('tests.see', '{sent[0].id}')")
    ids = [event.id for event in sent]
    assert set(await auditing.missing(Arrivals(consumer="tests.see", ids=ids))) == set(ids[1:])
    assert set(await auditing.missing(Arrivals(consumer="tests.other", ids=ids))) == set(ids)

    await home.execute("UPDATE outbox SET created_at = now() - interval '2 hours'")
    assert await auditing.sent(wish) == []


async def _all_sent(home: Home) -> bool:
    return await home.unsent() == 0
