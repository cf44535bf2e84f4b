"""Reminders from the event to the tab and the mail server, and what a bad mail server does to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from chassis.study_day import StudyDay
from contracts.flashcard import DueDeck, ReviewsCleared, ReviewsDue
from contracts.notifier import ReviewReminderRaised
from devstack.waiting import until
from notifier.models import MailStatus
from notifier.notifications import notification_id
from notifier.posting import Pace
from notifier.reminders import subject_of
from notifier.students import Students

from .campus import Campus, Student
from .post import became, dead_letter
from .smtp_server import free_port, smtp_server
from .test_mail import parts, towards
from .test_mailed_news import profile

ROLES = ("consumer", "relay", "scheduler")


def zone_where_it_is_noon() -> str:
    """So that no test meets the end of a day."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+}" if ahead else "Etc/GMT"


def today() -> date:
    return StudyDay(zone_where_it_is_noon(), 4).day_of(datetime.now(UTC))


async def told_of_cards(campus: Campus, student: Student) -> None:
    """A profile, cards that are due, and a reminder in this minute."""
    said = profile(student).model_dump() | {"time_zone": zone_where_it_is_noon()}
    await campus.tell(type(profile(student))(**said))
    ends = datetime.now(UTC) + timedelta(hours=12)
    decks = [
        DueDeck(name=name, cards=cards)
        for name, cards in (("Rock & Roll", 9), ("History", 4), ("win at evil.example", 2))
    ]
    await campus.tell(
        ReviewsDue(
            version=1, user_id=student.id, day=today(), reviews=12, new=5, day_ends_at=ends, decks=decks, more_decks=1
        )
    )

    async def reminded() -> bool:
        minute = {"reminder_time": f"12:{datetime.now(UTC):%M}"}
        chosen = (await student.client.put("/notifications/preferences", json=minute)).json()
        return chosen["next_reminder_at"] is None and bool((await student.notifications())["items"])

    await until(reminded)


async def test_a_reminder_reaches_the_tab_the_list_and_the_mail_and_is_turned_off_with_one_click(
    campus: Campus,
) -> None:
    public = {"public_url": "https://study.example.org", "study_url": "https://study.example.org/review"}
    async with smtp_server() as server, campus.process(*ROLES, **towards(server, **public)):
        ada = await campus.student()
        async with ada.tab() as tab:
            await told_of_cards(campus, ada)
            pushed = (await tab.hears("notification"))["data"]
        (listed,) = (await ada.notifications())["items"]
        assert pushed == listed
        assert listed["body"] == (
            "12 reviews and 5 new cards are due today: Rock & Roll 9, History 4, 2 other decks 4. Some are still to be done."
        )
        counts = {name: listed["data"][name] for name in ("day", "reviews", "new", "more_decks")}
        assert counts == {"day": today().isoformat(), "reviews": 12, "new": 5, "more_decks": 1}
        assert listed["data"]["decks"][2] == {"name": "win at evil.example", "cards": 2}

        async def arrived() -> bool:
            return bool(server.mails)

        await until(arrived)
        (mail,) = server.mails
        assert mail["Message-ID"] == f"<{listed['id']}@localhost>"
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        for part, name in zip(parts(mail), ("Rock & Roll 9", "Rock &amp; Roll 9"), strict=True):
            assert f"12 reviews and 5 new cards are due today: {name}, History 4, 2 other decks 4." in part.replace(
                "\n", " "
            )
            assert "evil" not in part, "a name that leads somewhere is no name"
            assert "https://study.example.org/review" in part
        link = urlsplit(mail["List-Unsubscribe"].strip("<>"))
        click = f"{link.path.removeprefix('/api/v1')}?{link.query}"
        nobody = {"Authorization": ""}
        for _ in range(2):
            done = await ada.client.post(click, headers=nobody, data={"List-Unsubscribe": "One-Click"})
            assert done.status_code == 200
        chosen = (await ada.client.get("/notifications/preferences")).json()
        assert chosen["review_reminder"] == {"in_app": True, "email": False}
        # Who finishes sees no reminder any more.
        await campus.tell(ReviewsCleared(version=2, user_id=ada.id, day=today()))

        async def withdrawn() -> bool:
            return not (await ada.notifications())["items"]

        await until(withdrawn)


def raised(student: Student, version: int = 1, life: timedelta = timedelta(hours=1)) -> ReviewReminderRaised:
    return ReviewReminderRaised(
        version=1,
        notification_id=notification_id(subject_of(student.id), "review_reminder", version),
        user_id=student.id,
        due_version=version,
        day=today(),
        reviews=version,
        new=0,
        expires_at=datetime.now(UTC) + life,
    )


async def known(campus: Campus) -> Student:
    student = await campus.student()
    async with campus.database.transaction() as session:
        await Students(session).put(profile(student))
    return student


