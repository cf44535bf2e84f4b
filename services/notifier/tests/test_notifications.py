"""The list: what becomes an entry of it, what is withdrawn, and who may see it."""

import asyncio
from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from chassis.database import Database
from devstack.waiting import until
from mesh import Event
from notifier.news import document_ready
from notifier.notifications import Desk, Notifications
from sqlalchemy import text

from .builders import answered, deleted, failed, processed
from .campus import Campus, Student


async def test_news_of_documents_stand_in_the_list(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        ready, broken = uuid4(), uuid4()
        await campus.tell(processed(ada, ready, title="Biology", pages=1))
        await campus.taken(1)
        await campus.tell(failed(ada, broken))
        await campus.taken(2)
        page = await ada.notifications()
        assert page["unread"] == 2
        worse, good = page["items"]
        assert (worse["kind"], worse["number"]) == ("document_failed", 2)
        assert worse["title"] == "“Biology” could not be read"
        assert worse["body"].startswith("The pages are pictures without text.")
        assert worse["data"] == {"document_id": str(broken), "code": "document-scanned"}
        assert (good["kind"], good["title"], good["data"]) == (
            "document_ready",
            "“Biology” is ready",
            {"document_id": str(ready)},
        )
        assert [event for event, _ in await campus.events()] == ["notifier.notification.delivered.v1"] * 2


async def test_a_repeated_event_is_told_once(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        event, event_id = processed(ada), uuid4()
        for _ in range(3):
            await campus.tell(event, event_id)
        await campus.tell(event)  # replayed under another id
        await campus.tell(processed(ada, title="Last"))
        await campus.taken(3)
        assert [item["title"] for item in (await ada.notifications())["items"]] == [
            "“Last” is ready",
            "“Biology” is ready",
        ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_whatever_the_order_a_deleted_document_leaves_nothing(campus: Campus, order: tuple[int, ...]) -> None:
    async with campus.running():
        ada = await campus.student()
        document = uuid4()
        events: list[Event] = [
            failed(ada, document, version=3),
            processed(ada, document, version=5),
            deleted(ada, document, version=6),
        ]
        for count, at in enumerate(order, 1):
            await campus.tell(events[at])
            await campus.taken(count)
        assert await ada.notifications() == {"items": [], "next_cursor": None, "unread": 0}


async def test_what_is_newer_takes_the_place_of_what_was_said_before(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        document = uuid4()
        await campus.tell(processed(ada, document, version=5))
        await campus.taken(1)
        await campus.tell(failed(ada, document, version=3))
        await campus.taken(2)
        assert [item["kind"] for item in (await ada.notifications())["items"]] == ["document_ready"]


async def test_an_answer_is_a_notification_only_for_who_has_left(campus: Campus) -> None:
    async with campus.running() as first, campus.process() as second:
        ada = await campus.student()
        async with ada.tab(second) as tab:
            await campus.tell(answered(ada))
            await tab.hears("chat.message")
            await campus.taken(1)
        assert (await ada.notifications())["items"] == []
        await _gone(campus)
        left = answered(ada)
        await campus.tell(left)
        await campus.taken(2)
        (told,) = (await ada.notifications())["items"]
        assert told["kind"] == "answer_ready"
        assert told["data"] == {"session_id": str(left.session_id), "message_id": str(left.message_id)}
        assert first != second


async def test_an_answer_that_was_read_as_it_came_is_no_notification(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        followed = answered(ada, followed=True)
        await campus.tell(followed)
        await campus.taken(1)
        assert (await ada.notifications())["items"] == []
        await campus.tell(followed.model_copy(update={"followed": False}))  # as its snapshot says it again
        await campus.taken(2)
        assert (await ada.notifications())["items"] == []


async def _gone(campus: Campus) -> None:
    async def nobody() -> bool:
        async with campus.database.transaction() as session:
            return not (await session.execute(text("SELECT count(*) FROM presence"))).scalar_one()

    await until(nobody)


async def test_a_killed_process_keeps_nobody_present_for_long(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        async with campus.database.transaction() as session:
            insert = "INSERT INTO presence (user_id, process_id, until) VALUES (:user, gen_random_uuid(), :until)"
            until_when = campus.clock() - timedelta(seconds=1)
            await session.execute(text(insert), {"user": ada.id, "until": until_when})
        await campus.tell(answered(ada))
        await campus.taken(1)
        assert [item["kind"] for item in (await ada.notifications())["items"]] == ["answer_ready"]


async def _listed(campus: Campus, count: int) -> Student:
    ada = await campus.student()
    for number in range(1, count + 1):
        async with campus.database.transaction() as session:
            await _tell(Desk(session), ada, f"{number}", campus)
    return ada


async def _tell(desk: Desk, student: Student, title: str, campus: Campus) -> None:
    event = processed(student, title=title)
    told = document_ready(event)
    await desk.tell(event.document_id, event.version, owner=student.id, news=told, now=campus.clock())


async def test_the_list_is_paged_the_newest_first(campus: Campus) -> None:
    async with campus.process():
        ada = await _listed(campus, 5)
        numbers, cursor = [], None
        while True:
            page = await ada.notifications(limit=2, **({"cursor": cursor} if cursor else {}))
            numbers.append([item["number"] for item in page["items"]])
            assert page["unread"] == 5
            if (cursor := page["next_cursor"]) is None:
                break
        assert numbers == [[5, 4], [3, 2], [1]]
        assert (await ada.client.get("/notifications", params={"cursor": "bm9uZQ"})).status_code == 422


async def test_what_was_read_is_counted_no_more(campus: Campus) -> None:
    async with campus.process():
        ada = await _listed(campus, 4)
        newest = (await ada.notifications())["items"][0]
        read = await ada.client.post(f"/notifications/{newest['id']}/read")
        again = await ada.client.post(f"/notifications/{newest['id']}/read")
        assert read.json()["read_at"] == again.json()["read_at"] is not None
        page = await ada.notifications(unread=True)
        assert (page["unread"], [item["number"] for item in page["items"]]) == (3, [3, 2, 1])
        assert (await ada.client.post("/notifications/read", json={"up_to": 2})).json() == {"unread": 1}
        assert (await ada.client.post("/notifications/read")).json() == {"unread": 0}
        assert (await ada.notifications(unread=True))["items"] == []
        assert (await ada.client.delete(f"/notifications/{newest['id']}")).status_code == 204
        assert [item["number"] for item in (await ada.notifications())["items"]] == [3, 2, 1]


async def test_what_was_removed_does_not_come_back(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        event = processed(ada)
        await campus.tell(event)
        await campus.taken(1)
        (item,) = (await ada.notifications())["items"]
        await ada.client.delete(f"/notifications/{item['id']}")
        await campus.tell(event)
        await campus.taken(2)
        assert (await ada.notifications())["items"] == []


async def test_another_students_notification_is_not_there(campus: Campus) -> None:
    async with campus.process():
        ada, bob = await _listed(campus, 1), await campus.student()
        (item,) = (await ada.notifications())["items"]
        for answer in (
            await bob.client.post(f"/notifications/{item['id']}/read"),
            await bob.client.delete(f"/notifications/{item['id']}"),
        ):
            assert answer.status_code == 404
            assert answer.json()["type"] == "urn:studyteddy:problem:notification-not-found"
        await bob.client.post("/notifications/read")
        assert (await bob.notifications())["items"] == []
        assert (await ada.notifications())["unread"] == 1


@pytest.mark.parametrize("path", ["/notifications", "/notifications/preferences"])
async def test_nobody_without_a_token_is_told_anything(campus: Campus, path: str) -> None:
    async with campus.process():
        ada = await campus.student()
        assert (await ada.client.get(path, headers={"Authorization": ""})).status_code == 401
        assert (await ada.client.post("/ws/ticket", headers={"Authorization": "Bearer x"})).status_code == 401


async def test_numbers_appear_in_the_order_of_commits(database: Database) -> None:
    """`after` a number must not miss what was begun earlier and committed later."""
    owner = uuid4()

    async def newest() -> int:
        async with database.transaction() as session:
            return await Notifications(session, owner).newest()

    async with database.transaction() as slow:
        number = await Desk(slow)._next_number(owner)
        async with database.transaction() as session:
            await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(Exception, match="lock timeout"):
                await Desk(session)._next_number(owner)
    assert await newest() == number


async def test_what_two_tabs_remove_and_read_at_once_is_removed_once(campus: Campus) -> None:
    async with campus.process("consumer"):
        ada = await campus.student()
        for count in range(1, 6):
            await campus.tell(processed(ada))
            await campus.taken(count)
            (item,) = (await ada.notifications())["items"]
            path = f"/notifications/{item['id']}"
            removing = [ada.client.delete(path) for _ in range(3)]
            reading = [ada.client.post(f"{path}/read") for _ in range(3)]
            answers = [answer.status_code for answer in await asyncio.gather(*removing, *reading)]
            assert sorted(answers[:3]) == [204, 404, 404]
            assert set(answers[3:]) <= {200, 404}
            withdrawn = [data for kind, data in await campus.events() if kind == "notifier.notification.withdrawn.v1"]
            assert len(withdrawn) == count
