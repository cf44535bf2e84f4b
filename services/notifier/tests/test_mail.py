"""Mail to a real SMTP server: that it arrives, once, and what happens when it does not."""

import asyncio
import itertools
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any

import pytest
from aiosmtplib import SMTPNotSupported, SMTPReadTimeoutError
from devstack.waiting import until
from mesh.topology import RUNGS
from notifier.addresses import sender
from notifier.events import patient
from notifier.models import MailStatus
from notifier.post_office import PostOffice
from notifier.posting import Pace, Passing, Refused
from notifier.posting import SmtpServer as Server
from notifier.unsubscribing import Unsubscribing
from pydantic import SecretStr

from .campus import Campus
from .post import LINK, RING, became, dead_letter, requested
from .smtp_server import SmtpServer, certificate, free_port, smtp_server


def towards(server: SmtpServer, **settings: Any) -> dict[str, Any]:
    return {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_tls": "none"} | settings


async def test_a_mail_with_a_link_arrives(campus: Campus) -> None:
    async with smtp_server() as server, campus.running(**towards(server, mail_sender="Teddy <teddy@study.example>")):
        event = requested(name="Ada Lovelace")
        await campus.tell(event)
        mail = await became(campus, event.request_id, MailStatus.DELIVERED)
        (arrived,) = server.mails
        assert (arrived["To"], arrived["From"]) == ("ada@example.org", "Teddy <teddy@study.example>")
        assert arrived["Subject"] == "Confirm your email address"
        assert arrived["Message-ID"] == f"<{event.request_id}@study.example>"
        assert arrived["Auto-Submitted"] == "auto-generated"
        assert arrived["List-Unsubscribe"] is None
        text, html = parts(arrived)
        assert text.startswith("Hello Ada Lovelace,")
        assert f"\n{LINK}\n" in text
        assert f'href="{LINK.replace("&", "&amp;")}"' in html
        assert (mail.attempts, mail.email, mail.kind) == (1, "ada@example.org", "verify_email")
        ((name, said),) = await campus.events()
        assert name == "notifier.notification.delivered.v1"
        assert (said["notification_id"], said["channel"]) == (str(event.request_id), "email")
        assert LINK not in str(said)


def parts(mail: EmailMessage) -> tuple[str, str]:
    """Its text and its HTML, lines as Python has them."""
    found = [mail.get_body((kind,)) for kind in ("plain", "html")]
    text, html = (str(part.get_content()).replace("\r\n", "\n") for part in found if part is not None)
    return text, html


async def test_a_repeated_request_is_mailed_once(campus: Campus) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        event, last = requested(), requested()
        for _ in range(3):
            await campus.tell(event)
            await became(campus, event.request_id, MailStatus.DELIVERED)
        await campus.tell(last)
        await became(campus, last.request_id, MailStatus.DELIVERED)
        assert len(server.mails) == 2


@pytest.mark.parametrize(
    ("where", "answer"),
    [
        ("to_recipients", "451 4.7.1 Greylisted, come back later"),
        ("to_mails", "452 4.3.1 Mailbox full, for now"),
        ("to_mails", "421 4.3.2 Shutting down"),
    ],
)
async def test_what_may_pass_with_time_is_tried_again(campus: Campus, where: str, answer: str) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        setattr(server, where, [answer, answer])
        event = requested()
        await campus.tell(event)
        mail = await became(campus, event.request_id, MailStatus.DELIVERED)
        assert mail.attempts == 3
        assert [arrived["Message-ID"] for arrived in server.mails] == [f"<{event.request_id}@localhost>"]


@pytest.mark.parametrize(
    ("where", "answer"),
    [("to_recipients", "550 5.1.1 No such user"), ("to_mails", "554 5.7.1 Not wanted here")],
)
async def test_an_address_that_is_refused_fails_at_once(campus: Campus, where: str, answer: str) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        setattr(server, where, [answer])
        event = requested()
        await campus.tell(event)
        mail = await became(campus, event.request_id, MailStatus.REFUSED)
        assert (mail.attempts, mail.detail) == (1, answer)
        await campus.tell(event)
        await campus.tell(other := requested())
        await became(campus, other.request_id, MailStatus.DELIVERED)
        assert [arrived["Message-ID"] for arrived in server.mails] == [f"<{other.request_id}@localhost>"]
        failed = dict(await campus.events())["notifier.notification.failed.v1"]
        assert (failed["code"], failed["channel"], failed["version"]) == ("refused", "email", 2)


@pytest.mark.parametrize("email", ["no-address", "a@b@c", "", "a b@example.org", "ada@example.org\r\nBcc: all@x.org"])
async def test_what_is_no_address_fails_at_once(campus: Campus, email: str) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        event = requested(email=email)
        await campus.tell(event)
        await became(campus, event.request_id, MailStatus.REFUSED)
        assert server.recipients == []


async def test_a_server_that_is_away_is_waited_for(campus: Campus) -> None:
    port = free_port()
    async with campus.running(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none"):
        event = requested()
        await campus.tell(event)
        waiting = await became(campus, event.request_id, MailStatus.SENDING)
        assert waiting.attempts >= 1
        async with smtp_server(port=port) as server:
            await became(campus, event.request_id, MailStatus.DELIVERED)
            assert len(server.mails) == 1


async def test_a_server_that_stays_away_leaves_a_dead_letter_which_can_be_replayed(campus: Campus) -> None:
    port = free_port()
    async with campus.running(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none"):
        event = requested()
        await campus.tell(event, attempt=patient.attempts)
        mail = await became(campus, event.request_id, MailStatus.UNREACHABLE)
        assert "Connect" in (mail.detail or "")
        letter = await dead_letter(campus, "notifier.mail_link")
        assert letter["mesh-reason"] == "exhausted"
        failed = dict(await campus.events())["notifier.notification.failed.v1"]
        assert failed["code"] == "unreachable"
        async with smtp_server(port=port) as server:
            await campus.tell(event)
            assert (await became(campus, event.request_id, MailStatus.DELIVERED)).version == 3
            assert len(server.mails) == 1


async def test_an_hour_without_the_server_is_outlasted(monkeypatch: pytest.MonkeyPatch) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = "teddy@study.example", "ada@example.org"
    with pytest.raises(Passing) as away:
        await Server("127.0.0.1", free_port(), "none", None, None, None, 5.0).send(mail)
    monkeypatch.setattr("mesh.retry.random.uniform", lambda least, _: least)  # as short as chance makes the waits
    waited = 0.0
    for attempt in itertools.count(1):
        if (wait := patient.delay(attempt, away.value)) is None:
            break
        waited += min(wait, RUNGS[-1])  # nothing waits longer at the broker
    assert waited > timedelta(hours=1).total_seconds()


async def test_a_link_that_has_expired_is_not_sent(campus: Campus) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        event = requested(life=timedelta(seconds=-1))
        await campus.tell(event)
        await became(campus, event.request_id, MailStatus.EXPIRED)
        assert server.recipients == []
        assert dict(await campus.events())["notifier.notification.failed.v1"]["code"] == "expired"


async def test_a_link_that_cannot_be_opened_is_dead_at_once(campus: Campus) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        await campus.tell(requested(sealed="9.gAAAA"))
        assert (await dead_letter(campus, "notifier.mail_link"))["mesh-reason"] == "permanent"
        assert server.recipients == []


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
async def test_mail_is_encrypted_on_the_way_and_the_password_is_right(
    campus: Campus, tmp_path: Path, encryption: str
) -> None:
    known = certificate(tmp_path)
    login = {"smtp_tls": encryption, "smtp_certificates": known.file, "smtp_username": "teddy"}
    async with smtp_server(encryption=encryption, context=known.context, password="secret") as server:
        async with campus.running(**towards(server, **login, smtp_password=SecretStr("secret"))):
            await campus.tell(event := requested())
            await became(campus, event.request_id, MailStatus.DELIVERED)
        assert (len(server.mails), server.logins) == (1, ["teddy"])
        async with campus.running(**towards(server, **login, smtp_password=SecretStr("wrong"))):
            await campus.tell(event := requested())
            await until(lambda: _deferred(campus, event.request_id, "SMTPAuthenticationError"))


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
async def test_a_server_that_cannot_show_who_it_is_gets_nothing(
    campus: Campus, tmp_path: Path, encryption: str
) -> None:
    context = certificate(tmp_path).context
    async with (
        smtp_server(encryption=encryption, context=context) as server,
        campus.running(**towards(server, smtp_tls=encryption)),
    ):
        await campus.tell(event := requested())
        await until(lambda: _deferred(campus, event.request_id, "certificate verify failed"))
        assert server.recipients == []


async def test_starttls_that_is_not_offered_is_not_done_without(campus: Campus) -> None:
    async with smtp_server() as server, campus.running(**towards(server, smtp_tls="starttls")):
        await campus.tell(event := requested())
        await until(lambda: _deferred(campus, event.request_id, "STARTTLS"))
        assert server.recipients == []


async def _deferred(campus: Campus, mail_id: Any, said: str) -> bool:
    mail = await became(campus, mail_id, MailStatus.SENDING)
    return said in (mail.detail or "")


class Killed(Exception):
    """As if the process had ended here."""


class KilledAfterSending(Server):
    """Sends, and never comes back."""

    async def send(self, mail: EmailMessage) -> None:
        await super().send(mail)
        raise Killed


async def test_a_crash_after_sending_gives_one_duplicate_that_clients_fold(campus: Campus) -> None:
    async with smtp_server() as server:
        event = requested()
        with pytest.raises(Killed):
            await _office(campus, _at(server, KilledAfterSending)).send_requested(event, is_last=False)
        office = _office(campus, _at(server, Server))
        for _ in range(2):
            await office.send_requested(event, is_last=False)
        assert [mail["Message-ID"] for mail in server.mails] == [f"<{event.request_id}@localhost>"] * 2


@pytest.mark.parametrize("command", ["MAIL", "RCPT"])
async def test_a_server_that_hangs_before_it_has_the_mail_is_left_after_the_seconds_of_an_answer(command: str) -> None:
    async with smtp_server() as server:
        server.mute = {command}
        with pytest.raises(SMTPReadTimeoutError):
            async with asyncio.timeout(10):
                await _at(server, Server, seconds=0.3).send(_a_mail())


@pytest.mark.parametrize("where", ["to_recipients", "to_mails"])
async def test_what_is_refused_for_good_stays_refused_though_the_server_hangs_then(where: str) -> None:
    async with smtp_server() as server:
        setattr(server, where, ["550 5.1.1 No such user"])
        server.mute = {"RSET"}
        with pytest.raises(Refused, match="No such user"):
            async with asyncio.timeout(10):
                await _at(server, Server).send(_a_mail())


async def test_an_address_beyond_ascii_waits_where_the_server_does_not_take_such() -> None:
    async with smtp_server(utf8=False) as server:
        with pytest.raises(SMTPNotSupported):
            await _at(server, Server).send(_a_mail("zoë@example.org"))
        assert server.recipients == []


def _a_mail(to: str = "ada@example.org") -> EmailMessage:
    mail = EmailMessage(policy=SMTP_POLICY.clone(utf8=True))
    mail["From"], mail["To"] = "teddy@localhost", to
    mail.set_content("Hello")
    return mail


async def test_a_server_that_thinks_for_long_about_a_mail_is_not_sent_it_again(campus: Campus) -> None:
    """Neither is one that has taken it, and then has no word of parting."""
    async with smtp_server() as server:
        server.thinks = 1.5
        event = requested()
        await _office(campus, _at(server, Server, seconds=1.0)).send_requested(event, is_last=False)
        mail = await became(campus, event.request_id, MailStatus.DELIVERED)
        assert (mail.attempts, len(server.mails)) == (1, 1)


def _at(server: SmtpServer, kind: type[Server], seconds: float = 5.0) -> Server:
    login: dict[str, Any] = dict.fromkeys(("username", "password", "certificates"))
    return kind("127.0.0.1", server.port, "none", seconds=seconds, **login)


def _office(campus: Campus, post: Server) -> PostOffice:
    unsubscribing = Unsubscribing(RING, "http://localhost:8080")
    return PostOffice(
        campus.database,
        post,
        RING,
        unsubscribing,
        sender("teddy@localhost"),
        campus.clock,
        Pace(100),
        "http://localhost",
    )
