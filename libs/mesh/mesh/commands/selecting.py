"""Which dead letters an operator means, in the words of the command line."""

import argparse
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from mesh.dead_letters import DeadLetter

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(written: str) -> datetime:
    """`2026-11-26T12:00`, in UTC unless it says otherwise, or `30m`, `2h`, `7d` ago."""
    if ago := re.fullmatch(r"(\d{1,6})([smhdw])", written):
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{written!r} is no time: write 2026-11-26T12:00, or 2h for two hours ago"
        ) from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Selection:
    """Dead letters by id, type and the time of their last failure; whatever is not given does not matter."""

    ids: frozenset[str] = frozenset()
    types: tuple[str, ...] = ()
    reasons: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> "Selection":
        """What was written on the command line."""
        return cls(frozenset(parsed.id), tuple(parsed.type), frozenset(parsed.reason), parsed.since, parsed.until)

    @property
    def is_everything(self) -> bool:
        return self == Selection()

    def __contains__(self, letter: DeadLetter) -> bool:
        died = letter.last_failed_at
        return (
            (not self.ids or letter.id in self.ids)
            and (not self.types or any(fnmatchcase(letter.type, wanted) for wanted in self.types))
            and (not self.reasons or letter.reason in self.reasons)
            and (self.since is None or (died is not None and died >= self.since))
            and (self.until is None or (died is not None and died <= self.until))
        )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """The arguments that `Selection.of` reads, and which consumers are meant."""
    parser.add_argument(
        "--consumer", action="append", default=[], help="such as chat.offer_document_for_study; all, if not given"
    )
    parser.add_argument("--id", action="append", default=[], help="of an event, as `list` shows it")
    parser.add_argument("--type", action="append", default=[], help="of an event; * stands for anything")
    parser.add_argument(
        "--reason", action="append", default=[], help="unreadable, permanent, exhausted, delivery_limit …"
    )
    parser.add_argument("--since", type=moment, help="failed last at this time or later: 2026-11-26T12:00, or 2h ago")
    parser.add_argument("--until", type=moment, help="failed last at this time or earlier")
