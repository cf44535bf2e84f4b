"""What was sent and received long ago goes; what may still be needed stays."""

from datetime import timedelta

import pytest
from mesh import sweep
from sqlalchemy import func, select

from .home import Home


async def test_sent_rows_go_after_their_time_and_inbox_rows_after_twice_as_long(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesh.sweeping.BATCH", 7)
    await home.execute("""
        INSERT INTO outbox (event_id, source, type, dataschema, subject, aggregate_version, data, created_at, sent_at)
        SELECT gen_random_uuid(), 's', 't', 'd', day::text, 1, '{}', now() - day * interval '1 day',
               CASE WHEN day % 10 <> 0 THEN now() END
        FROM generate_series(1, 40) AS day
    """)
    await home.execute("""
        INSERT INTO inbox (consumer, event_id, received_at)
        SELECT 'c', gen_random_uuid(), now() - day * interval '1 day' FROM generate_series(1, 40) AS day
    """)
    removed = await sweep(home, timedelta(days=8, hours=13))
    # Of the outbox days 1 to 8, and the unsent ones of days 10, 20, 30 and 40; of the inbox days 1 to 17.
    assert await counts(home) == (8 + 4, 17)
    assert removed == (40 - 12) + (40 - 17)
    assert await sweep(home, timedelta(days=8, hours=13)) == 0


async def counts(home: Home) -> tuple[int, int]:
    async with home.transaction() as session:
        outbox = await session.scalar(select(func.count()).select_from(home.outbox))
        inbox = await session.scalar(select(func.count()).select_from(home.inbox))
    return outbox or 0, inbox or 0
