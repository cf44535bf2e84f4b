"""What auth says of users in a snapshot is what it last said of each."""

from uuid import UUID

from auth.snapshots import deleted_users, users
from mesh import LAST_VERSION
from sqlalchemy import text

from .auth_service import Service


async def test_snapshot_says_of_each_user_what_was_last_said(auth: Service) -> None:
    people = [await auth.sign_up(name=name) for name in ("Ada", "Grace", "Mary")]
    await people[1].patch("/users/me", {"name": "Grace Hopper", "time_zone": "America/New_York"})
    last = {event["user_id"]: event for event in await auth.events() if "user_id" in event and "roles" in event}
    async with auth.database.transaction() as session:
        said = await users(session, None, 10)
        assert [event.aggregate_id for event in said] == sorted(last)
        for event in said:
            known = last[event.aggregate_id]
            assert event.model_dump(mode="json") == {name: known[name] for name in known if name != "type"}
        assert await users(session, UUID(said[0].aggregate_id), 1) == said[1:2]


async def test_snapshot_says_that_who_left_is_gone(auth: Service) -> None:
    person = await auth.sign_up()
    async with auth.database.transaction() as session:
        assert await deleted_users(session, None, 10) == []
        await session.execute(
            text("INSERT INTO erasure (user_id, requested_at, waiting_for) VALUES (:id, now(), '{chat}')"),
            {"id": person.id},
        )
        (gone,) = await deleted_users(session, None, 10)
        assert (gone.aggregate_id, gone.version) == (str(person.id), LAST_VERSION)
        assert await deleted_users(session, UUID(gone.aggregate_id), 10) == []
