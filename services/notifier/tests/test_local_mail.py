"""Mail on a developer's machine: files, and a page that shows them without trusting them."""

from uuid import uuid4

import httpx
import pytest
from chassis.settings import SettingsError, load
from notifier.models import MailStatus
from notifier.settings import Settings

from .campus import Campus
from .post import LINK, became, requested


async def test_without_a_server_mails_are_files_and_listed(campus: Campus) -> None:
    async with campus.running() as url, httpx.AsyncClient(base_url=url) as anybody:
        assert "There are none yet" in (await anybody.get("/mail")).text
        await campus.tell(event := requested())
        await became(campus, event.request_id, MailStatus.DELIVERED)
        file = campus.folder / "mail" / f"{event.request_id}.eml"
        assert b"Subject: Confirm your email address" in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0
        page = await anybody.get("/mail")
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "ada@example.org" in page.text
        assert f'href="{LINK.replace("&", "&amp;")}"' in page.text
        shown = await anybody.get(f"/mail/{event.request_id}")
        assert shown.headers["content-security-policy"].startswith("sandbox")
        assert "script-src" not in shown.headers["content-security-policy"]
        assert "Confirm my address" in shown.text


async def test_the_page_shows_what_people_wrote_as_text(campus: Campus) -> None:
    evil = '<script>alert("1")</script>'
    folder = campus.folder / "mail"
    folder.mkdir()
    mail = f"To: ada@example.org\nSubject: {evil}\nDate: Fri, 20 Nov 2026 12:00:00 +0000\n\n{evil} http://x.example/{evil}\n"
    (folder / f"{uuid4()}.eml").write_text(mail)
    async with campus.process() as url, httpx.AsyncClient(base_url=url) as anybody:
        page = (await anybody.get("/mail")).text
        assert "<script" not in page
        assert page.count("&lt;script&gt;") >= 2


@pytest.mark.parametrize(
    "settings",
    [
        {"smtp_host": "127.0.0.1"},
        {
            "environment": "production",
            "smtp_host": "127.0.0.1",
            "mail_sender": "a@b.example",
            "public_url": "https://b.example",
            "service_secret": "not the known one",
            "key_ring": "1:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=",
        },
    ],
    ids=["a server is configured", "production"],
)
async def test_where_mails_are_sent_there_is_no_page(campus: Campus, settings: dict[str, str]) -> None:
    async with campus.process(**settings) as url, httpx.AsyncClient(base_url=url) as anybody:
        for path in ("/mail", f"/mail/{uuid4()}"):
            assert (await anybody.get(path)).status_code == 404


async def test_a_mail_that_is_not_there_is_not_found(campus: Campus) -> None:
    async with campus.process() as url, httpx.AsyncClient(base_url=url) as anybody:
        assert (await anybody.get(f"/mail/{uuid4()}")).status_code == 404
        assert (await anybody.get("/mail/..%2f..%2fetc%2fpasswd")).status_code in (404, 422)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        (
            {"ENVIRONMENT": "production", "KEY_RING": "1:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="},
            "NOTIFIER_SMTP_HOST",
        ),
        ({"NOTIFIER_SMTP_USERNAME": "u"}, "NOTIFIER_SMTP_PASSWORD"),
        ({"NOTIFIER_SMTP_USERNAME": "u", "NOTIFIER_SMTP_PASSWORD": "p", "NOTIFIER_SMTP_TLS": "none"}, "in clear"),
        ({"NOTIFIER_SMTP_TLS": "ssl"}, "NOTIFIER_SMTP_TLS"),
        ({"NOTIFIER_MAIL_SENDER": "nobody"}, "NOTIFIER_MAIL_SENDER"),
        ({"NOTIFIER_MAIL_SENDER": "a@b@c"}, "NOTIFIER_MAIL_SENDER"),
        ({"NOTIFIER_PUBLIC_URL": "study"}, "NOTIFIER_PUBLIC_URL"),
    ],
)
def test_settings_say_what_is_wrong(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str) -> None:
    for name, value in (variables | {"NOTIFIER_SERVICE_SECRET": "not the known one"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=named):
        load(Settings)
