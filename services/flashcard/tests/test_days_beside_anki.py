"""Our days beside Anki's, by its own package, around changes of the clock and in ordinary weeks."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from chassis.study_day import StudyDay

from .anki_days import CLOCK

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="Anki's clock is set by a few lines of C")
# By whole hours and by half of one; at 2, at midnight; north and south; never.
ZONES = [
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "America/Santiago",
    "Pacific/Auckland", "Pacific/Honolulu", "Asia/Kathmandu", "UTC",
]  # fmt: skip
HOURS = (0, 1, 2, 3, 4, 12, 23)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that tells the time that it was told."""
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(CLOCK)
    build = ["cc", "-shared", "-fPIC", "-o", "clock.so", "clock.c", "-ldl"]
    subprocess.run(build, cwd=folder, check=True)
    return folder / "clock.so"


def moments(zone: str) -> Iterator[datetime]:
    """Every half hour of the days around the year's changes of the clock, and of an ordinary one."""
    place, first = ZoneInfo(zone), datetime(2026, 1, 1, tzinfo=UTC)
    days = [first + timedelta(days=number) for number in range(366)]
    changed = [
        day for day in days if day.astimezone(place).utcoffset() != (day + 24 * HOUR).astimezone(place).utcoffset()
    ]
    for day in [datetime(2026, 6, 10, tzinfo=UTC), *changed]:
        for half_hours in range(-48, 96):
            for second in (0, -1):
                yield day + half_hours * HOUR / 2 + timedelta(seconds=second)


def by_anki(clock: Path, zone: str, asked: list[tuple[int, int]]) -> list[tuple[int, int]]:
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("anki_days.py")), str(clock)],
        env={**os.environ, "TZ": zone, "LD_PRELOAD": str(clock)},
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=100,
    )
    return [tuple(answer) for answer in json.loads(run.stdout)]


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_is_the_one_that_anki_counts_and_ends_when_it_says(clock: Path, zone: str) -> None:
    place, same = ZoneInfo(zone), 0
    asked = [(moment, hour) for moment in moments(zone) for hour in HOURS]
    told = by_anki(clock, zone, [(int(moment.timestamp()), hour) for moment, hour in asked])
    first = StudyDay(zone, asked[0][1]).day_of(asked[0][0]).toordinal() - told[0][0]
    for (moment, hour), (days, next_day_at) in zip(asked, told, strict=True):
        counting = StudyDay(zone, hour)
        today = counting.day_of(moment)
        assert today.toordinal() - days == first, (hour, moment)
        ends = counting.end_of(today)
        # Anki does not see a change of the clock coming: until it has been, its day ends an hour off.
        if ends.astimezone(place).utcoffset() == moment.astimezone(place).utcoffset():
            same += 1
            assert ends.timestamp() == next_day_at, (hour, moment)
    assert same > len(asked) / 2
