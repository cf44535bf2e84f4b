"""How often and after which wait a failed event is tried again."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg

from mesh.errors import Permanent, Transient

# What passes with time, as far as the bus can tell by itself: networks, servers that restart, and by the first two
# letters of SQLSTATE a lost connection, a lost race, exhaustion, a lock, an operator's hand.
_PASSING = (Transient, OSError, asyncpg.InterfaceError)
_PASSING_STATES = ("08", "40", "53", "55", "57")


@dataclass(frozen=True, slots=True)
class Retry:
    """`attempts` counts the first try too; waits grow fourfold from `first` to `longest` seconds.

    `permanent` errors make a message dead at once. `expected` ones pass with time, like `Transient` and whatever came of a
    network or a server; an error of any other kind is taken for a mistake of ours and gets only `unexpected` attempts.
    """

    attempts: int = 8
    first: float = 0.25
    longest: float = 256.0
    permanent: tuple[type[Exception], ...] = ()
    expected: tuple[type[Exception], ...] = ()
    unexpected: int = 4

    def delay(self, attempt: int, error: Exception) -> float | None:
        """Seconds until the next try after `attempt` failed with `error`; None when it is to be given up."""
        if isinstance(error, (Permanent, *self.permanent)):
            return None
        known = isinstance(error, self.expected) or passes_with_time(error)
        if attempt >= (self.attempts if known else min(self.attempts, self.unexpected)):
            return None
        wait = min(self.longest, self.first * 4.0 ** (attempt - 1))
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def passes_with_time(error: Exception) -> bool:
    """Whether it, or what it came of, is of a kind that another try may not meet."""
    return any(
        isinstance(cause, _PASSING) or str(getattr(cause, "sqlstate", None) or "").startswith(_PASSING_STATES)
        for cause in causes(error)
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came of: clients wrap what the network said, and databases what the driver did."""
    current: BaseException | None = error
    seen: set[int] = set()
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = getattr(current, "orig", None) or current.__cause__


# Eight tries over about ten minutes for what passes with time, four in some seconds for what should not have happened.
transient = Retry()
# For what cannot pass with time: once, then dead.
never = Retry(attempts=1)
