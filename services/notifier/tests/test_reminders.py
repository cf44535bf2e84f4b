"""Reminders: at the chosen local time, while something is due, once a day of the student's own, whatever happens."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta

import pytest
from chassis.database import Database
from chassis.personal_data import erase_user
from notifier.kinds import Channel, NotificationKind
from notifier.models import Reminder, tables
from notifier.preferences import Preferences
from notifier.reminder_hours import QuietHours
from sqlalchemy import update

from .diary import Diary

DAY = date(2026, 11, 26)
SIX = datetime(2026, 11, 26, 18, tzinfo=UTC)


@pytest.fixture
async def ada(database: Database) -> Diary:
    """Lives in London, where the 26th is half over and cards are due."""
    ada = Diary(database)
    await ada.lives_in("Europe/London")
    await ada.is_due(DAY)
    return ada


async def test_it_comes_at_the_chosen_local_time(ada: Diary) -> None:
    await ada.until(SIX - timedelta(seconds=1))
    assert await ada.reminded() == []
    await ada.until(SIX)
    assert await ada.reminded() == await ada.listed() == ["2026-11-26"]
    await ada.until(SIX + timedelta(hours=30))
    assert await ada.reminded() == ["2026-11-26"]


async def test_each_day_that_has_something_due_has_one(ada: Diary) -> None:
    for ahead in range(3):
        today = DAY + timedelta(ahead)
        if ahead:
            await ada.is_due(today)
        await ada.until(SIX + timedelta(ahead, hours=1))
        await ada.is_due(today)  # said again in a later version
        await ada.until(SIX + timedelta(ahead, hours=9))
    assert await ada.reminded() == ["2026-11-26", "2026-11-27", "2026-11-28"]
    assert await ada.listed() == ["2026-11-28"], "yesterday's is no news"


async def test_who_has_finished_is_not_reminded(ada: Diary) -> None:
    await ada.is_done(DAY)
    await ada.until(SIX + timedelta(hours=9))
    assert await ada.reminded() == []


async def test_what_becomes_due_in_the_course_of_a_day_is_reminded_of_at_the_time_of_that_day(ada: Diary) -> None:
    await ada.is_done(DAY)
    await ada.is_due(DAY, since=SIX - timedelta(hours=1))
    await ada.until(SIX - timedelta(seconds=1))
    assert await ada.reminded() == []
    await ada.until(SIX + timedelta(hours=1))
    assert await ada.reminded() == ["2026-11-26"]
    listed, since = await ada.texts()
    assert listed == "Cards came in the course of the day, and some are still to be done.", (
        "no count: of all it is told of the first"
    )
    assert since is not None
    assert datetime.fromisoformat(since) == SIX - timedelta(hours=1)
    await ada.is_done(DAY)
    await ada.is_due(DAY, since=SIX + timedelta(hours=1))
    await ada.until(SIX + timedelta(hours=9))
    assert await ada.reminded() == ["2026-11-26"], "one a day"


async def test_what_becomes_due_after_the_time_is_not_reminded_of_that_day(ada: Diary) -> None:
    await ada.is_done(DAY)
    await ada.until(SIX + timedelta(minutes=30))
    await ada.is_due(DAY, since=SIX + timedelta(minutes=30))
    await ada.until(SIX + timedelta(hours=9))
    assert await ada.reminded() == []
    await ada.is_due(DAY + timedelta(1))
    await ada.until(SIX + timedelta(days=1))
    assert await ada.reminded() == ["2026-11-27"]


async def test_what_is_due_may_be_heard_before_the_profile_and_after_its_time(database: Database) -> None:
    early, late, much_too_late = (Diary(database) for _ in range(3))
    await early.is_due(DAY)
    await early.lives_in("Asia/Tokyo")
    planned = await early.row()
    assert planned is not None
    assert planned.next_at == datetime(2026, 11, 26, 9, tzinfo=UTC)
    for diary, delay, days in ((late, 3, ["2026-11-26"]), (much_too_late, 4, [])):
        await diary.lives_in("Europe/London")
        diary.now = SIX + timedelta(hours=delay)
        await diary.is_due(DAY)
        await diary.scheduler().remind()
        assert await diary.reminded() == days


async def test_an_old_version_of_what_is_due_changes_nothing(ada: Diary) -> None:
    await ada.is_done(DAY)
    ada.told = 0
    await ada.is_due(DAY)
    await ada.until(SIX + timedelta(hours=1))
    assert await ada.reminded() == []


async def test_any_number_of_schedulers_remind_once(database: Database) -> None:
    students = [Diary(database) for _ in range(30)]
    for student in students:
        await student.lives_in("Europe/London")
        await student.is_due(DAY)
        student.now = SIX
    await asyncio.gather(*(student.scheduler().remind() for student in students[:4]))
    assert [await student.reminded() for student in students] == [["2026-11-26"]] * 30


async def test_a_scheduler_that_dies_in_between_leaves_the_reminder_to_another(ada: Diary) -> None:
    ada.now = SIX
    connection = await ada.database.engine.connect()
    await connection.execute(update(Reminder).values(told_day=DAY, next_at=None))
    await ada.scheduler().remind()
    assert await ada.reminded() == [], "the row is in another's hands"
    await connection.close()  # which dies, and with it what it did
    await ada.scheduler().remind()
    assert await ada.reminded() == ["2026-11-26"]


async def test_a_row_that_cannot_be_settled_keeps_nobody_waiting(ada: Diary) -> None:
    broken = Diary(ada.database)
    await broken.lives_in("Europe/London")
    await broken.is_due(DAY)
    async with ada.database.transaction() as session:
        await session.execute(
            update(tables.metadata.tables["student"])
            .where(tables.metadata.tables["student"].c.user_id == broken.owner)
            .values(time_zone="Mars/Olympus")
        )
    await ada.until(SIX)
    assert await ada.reminded() == ["2026-11-26"]
    assert (await broken.row()).next_at == SIX + timedelta(hours=1)  # type: ignore[union-attr]


async def test_flying_west_gives_no_second_one_on_the_same_day(database: Database) -> None:
    ada = Diary(database, now=datetime(2026, 11, 26, 0, tzinfo=UTC))
    await ada.lives_in("Asia/Tokyo")
    await ada.is_due(DAY)
    await ada.until(datetime(2026, 11, 26, 10, tzinfo=UTC))
    assert await ada.reminded() == ["2026-11-26"]
    await ada.lives_in("America/Los_Angeles")  # where the 26th has not begun
    await ada.is_due(DAY)
    await ada.until(datetime(2026, 11, 27, 11, tzinfo=UTC))
    assert await ada.reminded() == ["2026-11-26"]
    await ada.is_due(DAY + timedelta(days=1))
    await ada.until(datetime(2026, 11, 28, 2, tzinfo=UTC))
    assert await ada.reminded() == ["2026-11-26", "2026-11-27"]


async def test_flying_east_brings_it_sooner_and_a_little_late(database: Database) -> None:
    ada = Diary(database, now=datetime(2026, 11, 26, 13, tzinfo=UTC))
    await ada.lives_in("America/Los_Angeles")
    await ada.is_due(DAY)
    await ada.until(datetime(2026, 11, 26, 18, tzinfo=UTC))
    assert await ada.reminded() == []
    await ada.lives_in("Europe/Berlin")  # seven in the evening
    await ada.until(datetime(2026, 11, 26, 18, 1, tzinfo=UTC))
    assert await ada.reminded() == ["2026-11-26"]


async def test_a_time_that_has_passed_counts_from_tomorrow_and_the_present_minute_has_not(ada: Diary) -> None:
    await ada.chooses(time(11))
    await ada.until(SIX + timedelta(hours=9))
    assert await ada.reminded() == []
    ada.now = datetime(2026, 11, 27, 12, 0, 40, tzinfo=UTC)
    await ada.is_due(DAY + timedelta(days=1))
    await ada.chooses(time(12))
    await ada.scheduler().remind()
    assert await ada.reminded() == ["2026-11-27"]
    await ada.chooses(time(13))
    await ada.until(datetime(2026, 11, 27, 14, tzinfo=UTC))
    assert await ada.reminded() == ["2026-11-27"], "once a day, however often the time is changed"


async def test_choosing_what_was_chosen_already_does_not_lose_a_reminder_that_is_late(ada: Diary) -> None:
    ada.now = SIX + timedelta(minutes=5)  # no scheduler was there
    await ada.chooses()
    await ada.scheduler().remind()
    assert await ada.reminded() == ["2026-11-26"]


async def test_none_comes_in_quiet_hours(ada: Diary) -> None:
    await ada.chooses(time(21, 30), QuietHours(time(22), time(7)))
    ada.now = datetime(2026, 11, 26, 22, tzinfo=UTC)  # nobody looked in time
    await ada.until(datetime(2026, 11, 27, 3, tzinfo=UTC))
    assert await ada.reminded() == []


@pytest.mark.parametrize("unwanted", [{Channel.EMAIL}, {Channel.IN_APP}, set(Channel)])
async def test_what_is_not_wanted_by_a_channel_does_not_go_there(ada: Diary, unwanted: set[Channel]) -> None:
    choices = {(NotificationKind.REVIEW_REMINDER, channel): False for channel in unwanted}
    async with ada.database.transaction() as session:
        await Preferences(session, ada.owner).choose(choices)
    await ada.until(SIX)
    assert await ada.listed() == ([] if Channel.IN_APP in unwanted else ["2026-11-26"])
    assert await ada.reminded() == ([] if unwanted == set(Channel) else ["2026-11-26"])


async def test_who_is_gone_leaves_nothing_and_gets_nothing(ada: Diary) -> None:
    async with ada.database.transaction() as session:
        await erase_user(session, tables.metadata, ada.owner)
    await ada.is_due(DAY + timedelta(days=1))
    await ada.chooses(time(12, 30))
    await ada.until(SIX)
    assert await ada.row() is None
    assert await ada.reminded() == []


async def test_the_role_looks_again_when_the_next_reminder_comes(ada: Diary) -> None:
    assert await ada.scheduler().remind() == 5.0
    ada.now = SIX - timedelta(seconds=2)
    assert await ada.scheduler().remind() == pytest.approx(2.0)
