"""How often and after which wait a failed event is tried again."""

import random
from dataclasses import dataclass

from mesh.errors import Permanent


@dataclass(frozen=True, slots=True)
class Retry:
    """`attempts` counts the first try too; waits grow fourfold from `first` to `longest` seconds.

    `permanent` errors make a message dead at once. When `expected` is given, errors of other kinds are taken for
    mistakes of ours and get only `unexpected` attempts.
    """

    attempts: int = 8
    first: float = 0.25
    longest: float = 256.0
    permanent: tuple[type[Exception], ...] = ()
    expected: tuple[type[Exception], ...] = ()
    unexpected: int = 3

    def delay(self, attempt: int, error: Exception) -> float | None:
        """Seconds until the next try after `attempt` failed with `error`; None when it is to be given up."""
        if isinstance(error, (Permanent, *self.permanent)):
            return None
        known = not self.expected or isinstance(error, self.expected)
        if attempt >= (self.attempts if known else min(self.attempts, self.unexpected)):
            return None
        wait = min(self.longest, self.first * 4.0 ** (attempt - 1))
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


# Eight tries over about ten minutes.
transient = Retry()
# For what cannot pass with time: once, then dead.
never = Retry(attempts=1)
