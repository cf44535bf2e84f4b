"""History said again: to one consumer, through its inbox, page by page, and any of it again without harm."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelNotFoundEntity
from devstack.waiting import until
from mesh import Consumer, Event, NotRepublished, Relay, Snapshots, Subscriptions, Topology, Wish
from mesh.republishing import NoSnapshot, Republishing
from mesh.topology import EXCHANGE
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from .conftest import Letters
from .desk import Desk, MeshCommand
from .home import Home
from .roles import running

PINNED, TORN = "tests.note.pinned.v1", "tests.note.torn.v1"
HOUR = timedelta(hours=1)


class NotePinned(Event, type="tests.note.pinned", version=1, aggregate="note"):
    note: str


class NoteTorn(Event, type="tests.note.torn", version=1, aggregate="note"):
    note: str


class Board:
    """A service that came late: what it wants to know was said before it was there."""

    def __init__(self) -> None:
        self.bus = Subscriptions("board")

        @self.bus.on(NotePinned, NoteTorn)
        async def pin(event: NotePinned | NoteTorn, session: AsyncSession) -> None:
            note = f"{type(event).__name__} {event.note}"
            await session.execute(text("INSERT INTO effects (note) VALUES (:note)"), {"note": note})

        self.topology = Topology.of(self.bus)


def name(number: int) -> str:
    return str(UUID(int=number))


@pytest.fixture
async def said(home: Home, amqp_url: str) -> None:
    """Ten notes pinned and two torn, a day ago, while nobody listened."""
    await home.say(*(NotePinned(note=name(n), version=1) for n in range(10)))
    await home.say(*(NoteTorn(note=name(n), version=2) for n in range(2)))
    async with running(Relay("tests", database=home, amqp_url=amqp_url, topology=Topology({}))):

        async def all_sent() -> bool:
            return await home.unsent() == 0

        await until(all_sent)
    await home.execute("UPDATE outbox SET created_at = now() - interval '1 day'")


@pytest.fixture
def republishing(home: Home, amqp_url: str) -> Republishing:
    snapshots = Snapshots()

    async def page(session: AsyncSession, after: UUID | None, limit: int, numbers: range) -> list[str]:
        assert (await session.execute(text("SELECT 1"))).scalar_one() == 1
        return [name(n) for n in numbers if after is None or UUID(int=n) > after][:limit]

    @snapshots.of(NotePinned)
    async def pinned(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Event]:
        return [NotePinned(note=note, version=7) for note in await page(session, after, limit, range(2, 10))]

    @snapshots.of(NoteTorn)
    async def torn(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Event]:
        return [NoteTorn(note=note, version=8) for note in await page(session, after, limit, range(2))]

    return Republishing("tests", database=home, amqp_url=amqp_url, snapshots=snapshots)


async def everything(republishing: Republishing, limit: int, **wish: Any) -> dict[str, int]:
    """All pages of it."""
    total: dict[str, int] = {}
    after: str | None = None
    while True:
        asked = Wish.model_validate({"to": "board.pin", "types": {PINNED, TORN}} | wish | {"after": after})
        page = await republishing.page(asked, limit)
        assert sum(page.events.values()) <= limit
        total = {type_: total.get(type_, 0) + page.events.get(type_, 0) for type_ in total.keys() | page.events.keys()}
        if (after := page.next) is None:
            return total


@pytest.mark.parametrize("limit", [1, 3, 12, 500])
@pytest.mark.usefixtures("said")
async def test_what_was_sent_is_said_again_to_one_consumer_in_pages_of_any_size(
    home: Home, amqp_url: str, broker: AbstractChannel, letters: Letters, republishing: Republishing, limit: int
) -> None:
    board = Board()
    await board.topology.declare(broker)
    other = await broker.declare_queue("other.pin", durable=True, arguments={"x-queue-type": "quorum"})
    await other.bind(EXCHANGE, "#")
    week_ago = datetime.now(UTC) - 7 * 24 * HOUR
    assert await everything(republishing, limit, since=week_ago) == {PINNED: 10, TORN: 2}
    assert await everything(republishing, limit, since=week_ago) == {PINNED: 10, TORN: 2}
    async with running(Consumer(board.bus, amqp_url=amqp_url, database=home)):

        async def none_waits() -> bool:
            queue = await broker.declare_queue("board.pin", passive=True)
            return queue.declaration_result.message_count == 0

        await until(none_waits)
    assert len(await home.effects()) == len(set(await home.effects())) == 12
    assert await letters("other.pin") == []


@pytest.mark.usefixtures("said")
async def test_time_aggregate_and_type_choose_what_is_said_again(
    broker: AbstractChannel, republishing: Republishing, home: Home
) -> None:
    await Board().topology.declare(broker)
    now = datetime.now(UTC)
    assert await everything(republishing, 500, since=now - HOUR) == {}
    assert await everything(republishing, 500, aggregate=name(1)) == {PINNED: 1, TORN: 1}
    assert await everything(republishing, 500, aggregate=name(1), since=now - HOUR) == {}
    assert await everything(republishing, 500, since=now - 48 * HOUR, types={TORN}) == {TORN: 2}
    await home.say(NotePinned(note=name(77), version=1))
    assert await everything(republishing, 500, since=now - HOUR) == {}, "what waits is sent anyhow"


@pytest.mark.parametrize("limit", [1, 2, 3, 8, 500])
async def test_snapshot_is_everything_that_is_and_that_is_gone(
    broker: AbstractChannel, letters: Letters, republishing: Republishing, limit: int
) -> None:
    await Board().topology.declare(broker)
    assert await everything(republishing, limit, snapshot=True) == {PINNED: 8, TORN: 2}
    arrived = await letters("board.pin")
    assert sorted(str(message.headers["cloudEvents:subject"]) for message in arrived) == [name(n) for n in range(10)]
    assert {message.headers["cloudEvents:source"] for message in arrived} == {"tests"}
    assert {message.headers["cloudEvents:aggregateversion"] for message in arrived} == {7, 8}
    assert await everything(republishing, limit, snapshot=True, types={TORN}) == {TORN: 2}
    with pytest.raises(NoSnapshot, match=r"tests has no snapshot of tests\.note\.read\.v1; use --since"):
        await everything(republishing, limit, snapshot=True, types={"tests.note.read.v1"})


@pytest.mark.usefixtures("said")
async def test_dry_run_counts_and_sends_nothing(
    broker: AbstractChannel, letters: Letters, republishing: Republishing
) -> None:
    await Board().topology.declare(broker)
    assert await everything(republishing, 5, aggregate=name(1), dry_run=True) == {PINNED: 1, TORN: 1}
    assert await everything(republishing, 5, snapshot=True, dry_run=True) == {PINNED: 8, TORN: 2}
    assert await letters("board.pin") == []


async def test_consumer_without_queue_is_said(republishing: Republishing) -> None:
    with pytest.raises(NotRepublished, match=r"There is no queue board\.pin"):
        await everything(republishing, 5, snapshot=True)


async def test_what_holds_now_is_not_said_to_who_acts_whenever_it_is_told(
    desk: Desk, mesh_command: MeshCommand, broker: AbstractChannel
) -> None:
    post = Subscriptions("post")

    @post.on(NotePinned, inbox=False)
    async def mail(event: NotePinned) -> None: ...

    desk.topology = Topology.load(Topology.of(post).dump())
    said = await mesh_command("republish", "--to", "post.mail", "--snapshot")
    assert said.code == 1
    assert said.err.startswith("mesh: post.mail keeps no inbox")
    with pytest.raises(ChannelNotFoundEntity):
        await broker.declare_queue("post.mail", passive=True)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"snapshot": True, "aggregate": "a"}, {"snapshot": True, "after": "1; DROP"}, {"since": "2026-01-01T00:00"}],
)
def test_wish_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Wish.model_validate({"to": "board.pin", "types": []} | wrong)
