"""What mails say: templates in text and HTML, one pair for each kind of mail. Whatever comes from people is escaped."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from notifier.kinds import NotificationKind
from notifier.names import looks_like_a_name
from notifier.news import News

_LONGEST_NAME = 60
_SUBJECTS = {"verify_email": "Confirm your email address", "reset_password": "Set a new password"}

_templates = Environment(
    loader=PackageLoader("notifier"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail without an envelope. `unsubscribe` is where such mails are turned off, for those that can be."""

    subject: str
    text: str
    html: str
    unsubscribe: str | None = None


def link_letter(kind: str, name: str, link: str, expires_at: datetime) -> Letter:
    """A mail with a secret link."""
    until = expires_at.astimezone(UTC).strftime("%d %B %Y, %H:%M UTC")
    return _letter(kind, _SUBJECTS[kind], name=name, link=link, until=until)


def news_letter(news: News, name: str, unsubscribe: str, study_url: str) -> Letter:
    """A notification by mail."""
    template = "review_reminder" if news.kind is NotificationKind.REVIEW_REMINDER else "news"
    known = {"title": news.title, "body": news.body, "link": study_url}
    return _letter(template, news.title, name=name, unsubscribe=unsubscribe, **known)


def render(template: str, **known: object) -> str:
    """A template of ours, filled in; in HTML everything is escaped."""
    return _templates.get_template(template).render(known)


def _letter(template: str, subject: str, *, name: str, unsubscribe: str | None = None, **known: str) -> Letter:
    known |= {"greeting": _greeting(name), "subject": subject, "unsubscribe": unsubscribe or ""}
    return Letter(subject, render(f"{template}.txt", **known), render(f"{template}.html", **known), unsubscribe)


def _greeting(name: str) -> str:
    shown = " ".join(name.split())
    return f"Hello {shown}," if len(shown) <= _LONGEST_NAME and looks_like_a_name(shown) else "Hello,"


def message(letter: Letter, *, mail_id: UUID, sender: Address, recipient: Address, now: datetime) -> EmailMessage:
    """The mail as it is sent. Its Message-ID is made of the mail's id, so that a client folds a repetition."""
    made = EmailMessage(policy=SMTP.clone(cte_type="7bit"))  # for servers without 8BITMIME, too
    made["From"] = sender
    made["To"] = recipient
    made["Subject"] = " ".join(letter.subject.split())
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{mail_id}@{sender.domain}>"
    made["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe is not None:
        made["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
    # RFC 8058 wants one click to go over HTTPS; without, the link is for people.
    if letter.unsubscribe is not None and letter.unsubscribe.startswith("https:"):
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(letter.text)
    made.add_alternative(letter.html, subtype="html")
    return made
