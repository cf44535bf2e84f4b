"""When a student's reminder comes on a day of the student's own: from when, and until when it is still worth sending."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chassis.study_day import StudyDay

USUAL_TIME = time(18)
# A reminder that is later than this is not sent: the evening is over, and tomorrow has one of its own.
LATEST = timedelta(hours=4)
# Clock times have minutes, and so have the offsets of all zones today.
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local times between which no reminder comes; over midnight where they end before they begin. Never equal."""

    begins: time
    ends: time

    def cover(self, wall: time) -> bool:
        """Whether a local time lies in them; their end does not."""
        if self.begins < self.ends:
            return self.begins <= wall < self.ends
        return wall >= self.begins or wall < self.ends


@dataclass(frozen=True, slots=True)
class Hours:
    """A student's choice. A time that lies in the quiet hours means their end."""

    at: time = USUAL_TIME
    quiet: QuietHours | None = None

    @property
    def wall(self) -> time:
        """The local time at which the reminder comes."""
        return self.quiet.ends if self.quiet and self.quiet.cover(self.at) else self.at

    def are_quiet(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Whether no reminder comes at this moment."""
        return self.quiet is not None and self.quiet.cover(moment.astimezone(zone).time())


@dataclass(frozen=True, slots=True)
class Window:
    """The reminder of a day comes at `opens`, or as soon after it as it can, and never at or after `closes`."""

    opens: datetime
    closes: datetime


def window_of(day: date, counting: StudyDay, hours: Hours) -> Window | None:
    """When the reminder of a student's day may come; None for a day that is quiet to its end, or that a zone left out.

    A time that the clock skips comes as much later as the clock was put forward, but within the day; of one that comes twice it
    is the first. The window lies within the day and holds no quiet moment.
    """
    begins, ends, zone = counting.start_of(day), counting.end_of(day), ZoneInfo(counting.zone)
    on = day if hours.wall.hour >= counting.starts_at else day + _DAY
    chosen = datetime.combine(on, hours.wall, zone).astimezone(UTC)
    opens = max(begins, min(chosen, ends - _MINUTE))
    while opens < ends and hours.are_quiet(opens, zone):
        opens += _MINUTE
    closes, last = opens, min(ends, opens + LATEST)
    while closes < last and not hours.are_quiet(closes, zone):
        closes += _MINUTE
    return Window(opens, min(closes, last)) if opens < closes else None
