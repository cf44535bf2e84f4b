"""The student's day: it begins at an hour of the student's own, in the student's own zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
# ZoneInfo keeps eight zones, and reads another one's file each time: half a millisecond, three times for a student's day.
_zone = lru_cache(maxsize=1024)(ZoneInfo)


@dataclass(frozen=True, slots=True)
class StudyDay:
    """How a student counts days: an IANA zone, and the local hour (0 to 23) at which a day begins.

    Days are plain dates, free of any zone: a card that is due on the 3rd is due on the 3rd wherever the student is by then.
    """

    zone: str = "UTC"
    starts_at: int = 4

    def start_of(self, day: date) -> datetime:
        """The instant at which `day` begins, in UTC.

        Where the clock is put forward over that hour, the day begins when it has been; where the hour comes twice, at the
        first of them.
        """
        return datetime.combine(day, time(self.starts_at), _zone(self.zone)).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """The student's day at `moment`. Never goes back as time goes on, whatever the clocks do."""
        wall = moment.astimezone(_zone(self.zone)).replace(tzinfo=None)
        day = (wall - timedelta(hours=self.starts_at)).date()
        if moment >= self.start_of(day + _DAY):
            return day + _DAY
        return day if moment >= self.start_of(day) else day - _DAY

    def end_of(self, day: date) -> datetime:
        """The instant at which the day after `day` begins, in UTC."""
        return self.start_of(day + _DAY)
