"""What happens reaches every tab of the student, in every process, and nobody else's."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from chassis.database import Database, DatabaseAway
from contracts.notifier import NotificationDelivered, NotificationWithdrawn
from devstack.line import Line
from mesh import Envelope, Event
from notifier.catching_up import MOST
from notifier.hub import Hub
from notifier.kinds import NotificationKind
from notifier.news import News
from notifier.notifications import Desk
from notifier.pushes import push_notification, push_withdrawal
from sqlmodel.ext.asyncio.session import AsyncSession

from .builders import answered, asked, deleted, delivered, failed, processed, progressed, uploaded
from .campus import Campus


async def test_the_life_of_a_document_reaches_every_tab_in_every_process(campus: Campus) -> None:
    async with campus.running() as first, campus.process() as second:
        ada, bob = await campus.student(), await campus.student()
        async with (
            ada.tab(first) as one,
            ada.tab(first) as two,
            ada.tab(second) as three,
            bob.tab(first) as near,
            bob.tab(second) as far,
        ):
            document = uuid4()
            await campus.tell(uploaded(ada, document))
            await campus.tell(progressed(ada, document, 0.4))
            ready = await campus.tell(processed(ada, document))
            await campus.tell(answered(ada))
            for tab in (one, two, three):
                assert (await tab.hears("document.uploaded"))["data"]["title"] == "Biology"
                assert (await tab.hears("document.progressed"))["data"]["progress"] == 0.4
                frame = await tab.hears("document.processed")
                assert frame["id"] == str(ready)
                assert frame["data"]["document_id"] == str(document)
                assert "user_id" not in frame["data"]
            notified = [await tab.hears("notification") for tab in (one, two, three)]
            assert notified[0] == notified[1] == notified[2]
            assert notified[0]["data"]["title"] == "“Biology” is ready"
            kept = (await ada.notifications())["items"]
            assert kept == [notified[0]["data"]]
            # Whatever was for Bob would have come before his own.
            await campus.tell(deleted(bob, uuid4()))
            for tab in (near, far):
                assert (await tab.hears())["type"] == "document.deleted"


async def test_failure_and_answer_are_pushed(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        async with ada.tab() as tab:
            await campus.tell(failed(ada))
            assert (await tab.hears("document.failed"))["data"]["code"] == "document-scanned"
            answer = answered(ada)
            await campus.tell(answer)
            frame = await tab.hears("chat.message")
            assert frame["data"]["message_id"] == str(answer.message_id)
            assert frame["data"]["session_id"] == str(answer.session_id)


async def test_question_of_one_tab_is_pushed_to_the_others(campus: Campus) -> None:
    async with campus.running():
        ada, bob = await campus.student(), await campus.student()
        async with ada.tab() as one, ada.tab() as two, bob.tab() as other:
            question = asked(ada)
            await campus.tell(question)
            for tab in (one, two):
                data = (await tab.hears("chat.message.asked"))["data"]
                assert (data["message_id"], data["attempt"]) == (str(question.message_id), 1)
                assert "user_id" not in data
            await campus.tell(deleted(bob, uuid4()))
            assert (await other.hears())["type"] == "document.deleted"


async def test_hello_says_where_one_stands_and_after_brings_what_was_missed(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        async with ada.tab() as tab:
            assert tab.hello == {"newest": 0, "unread": 0}
            await campus.tell(processed(ada, title="One"))
            first = (await tab.hears("notification"))["data"]["number"]
        for title in ("Two", "Three"):
            await campus.tell(processed(ada, title=title))
        await campus.taken(3)
        async with ada.tab(after=first) as tab:
            assert tab.hello == {"newest": 3, "unread": 3}
            missed = {(await tab.hears("notification"))["data"]["title"] for _ in range(2)}
            assert missed == {"“Two” is ready", "“Three” is ready"}
        async with ada.tab() as tab:
            await campus.tell(processed(ada, title="Four"))
            assert (await tab.hears("notification"))["data"]["number"] == 4


async def test_who_missed_more_than_a_hundred_is_told_that_there_is_more(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        for _ in range(MOST + 2):
            await campus.tell(processed(ada))
        await campus.taken(MOST + 2)
        async with ada.tab(after=1) as tab:
            assert (await tab.hears())["type"] == "resync"
            heard = [(await tab.hears("notification"))["data"]["number"] for _ in range(MOST)]
            assert heard == list(range(3, MOST + 3))
        async with ada.tab(after=2) as tab:
            assert (await tab.hears())["data"]["number"] == 3


async def test_notifications_come_in_their_order_whatever_order_the_bus_has(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        async with ada.tab() as one, ada.tab() as two:
            await asyncio.gather(*(campus.tell(processed(ada)) for _ in range(30)))
            for tab in (one, two):
                assert [(await tab.hears("notification"))["data"]["number"] for _ in range(30)] == list(range(1, 31))


async def test_a_push_out_of_turn_brings_what_came_before_it(campus: Campus) -> None:
    async with campus.process("consumer"):  # without a relay, so that the test says in which order the bus brings it
        ada = await campus.student()
        async with ada.tab() as tab:
            for _ in range(3):
                await campus.tell(processed(ada))
            await campus.taken(3)
            third, second, first = (UUID(one["id"]) for one in (await ada.notifications())["items"])
            await campus.tell(delivered(ada, second))
            assert [(await tab.hears("notification"))["data"]["number"] for _ in range(2)] == [1, 2]
            await campus.tell(delivered(ada, first))
            await campus.tell(delivered(ada, third))
            assert (await tab.hears("notification"))["data"]["number"] == 3


async def test_a_withdrawn_notification_leaves_every_tab_in_every_process(campus: Campus) -> None:
    async with campus.running() as first, campus.process() as second:
        ada, bob = await campus.student(), await campus.student()
        async with ada.tab(first) as one, ada.tab(first) as two, ada.tab(second) as three, bob.tab(second) as other:
            gone, kept = uuid4(), uuid4()
            told = []
            for document in (gone, kept):
                await campus.tell(processed(ada, document))
                told.append((await one.hears("notification"))["data"]["id"])
            await campus.tell(deleted(ada, gone))
            frames = [await tab.hears("notification.withdrawn") for tab in (one, two, three)]
            assert frames[0] == frames[1] == frames[2]
            assert frames[0]["data"] == {"id": told[0], "unread": 1}
            await campus.tell(failed(ada, kept, version=9))  # takes the place of what was told
            newer = [(await tab.hears("notification.withdrawn"))["data"]["id"] for tab in (one, two, three)]
            assert newer == [told[1]] * 3
            (item,) = (await ada.notifications())["items"]
            await ada.client.delete(f"/notifications/{item['id']}")
            for tab in (one, two, three):
                assert (await tab.hears("notification.withdrawn"))["data"] == {"id": item["id"], "unread": 0}
            await campus.tell(deleted(bob, uuid4()))
            assert (await other.hears())["type"] == "document.deleted"


async def test_what_was_withdrawn_during_a_break_is_missing_from_the_list(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        documents = uuid4(), uuid4()
        async with ada.tab() as tab:
            for document in documents:
                await campus.tell(processed(ada, document))
                known = (await tab.hears("notification"))["data"]["number"]
        await campus.tell(deleted(ada, documents[0]))
        await campus.taken(3)
        async with ada.tab(after=known) as tab:
            assert tab.hello == {"newest": 2, "unread": 1}
            assert [item["number"] for item in (await ada.notifications())["items"]] == [2]
            await campus.tell(deleted(ada, documents[1]))
            assert (await tab.hears("notification.withdrawn"))["data"]["unread"] == 0


class _FirstIsLate(Database):
    """Its first transaction ends after its second, where that has begun meanwhile."""

    def __init__(self, database: Database) -> None:
        self._real, self._begun, self._second = database, 0, asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        self._begun += 1
        first = self._begun == 1
        async with self._real.transaction() as session:
            yield session
        if not first:
            self._second.set()
        elif self._begun > 1:
            await self._second.wait()


async def test_what_is_read_first_is_told_first(campus: Campus) -> None:
    hub, owner, now = Hub(most=1, most_per_user=1, most_waiting=10), uuid4(), campus.clock()
    tab = hub.admit(owner)
    tab.known = 0
    news = News(NotificationKind.DOCUMENT_READY, "Biology is ready", "All of it was read.", {})
    async with campus.database.transaction() as session:
        await Desk(session).tell(uuid4(), 1, owner=owner, news=news, now=now)
    late, ids = _FirstIsLate(campus.database), {"notification_id": uuid4(), "user_id": owner}
    told = NotificationDelivered(version=1, **ids, kind="document_ready", channel="in_app")
    withdrawn = NotificationWithdrawn(version=2, **ids)
    await asyncio.gather(
        push_notification(told, hub, late, campus.clock),
        push_withdrawal(withdrawn, _envelope(withdrawn, now), hub, late, campus.clock),
    )
    assert [json.loads(await tab.next())["type"] for _ in range(2)] == ["notification", "notification.withdrawn"]


def _envelope(event: Event, now: datetime) -> Envelope:
    return Envelope(
        id=uuid4(), source="notifier", type=event.routing_key, subject="", time=now, dataschema="", aggregate_version=2
    )


async def test_tabs_are_asked_to_fetch_what_cannot_be_read_for_them(campus: Campus) -> None:
    hub, owner, now = Hub(most=1, most_per_user=1, most_waiting=10), uuid4(), campus.clock()
    tab = hub.admit(owner)
    tab.known = 0
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", schema="notifier")
    ids = {"notification_id": uuid4(), "user_id": owner}
    told = NotificationDelivered(version=1, **ids, kind="document_ready", channel="in_app")
    with pytest.raises(DatabaseAway):
        await push_notification(told, hub, away, lambda: now)
    withdrawn = NotificationWithdrawn(version=2, **ids)
    with pytest.raises(DatabaseAway):
        await push_withdrawal(withdrawn, _envelope(withdrawn, now), hub, away, lambda: now)
    assert [json.loads(await tab.next())["type"] for _ in range(2)] == ["resync", "resync"]
    await away.close()


async def test_tabs_are_asked_to_fetch_when_the_process_heard_nothing_for_a_while(campus: Campus) -> None:
    line = Line(campus.amqp_url)
    await line.up()
    async with campus.process(amqp_url=line.url):
        ada = await campus.student()
        async with ada.tab() as tab:
            line.cut()
            await tab.hears("resync")
            await campus.tell(uploaded(ada, uuid4()))
            await tab.hears("document.uploaded")
    await line.down()