async def test_after_an_outage_yesterdays_reminder_is_not_sent_along_with_todays(campus: Campus) -> None:
    port = free_port()
    async with campus.running(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none"):
        ada = await known(campus)
        await campus.tell(old := raised(ada, 1))
        await became(campus, old.notification_id, MailStatus.SENDING)
        campus.ahead = timedelta(hours=1)
        async with smtp_server(port=port) as server:
            await campus.tell(new := raised(ada, 2, timedelta(hours=2)))
            await became(campus, new.notification_id, MailStatus.DELIVERED)
            await became(campus, old.notification_id, MailStatus.EXPIRED)
            assert [mail["Message-ID"] for mail in server.mails] == [f"<{new.notification_id}@localhost>"]


async def test_who_finished_while_the_server_was_away_is_not_reminded(campus: Campus) -> None:
    port = free_port()
    async with campus.running(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none"):
        ada, bob = await known(campus), await known(campus)
        await campus.tell(reminder := raised(ada, 1))
        await became(campus, reminder.notification_id, MailStatus.SENDING)
        await campus.tell(ReviewsCleared(version=2, user_id=ada.id, day=today()))
        await campus.taken(1)
        async with smtp_server(port=port) as server:
            # As the retry does, of which nobody knows when it comes.
            await campus.tell(reminder)
            await campus.tell(other := raised(bob, 1))
            await became(campus, other.notification_id, MailStatus.DELIVERED)
            await became(campus, reminder.notification_id, MailStatus.UNWANTED)
            assert [mail["Message-ID"] for mail in server.mails] == [f"<{other.notification_id}@localhost>"]


async def test_a_reminder_at_the_end_of_quiet_hours_is_mailed_by_a_process_whose_clock_is_behind(
    campus: Campus,
) -> None:
    async with smtp_server() as server, campus.running(**towards(server)):
        ada = await known(campus)
        now = datetime.now(ZoneInfo("Europe/London"))
        quiet = {"begins": f"{now - timedelta(hours=1):%H:%M}", "ends": f"{now:%H:%M}"}
        chosen = await ada.client.put("/notifications/preferences", json={"quiet_hours": quiet})
        assert chosen.status_code == 200, chosen.text
        campus.ahead = timedelta(seconds=-90)
        await campus.tell(reminder := raised(ada))
        await became(campus, reminder.notification_id, MailStatus.DELIVERED)


async def test_a_reminder_that_waited_is_not_sent_into_quiet_hours_chosen_meanwhile(campus: Campus) -> None:
    port = free_port()
    async with campus.running(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none"):
        ada, bob = await known(campus), await known(campus)
        await campus.tell(reminder := raised(ada))
        await became(campus, reminder.notification_id, MailStatus.SENDING)
        now = datetime.now(ZoneInfo("Europe/London"))
        quiet = {name: f"{now + timedelta(hours=ahead):%H:%M}" for name, ahead in (("begins", -1), ("ends", 1))}
        await ada.client.put("/notifications/preferences", json={"quiet_hours": quiet})
        async with smtp_server(port=port) as server:
            await campus.tell(reminder)
            await campus.tell(other := raised(bob))
            await became(campus, other.notification_id, MailStatus.DELIVERED)
            await became(campus, reminder.notification_id, MailStatus.UNWANTED)
            assert [mail["Message-ID"] for mail in server.mails] == [f"<{other.notification_id}@localhost>"]


async def test_a_reminder_for_which_no_server_can_be_reached_fails_where_operators_see_it(campus: Campus) -> None:
    async with campus.running(smtp_host="127.0.0.1", smtp_port=free_port(), smtp_tls="none"):
        ada = await known(campus)
        await campus.tell(reminder := raised(ada), attempt=16)
        await became(campus, reminder.notification_id, MailStatus.UNREACHABLE)
        assert (await dead_letter(campus, "notifier.mail_reminder"))["mesh-reason"] == "exhausted"


@asynccontextmanager
async def mute_server() -> AsyncIterator[int]:
    """Takes connections and never says a word; its port."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_server_that_hangs_is_left_after_a_while_and_keeps_no_transaction_open(campus: Campus) -> None:
    async with (
        mute_server() as port,
        campus.running(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none", smtp_seconds=0.3),
    ):
        ada = await known(campus)
        await campus.tell(reminder := raised(ada))

        async def tried_twice() -> bool:
            return (await became(campus, reminder.notification_id, MailStatus.SENDING)).attempts > 1

        await until(tried_twice)


async def test_mails_that_waited_leave_at_a_bounded_rate(campus: Campus) -> None:
    count = 8
    async with smtp_server() as server, campus.running(**towards(server, mails_per_second=10)):
        students = [await known(campus) for _ in range(count)]
        begun = asyncio.get_running_loop().time()
        for student in students:
            await campus.tell(raised(student))

        async def all_arrived() -> bool:
            return len(server.mails) == count

        await until(all_arrived)
        assert asyncio.get_running_loop().time() - begun >= (count - 1) / 10


async def test_a_pace_gives_turns_evenly_and_saves_none_up() -> None:
    pace, loop = Pace(20), asyncio.get_running_loop()
    await pace.turn()
    begun = loop.time()
    await asyncio.gather(*(pace.turn() for _ in range(4)))
    assert loop.time() - begun >= 0.19
