"""The demo's mail: the address is verified by its link, and the reminder of today's cards comes when its time does."""

import re
import time
from datetime import datetime
from html import unescape
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.panel import Panel
from rich.text import Text
from student import DemoFailed, Json, Student

# Flashcard looks every few seconds whose day began, and mail takes its turn.
REMINDER_SECONDS = 60.0
_TOKEN = re.compile(r"verify-email#token=(stml_[\w-]+)")


def mail(student: Student, console: Console, user: Json) -> None:
    """Confirm the address, then have the daily reminder now."""
    if student.local_mails() is None:
        console.print("\n[bold]8[/] A mail to verify the address was sent by the mail server.\n")
        return
    link = _TOKEN.search(_wait_for(student, user, "Confirm your email address"))
    if link is None:
        raise DemoFailed("The mail to verify the address has no link.")
    student.verify(link[1])
    console.print("\n[bold]8[/] The address is verified by the link in its mail.")
    reminder = _wait_for_reminder(student, user)
    console.print("  The reminder of the day, whose time is now:")
    console.print(Panel(Text(reminder), border_style="dim"))
    console.print(f"  {student.url}/api/v1/mail lists both.\n")


def _wait_for_reminder(student: Student, user: Json) -> str:
    """Its time is the present minute, chosen anew as often as a minute goes by."""
    deadline = time.monotonic() + REMINDER_SECONDS
    while time.monotonic() < deadline:
        now = datetime.now(ZoneInfo(user["time_zone"]))
        student.put("/notifications/preferences", reminder_time=f"{now:%H:%M}")
        for _ in range(10):
            if (found := _mail_of(student, user, "Cards are waiting")) is not None:
                return found
            time.sleep(0.5)
    raise DemoFailed(f"Cards are due, but no reminder came within {REMINDER_SECONDS:g} s.")


def _wait_for(student: Student, user: Json, subject: str) -> str:
    deadline = time.monotonic() + REMINDER_SECONDS
    while (found := _mail_of(student, user, subject)) is None:
        if time.monotonic() > deadline:
            raise DemoFailed(f"No mail “{subject}” for {user['email']} came.")
        time.sleep(0.2)
    return found


def _mail_of(student: Student, user: Json, subject: str) -> str | None:
    """The text of the student's mail with this in its subject, from the page that lists them on a laptop."""
    for article in (student.local_mails() or "").split("<article>")[1:]:
        title = re.search(r"<h2>(.*?)</h2>", article)
        if title and subject in title[1] and f"To {user['email']}," in article:
            return unescape(re.sub(r"<[^>]+>", "", article.split("<pre>")[1].split("</pre>")[0]))
    return None
