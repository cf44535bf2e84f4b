"""When a reminder may come: over all zones, clock changes, days that a zone left out, and quiet hours."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from chassis.study_day import StudyDay
from hypothesis import assume, example, given
from hypothesis import strategies as st
from notifier.reminder_hours import LATEST, Hours, QuietHours, window_of

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
COUNTINGS = st.builds(StudyDay, zone=st.sampled_from(ZONES), starts_at=st.integers(0, 23))
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
QUIET = st.builds(QuietHours, TIMES, TIMES).filter(lambda quiet: quiet.begins != quiet.ends)
HOURS = st.builds(Hours, TIMES, st.none() | QUIET)
DAYS = st.dates(date(1990, 1, 1), date(2037, 12, 31))
BERLIN = StudyDay("Europe/Berlin", 4)


@st.composite
def days_of_change(draw: st.DrawFn) -> tuple[StudyDay, date]:
    """A day on which the clock of a zone is changed, which few days drawn at random are."""
    counting = draw(COUNTINGS)
    day, zone = draw(DAYS), ZoneInfo(counting.zone)
    offsets = [datetime.combine(day + timedelta(ahead), time(), zone).utcoffset() for ahead in range(400)]
    changes = [ahead for ahead, (before, after) in enumerate(pairwise(offsets)) if before != after]
    return counting, day + timedelta(draw(st.sampled_from(changes))) if changes else day


WHEN = st.tuples(COUNTINGS, DAYS) | days_of_change()


@given(WHEN, HOURS)
@example((StudyDay("Pacific/Apia", 4), date(2011, 12, 30)), Hours())
@example((StudyDay("Europe/Berlin", 3), date(2026, 3, 28)), Hours(time(2, 30)))
def test_a_window_lies_within_its_day_and_is_short(when: tuple[StudyDay, date], hours: Hours) -> None:
    counting, day = when
    if window := window_of(day, counting, hours):
        assert counting.start_of(day) <= window.opens < window.closes <= counting.end_of(day)
        assert window.closes - window.opens <= LATEST
        assert counting.day_of(window.opens) == day


@given(WHEN, HOURS, st.floats(0, 0.999))  # nearer to 1 the sum is rounded to the end
def test_no_moment_of_a_window_is_quiet(when: tuple[StudyDay, date], hours: Hours, part: float) -> None:
    counting, day = when
    window = window_of(day, counting, hours)
    assume(window is not None and hours.quiet is not None)
    assert window is not None
    for moment in (window.opens, window.opens + part * (window.closes - window.opens)):
        assert not hours.are_quiet(moment, ZoneInfo(counting.zone))


@given(WHEN, TIMES)
def test_every_day_that_there_is_has_a_reminder(when: tuple[StudyDay, date], at: time) -> None:
    counting, day = when
    exists = counting.start_of(day) < counting.end_of(day)
    assert (window_of(day, counting, Hours(at)) is not None) == exists


@given(WHEN, HOURS)
def test_the_windows_of_days_do_not_meet(when: tuple[StudyDay, date], hours: Hours) -> None:
    counting, day = when
    days = (window_of(day + timedelta(ahead), counting, hours) for ahead in range(-1, 2))
    for earlier, later in pairwise(window for window in days if window):
        assert earlier.closes <= later.opens


@given(WHEN, HOURS)
def test_it_comes_at_the_chosen_local_time_wherever_that_exists(when: tuple[StudyDay, date], hours: Hours) -> None:
    counting, day = when
    on = day if hours.wall.hour >= counting.starts_at else day + timedelta(days=1)
    chosen = datetime.combine(on, hours.wall, ZoneInfo(counting.zone)).astimezone(UTC)
    exists = chosen.astimezone(ZoneInfo(counting.zone)).replace(tzinfo=None) == datetime.combine(on, hours.wall)
    assume(exists and counting.day_of(chosen) == day)
    window = window_of(day, counting, hours)
    assert window is not None
    assert window.opens == chosen


@pytest.mark.parametrize(
    ("day", "at", "opens"),
    [
        (date(2026, 11, 26), time(18), "2026-11-26T17:00"),
        (date(2026, 7, 26), time(18), "2026-07-26T16:00"),
        # Before the day's start at four: the night that still counts as yesterday.
        (date(2026, 11, 26), time(1, 30), "2026-11-27T00:30"),
        # The clock goes from 2:00 to 3:00 at 1:00 UTC, and from 3:00 to 2:00.
        (date(2026, 3, 28), time(2, 30), "2026-03-29T01:30"),
        (date(2026, 10, 24), time(2, 30), "2026-10-25T00:30"),
    ],
)
def test_known_days_in_berlin(day: date, at: time, opens: str) -> None:
    window = window_of(day, BERLIN, Hours(at))
    assert window is not None
    assert window.opens == datetime.fromisoformat(opens).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "begins", "ends", "opens", "closes"),
    [
        (time(23), time(22), time(7), time(7), time(11)),  # in them: at their end
        (time(12), time(11), time(13), time(13), time(17)),
        (time(21), time(22), time(7), time(21), time(22)),  # late ones do not reach into them
        (time(7), time(22), time(7), time(7), time(11)),  # their end is not quiet
    ],
)
def test_quiet_hours(at: time, begins: time, ends: time, opens: time, closes: time) -> None:
    window = window_of(date(2026, 11, 26), BERLIN, Hours(at, QuietHours(begins, ends)))
    assert window is not None
    wall = [moment.astimezone(ZoneInfo("Europe/Berlin")).time() for moment in (window.opens, window.closes)]
    assert wall == [opens, closes]
