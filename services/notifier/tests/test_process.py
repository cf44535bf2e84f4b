"""Notifier as a process: schema, roles, retention, and a process of its own that is told to stop."""

import asyncio
import signal
from datetime import timedelta
from socket import create_server
from uuid import uuid4

import httpx
import pytest
from chassis.database import Database
from chassis.migrations import differences
from chassis.personal_data import erase_user
from devstack.waiting import until
from notifier.app import compose
from notifier.models import MailStatus, Notification, tables
from notifier.news import document_ready
from notifier.notifications import Desk, Notifications
from notifier.retention import Retention
from sqlalchemy import text

from .builders import processed
from .campus import STARTING, Campus
from .post import became, requested
from .smtp_server import smtp_server
from .test_mail import towards


async def test_schema_is_what_the_models_say(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences, tables.metadata) == []


async def test_process_knows_its_roles(campus: Campus) -> None:
    async with compose(campus.settings()) as process:
        assert set(process.roles) == {"consumer", "relay", "scheduler"}
        assert process.serves_api
        await process.commands["migrate"]()
        for check in process.checks.values():
            await check()


async def test_what_was_kept_long_enough_is_removed_and_stays_told(campus: Campus) -> None:
    owner, keep = uuid4(), timedelta(days=90)
    async with campus.process():
        ada = await campus.student()
    event = processed(ada)
    for ago, told in ((timedelta(days=91), event), (timedelta(days=89), processed(ada, title="Young"))):
        async with campus.database.transaction() as session:
            now = campus.clock() - ago
            await Desk(session).tell(told.document_id, 3, owner=owner, news=document_ready(told), now=now)
    stop = asyncio.Event()
    running = asyncio.create_task(Retention(campus.database, campus.clock, keep, keep, every=0.01).run(stop))

    async def kept() -> list[Notification] | None:
        async with campus.database.transaction() as session:
            found = list(await Notifications(session, owner).after(0, 10))
        return found if len(found) == 1 else None

    (young,) = await until(kept)
    stop.set()
    await running
    assert young.title == "“Young” is ready"
    async with campus.database.transaction() as session:
        await Desk(session).tell(event.document_id, 3, owner=owner, news=document_ready(event), now=campus.clock())
        assert await Notifications(session, owner).unread() == 1


async def test_retention_waits_an_outage_out(campus: Campus) -> None:
    beats = 0

    def clock() -> object:
        nonlocal beats
        beats += 1
        if beats == 1:
            raise ConnectionError("the database is away")
        return campus.clock()

    stop, keep = asyncio.Event(), timedelta(days=1)
    retention = Retention(campus.database, clock, keep, keep, every=0.01)  # type: ignore[arg-type]
    running = asyncio.create_task(retention.run(stop))

    async def tried_again() -> bool:
        return beats > 2

    await until(tried_again)
    stop.set()
    await running


async def test_what_a_request_leaves_after_the_account_ended_is_erased_within_the_hour(campus: Campus) -> None:
    keep = timedelta(days=1)
    async with campus.process():
        ada = await campus.student()
        async with campus.database.transaction() as session:
            await erase_user(session, tables.metadata, ada.id)
        await ada.client.put("/notifications/preferences", json={"document_ready": {"in_app": False}})
        await Retention(campus.database, campus.clock, keep, keep, every=1).tidy()
        kept = (await ada.client.get("/notifications/preferences")).json()
    assert kept["document_ready"]["in_app"] is True


async def test_a_process_starts_serves_and_stops_cleanly(campus: Campus) -> None:
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    roles = ("api", "consumer", "relay", "scheduler")
    url = f"http://127.0.0.1:{port}"

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{url}/health/ready")).status_code == 200
        except httpx.TransportError:
            return False

    async with campus.separate(*roles, NOTIFIER_PORT=str(port)) as running:
        await until(ready, STARTING)
        campus.urls.append(url)
        ada = await campus.student()
        async with ada.tab() as tab:
            await campus.tell(processed(ada))
            assert (await tab.hears("notification"))["data"]["kind"] == "document_ready"
            async with campus.database.transaction() as session:
                assert (await session.execute(text("SELECT count(*) FROM presence"))).scalar_one() == 1
            running.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(running.wait(), 30) == 0
        async with campus.database.transaction() as session:
            assert (await session.execute(text("SELECT count(*) FROM presence"))).scalar_one() == 0


@pytest.mark.timeout(150)
async def test_a_process_killed_in_mid_mail_leaves_it_to_the_next_under_the_same_message_id(campus: Campus) -> None:
    async with smtp_server() as server:
        mailing = {f"NOTIFIER_{name.upper()}": str(value) for name, value in towards(server).items()}
        event = requested()
        await campus.tell(event)
        server.may_answer.clear()

        async def has_it() -> bool:
            return bool(server.mails)

        async with campus.separate("consumer", **mailing) as running:
            await until(has_it, STARTING)
            running.kill()
            await running.wait()
        server.may_answer.set()
        async with campus.separate("consumer", **mailing):
            mail = await became(campus, event.request_id, MailStatus.DELIVERED)
        assert mail.attempts == 2
        assert [mail["Message-ID"] for mail in server.mails] == [f"<{event.request_id}@localhost>"] * 2
        assert [name for name, _ in await campus.events()] == ["notifier.notification.delivered.v1"]
