"""Whatever relays do, in whatever order and however late: no row is marked by who does not hold it, and none is left."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mesh import Event
from mesh.database import driver_connection
from mesh.leases import Batch, Leases

from .home import Home

LONG = timedelta(hours=1)
RELAYS = range(2)
steps = st.sampled_from(
    [
        ("say", 1),
        ("say", 4),
        *((step, relay) for relay in RELAYS for step in ("claim", "claim", "settle", "release")),
        ("freeze past every lease", 0),
    ]
)


class NotePinned(Event, type="tests.note.pinned", version=1, aggregate="note"):
    note: str


class Model:
    """What must be true: who holds which unsent row, and which are sent."""

    def __init__(self) -> None:
        self.holders: dict[int, Batch | None] = {}
        self.sent: set[int] = set()
        self.last: dict[int, Batch] = {}

    def claimed(self, relay: int, batch: Batch) -> None:
        for position in positions(batch):
            assert position not in self.sent
            assert self.holders.get(position) is None
            self.holders[position] = batch
        self.last[relay] = batch

    def held(self, batch: Batch) -> set[int]:
        return {position for position, holder in self.holders.items() if holder is batch}


def positions(batch: Batch) -> list[int]:
    return [row["position"] for row in batch.rows]


async def take(step: str, value: int, home: Home, leases: list[Leases], model: Model) -> None:
    batch = model.last.get(value)
    if step == "say":
        await home.say(*(NotePinned(note="n", version=1) for _ in range(value)))
    elif step == "freeze past every lease":
        await home.execute(
            "UPDATE outbox SET leased_until = now() - interval '1 second' WHERE leased_until IS NOT NULL"
        )
        model.holders.clear()
    elif step == "claim":
        model.claimed(value, await leases[value].claim())
    elif step == "settle" and batch:
        marked = await leases[value].settle(batch, positions(batch))
        # A lease that ran out still settles what nobody else has taken meanwhile: it was published.
        assert marked >= len(model.held(batch))
        assert not [p for p in positions(batch) if model.holders.get(p) not in (None, batch) and p in await sent(home)]
        model.sent = await sent(home)
        model.holders = {p: holder for p, holder in model.holders.items() if p not in model.sent}
    elif step == "release" and batch:
        await leases[value].release(batch, positions(batch))
        model.holders = {p: holder for p, holder in model.holders.items() if holder is not batch}


async def sent(home: Home) -> set[int]:
    async with home.transaction() as session:
        found = await session.scalars(
            home.outbox.select().with_only_columns(home.outbox.c.position).where(home.outbox.c.sent_at.is_not(None))
        )
        return set(found)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(steps, min_size=10, max_size=40))
async def test_no_row_is_marked_by_who_does_not_hold_it_and_none_is_left(
    home: Home, story: list[tuple[str, int]]
) -> None:
    await home.execute("TRUNCATE outbox")
    async with driver_connection(home) as connection:
        leases = [Leases(connection, batch=3, lease=LONG) for _ in RELAYS]
        model = Model()
        for step, value in story:
            await take(step, value, home, leases, model)
        await take("freeze past every lease", 0, home, leases, model)
        while (batch := await leases[0].claim()).rows:
            assert await leases[0].settle(batch, positions(batch)) == len(batch.rows)
    assert await home.unsent() == 0
