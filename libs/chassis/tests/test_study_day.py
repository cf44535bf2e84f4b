"""The student's day, over all zones, clock changes and skipped days."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from chassis.study_day import StudyDay
from hypothesis import given
from hypothesis import strategies as st

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
DAYS = st.builds(StudyDay, zone=st.sampled_from(ZONES), starts_at=st.integers(0, 23))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))


@given(DAYS, MOMENTS)
def test_a_moment_lies_within_its_day(day: StudyDay, moment: datetime) -> None:
    today = day.day_of(moment)
    assert day.start_of(today) <= moment < day.end_of(today)


@given(DAYS, MOMENTS, st.timedeltas(timedelta(0), timedelta(hours=3)))
def test_days_never_go_back(day: StudyDay, moment: datetime, later: timedelta) -> None:
    assert day.day_of(moment) <= day.day_of(moment + later)


@given(DAYS, st.dates(date(1990, 1, 1), date(2037, 12, 31)))
def test_days_begin_one_after_the_other(day: StudyDay, today: date) -> None:
    assert day.start_of(today) <= day.end_of(today)
    assert day.end_of(today) - day.start_of(today) <= timedelta(hours=49)


def test_four_in_the_morning_still_counts_as_yesterday() -> None:
    day = StudyDay("Europe/Berlin", 4)
    assert day.day_of(datetime(2026, 11, 26, 2, 59, tzinfo=UTC)) == date(2026, 11, 25)
    assert day.day_of(datetime(2026, 11, 26, 3, 0, tzinfo=UTC)) == date(2026, 11, 26)


def test_the_day_begins_after_the_gap_when_its_hour_is_skipped() -> None:
    # In Berlin, 2 am does not exist on 29 March 2026: clocks go from 2:00 to 3:00 at 1:00 UTC.
    assert StudyDay("Europe/Berlin", 2).start_of(date(2026, 3, 29)) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_the_day_begins_once_when_its_hour_comes_twice() -> None:
    # In Berlin, 2 am comes twice on 25 October 2026: at 0:00 and at 1:00 UTC.
    day = StudyDay("Europe/Berlin", 2)
    first, second = datetime(2026, 10, 25, 0, 0, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert day.day_of(first - timedelta(seconds=1)) == date(2026, 10, 24)
    assert day.day_of(first) == day.day_of(second) == date(2026, 10, 25)


def test_samoa_had_no_thirtieth_of_december_2011() -> None:
    day = StudyDay("Pacific/Apia", 4)
    assert day.day_of(datetime(2011, 12, 30, 13, 59, tzinfo=UTC)) == date(2011, 12, 29)
    assert day.day_of(datetime(2011, 12, 30, 14, 0, tzinfo=UTC)) == date(2011, 12, 31)


def test_every_zones_days_begin_once_around_each_of_its_changes_of_the_clock() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    days = [first + timedelta(days=number) for number in range(366)]
    for zone in ZONES:
        offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
        changed = [day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]
        for counting in (StudyDay(zone, hour) for hour in (0, 1, 2, 3, 4, 23)):
            for day in changed:
                moments = [day + timedelta(minutes=15 * quarter) for quarter in range(-96, 192)]
                counted = [counting.day_of(moment).toordinal() for moment in moments]
                assert {later - earlier for earlier, later in pairwise(counted)} <= {0, 1}, (zone, counting)
                walls = [moments[end].astimezone(ZoneInfo(zone)).replace(tzinfo=None) for end in (0, -1)]
                began, ended = ((wall - timedelta(hours=counting.starts_at)).date() for wall in walls)
                assert counted[-1] - counted[0] == (ended - began).days, (zone, counting)
