"""Letters: whatever people write, it stays text, and headers stay ours."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notifier.addresses import recipient, sender
from notifier.kinds import NotificationKind
from notifier.letters import link_letter, message, news_letter
from notifier.news import News

STUDY = "https://study.example.org/review"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAIL = UUID("018f3b2e-0000-7000-8000-000000000006")
# What PostgreSQL can hold: no NUL, no half characters.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)


def sent(letter_name: str, title: str = "“Biology” is ready", body: str = "All of it.") -> EmailMessage:
    """A letter as a server gets it."""
    news = News(NotificationKind.DOCUMENT_READY, title, body, {})
    letter = news_letter(news, letter_name, "https://study.example.org/off?token=1", STUDY)
    made = message(
        letter, mail_id=MAIL, sender=sender("Teddy <t@example.org>"), recipient=recipient("ada@example.org"), now=NOW
    )
    read = message_from_bytes(bytes(made), policy=default)
    assert isinstance(read, EmailMessage)
    return read


@given(name=TEXT, title=TEXT, body=TEXT)
def test_nothing_that_people_write_becomes_a_header_or_markup(name: str, title: str, body: str) -> None:
    plain, mail = sent("Ada"), sent(name, title, body)
    assert mail.keys() == plain.keys()
    assert mail["To"] == "ada@example.org"
    html, usual = (str(m.get_body(("html",)).get_content()) for m in (mail, plain))  # type: ignore[union-attr]
    assert html.count("<") == usual.count("<")


@pytest.mark.parametrize(
    "name",
    ["Win at http://evil.example", "evil.example", "evil:80", "mailto:", "a@b", "x" * 61, "", " \n ", "<b>Ada</b>"],
)
def test_a_name_that_invites_somewhere_is_left_out(name: str) -> None:
    for text in (
        link_letter(kind, name, "https://x.example/#t", NOW).text for kind in ("verify_email", "reset_password")
    ):
        assert text.startswith("Hello,\n")


@pytest.mark.parametrize(
    "name", ["Ada", "Ada Lovelace", "Dr: Ada", "María José O'Neill-Núñez", "李 明", "J. R. R. Tolkien"]
)
def test_a_name_is_greeted(name: str) -> None:
    assert link_letter("verify_email", name, "https://x.example/#t", NOW).text.startswith(f"Hello {name},\n")


def test_both_kinds_of_link_letters_say_what_to_do_and_until_when() -> None:
    for kind in ("verify_email", "reset_password"):
        letter = link_letter(kind, "Ada", "https://x.example/#token=1", NOW)
        for version in (letter.text, letter.html):
            assert "https://x.example/#token=1" in version
            assert "20 November 2026, 12:00 UTC" in version
            assert "ignore this mail" in version
