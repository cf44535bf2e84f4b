"""News by mail: only for who asked, at an address that was verified, and easily turned off."""

import re
from email.message import EmailMessage
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from contracts.auth import UserEmailVerified, UserProfileChanged, UserRegistered
from devstack.waiting import until
from notifier.models import MailStatus
from notifier.notifications import notification_id
from notifier.students import Students
from sqlalchemy import text

from .builders import answered, deleted, failed, processed
from .campus import Campus, Student
from .post import RING, became
from .smtp_server import SmtpServer, smtp_server
from .test_mail import parts, towards

EVIL = "<img src=x onerror=alert(1)>"


def profile(
    student: Student, version: int = 1, *, verified: bool = True, email: str = "ada@example.org"
) -> UserRegistered:
    return UserRegistered(
        version=version,
        user_id=student.id,
        email=email,
        name="Ada",
        time_zone="Europe/London",
        day_starts_at=4,
        roles=["student"],
        email_verified=verified,
    )


async def _subscribed(campus: Campus, *, verified: bool = True) -> Student:
    """A student who wants mails of all kinds."""
    student = await campus.student()
    wanted = {kind: {"email": True} for kind in ("document_ready", "document_failed", "answer_ready")}
    assert (await student.client.put("/notifications/preferences", json=wanted)).status_code == 200
    async with campus.database.transaction() as session:
        await Students(session).put(profile(student, verified=verified))
    return student


async def _arrived(server: SmtpServer, count: int) -> list[EmailMessage]:
    async def all_there() -> bool:
        return len(server.mails) >= count

    await until(all_there)
    return server.mails


async def test_who_wants_mail_gets_it_with_a_way_to_turn_it_off(campus: Campus) -> None:
    public = "https://study.example.org"
    async with smtp_server() as server, campus.running(**towards(server, public_url=public)):
        ada, bob = await _subscribed(campus), await campus.student()
        await campus.tell(processed(bob))
        await campus.tell(event := processed(ada, title=EVIL))
        (mail,) = await _arrived(server, 1)
        assert (mail["To"], mail["Subject"]) == ("ada@example.org", f"“{EVIL}” is ready")
        body, html = parts(mail)
        assert f"“{EVIL}” is ready" in body
        assert "<img" not in html
        assert "&lt;img" in html
        link = mail["List-Unsubscribe"].strip("<>")
        assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in server.as_sent[0]  # not folded, not encoded
        assert link in body
        assert link.startswith(f"{public}/api/v1/notifications/unsubscribe?token=")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        inside = urlsplit(link)._replace(scheme="", netloc="").geturl().removeprefix("/api/v1")
        await _turned_off(campus, ada, inside)
        await campus.tell(failed(ada))
        assert (await _arrived(server, 2))[1]["Subject"] == "“Biology” could not be read"
        assert event.title == EVIL


async def _turned_off(campus: Campus, student: Student, link: str) -> None:
    nobody = {"Authorization": ""}
    page = await student.client.get(link, headers=nobody)
    assert (page.status_code, "method=post" in page.text) == (200, True)
    preferences = (await student.client.get("/notifications/preferences")).json()
    assert preferences["document_ready"]["email"] is True
    click = await student.client.post(link, headers=nobody, data={"List-Unsubscribe": "One-Click"})
    assert click.status_code == 200
    preferences = (await student.client.get("/notifications/preferences")).json()
    assert (preferences["document_ready"]["email"], preferences["document_failed"]["email"]) == (False, True)


@pytest.mark.parametrize("token", ["", "x", "1.x", RING.seal("[]"), RING.seal('["reset", "a", "b"]'), RING.seal("5")])
async def test_no_other_link_turns_anything_off(campus: Campus, token: str) -> None:
    async with campus.process():
        ada = await campus.student()
        answer = await ada.client.post("/notifications/unsubscribe", params={"token": token})
        assert answer.status_code == 404


async def test_nothing_goes_to_an_address_that_nobody_has_verified(campus: Campus) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        ada, eve = await _subscribed(campus), await _subscribed(campus, verified=False)
        await campus.tell(processed(eve))
        await campus.tell(processed(ada))
        await _arrived(server, 1)
        assert len(server.recipients) == 1


async def test_news_that_is_old_or_was_seen_is_not_mailed(campus: Campus) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        ada = await _subscribed(campus)
        document = uuid4()
        await campus.tell(deleted(ada, document, version=9))
        await campus.taken(1)
        await campus.tell(processed(ada, document, version=3))
        async with ada.tab() as tab:
            await campus.tell(answered(ada))
            await tab.hears("chat.message")
            await campus.tell(processed(ada, title="Last"))
            assert [mail["Subject"] for mail in await _arrived(server, 1)] == ["“Last” is ready"]


async def test_no_two_facts_of_an_aggregate_have_the_same_version(campus: Campus) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        ada = await _subscribed(campus)
        await campus.tell(event := processed(ada))
        await became(campus, notification_id(event.document_id, "document_ready", event.version), MailStatus.DELIVERED)
        await campus.taken(1)
        await campus.tell(deleted(ada, event.document_id, version=9))
        await campus.taken(2)
        async with campus.database.transaction() as session:
            said = (await session.execute(text("SELECT subject, aggregate_version FROM outbox"))).all()
        assert len(said) == len(set(said)) == 3


async def test_an_answer_is_mailed_to_who_has_left(campus: Campus) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        ada = await _subscribed(campus)
        await campus.tell(answered(ada, followed=True))
        await campus.tell(missed := answered(ada))
        mailed = notification_id(missed.message_id, "answer_ready", missed.version)
        await became(campus, mailed, MailStatus.DELIVERED)
        assert [mail["Message-ID"] for mail in server.mails] == [f"<{mailed}@localhost>"]


async def test_a_mail_waits_for_an_address_that_was_not_heard_of_yet(campus: Campus) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        ada = await campus.student()
        await ada.client.put("/notifications/preferences", json={"document_ready": {"email": True}})
        await campus.tell(processed(ada))
        await campus.tell(profile(ada))
        await _arrived(server, 1)


async def test_the_newest_profile_counts_in_whatever_order(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        newest = UserEmailVerified(**profile(ada, 3, email="new@example.org").model_dump())
        older = UserProfileChanged(**profile(ada, 2, verified=False).model_dump())
        for count, event in enumerate((newest, older, profile(ada, 1, verified=False)), 1):
            await campus.tell(event)
            await campus.taken(count)
        async with campus.database.transaction() as session:
            found = await Students(session).get(ada.id)
        assert found is not None
        assert (found.version, found.email, found.email_verified) == (3, "new@example.org", True)


async def test_what_became_of_mails_is_known_without_their_links(campus: Campus) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        ada = await _subscribed(campus)
        await campus.tell(processed(ada))
        await _arrived(server, 1)

        async def rows() -> list[str] | None:
            async with campus.database.transaction() as session:
                found = (await session.execute(text("SELECT mail::text FROM mail"))).scalars().all()
            return [row for row in found if MailStatus.DELIVERED in row] or None

        (row,) = await until(rows)
        assert not re.search(r"token|http", row)
