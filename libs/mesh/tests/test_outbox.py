"""A state change and its events are one fact."""

import asyncio
import json

import asyncpg
import pytest
from mesh import EphemeralEvent, Event, EventTooLarge, Outbox
from mesh.database import driver_connection
from sqlalchemy import select

from .home import Home


class NotePinned(Event, type="tests.note.pinned", version=1, aggregate="note"):
    note: str


class NoteHovered(EphemeralEvent, type="tests.note.hovered", version=1, aggregate="note"):
    note: str


async def test_events_of_a_transaction_that_fails_were_never_said(home: Home) -> None:
    async def fail() -> None:
        async with home.transaction() as session:
            await Outbox(session, "tests").add(NotePinned(note="a", version=1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await home.unsent() == 0


async def test_events_are_kept_in_the_order_in_which_they_were_said(home: Home) -> None:
    async with home.transaction() as session:
        outbox = Outbox(session, "tests")
        await outbox.add(NotePinned(note="a", version=1), NotePinned(note="b", version=2))
        await outbox.add()
        await outbox.add(NotePinned(note="c", version=3))
    async with home.transaction() as session:
        rows = (await session.execute(select(home.outbox).order_by(home.outbox.c.position))).all()
    assert [(row.subject, row.aggregate_version) for row in rows] == [("a", 1), ("b", 2), ("c", 3)]
    assert json.loads(rows[0].data) == {"version": 1, "note": "a"}
    assert {(row.source, row.type, row.dataschema) for row in rows} == {
        ("tests", "tests.note.pinned.v1", NotePinned.dataschema)
    }
    assert len({row.event_id for row in rows}) == 3


async def test_what_may_be_lost_does_not_go_through_the_outbox(home: Home) -> None:
    with pytest.raises(TypeError, match="ephemeral"):
        await home.say(NoteHovered(note="a"))


async def test_event_that_no_broker_would_carry_is_refused_where_it_is_written(home: Home) -> None:
    with pytest.raises(EventTooLarge, match=r"tests.note.pinned.v1"):
        await home.say(NotePinned(note="€" * 400_000, version=1))
    with pytest.raises(EventTooLarge, match=r"id of its aggregate"):
        await home.say(NotePinned(note="a" * 256, version=1))
    assert await home.unsent() == 0


async def test_commit_wakes_who_listens_in_the_same_schema(home: Home) -> None:
    async with driver_connection(home) as connection:
        woken = asyncio.Event()
        await connection.add_listener("outbox.public", lambda *_: woken.set())
        await home.say(NotePinned(note="a", version=1))
        async with asyncio.timeout(5):
            await woken.wait()


async def test_polling_beside_many_sent_rows_reads_only_the_unsent(home: Home) -> None:
    await home.execute("""
        INSERT INTO outbox (event_id, source, type, dataschema, subject, aggregate_version, data, sent_at)
        SELECT gen_random_uuid(), 's', 't', 'd', 'a', 1, '{}', now() FROM generate_series(1, 5000)
    """)
    await home.execute("ANALYZE outbox")
    async with driver_connection(home) as connection:
        assert isinstance(connection, asyncpg.Connection)
        plan = await connection.fetch(
            "EXPLAIN SELECT position FROM outbox WHERE sent_at IS NULL ORDER BY position LIMIT 200 FOR UPDATE SKIP LOCKED"
        )
    assert any("ix_outbox_unsent" in row[0] for row in plan)
