"""A circuit breaker: a provider that fails again and again is left alone for a while, so that nobody waits for it.

Closed, it lets everybody through. After some failures in a row, or at once where the provider asks for it or is set up wrongly, it
opens. When its time is over it is half open: one request tries, and what becomes of it closes the breaker or opens it for longer.
"""

from enum import IntEnum

from chat.model import ModelFailed, ModelMisconfigured

FAILURES = 3
FIRST_PAUSE = 15.0
LONGEST_PAUSE = 300.0
LONGEST_ASKED = 3600.0


class State(IntEnum):
    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """The breaker of one provider. Times are seconds of any clock that only goes forward."""

    def __init__(self) -> None:
        self.state = State.CLOSED
        self.reason: ModelFailed | None = None
        """What opened it last."""
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._until = 0.0
        self._trying = False

    def admits(self, now: float) -> bool:
        """Whether a request may go through. Whoever is let through says how it ended: with one of the four below."""
        if self.state is State.OPEN and now >= self._until:
            self.state, self._trying = State.HALF_OPEN, False
        if self.state is State.HALF_OPEN and not self._trying:
            self._trying = True
            return True
        return self.state is State.CLOSED

    def waits(self, now: float) -> float:
        """Seconds until it may let somebody through."""
        return max(0.0, self._until - now) if self.state is State.OPEN else 0.0

    def spoke(self) -> None:
        """The provider began to answer: enough to let others through, not enough to forget its failures."""
        if self.state is State.HALF_OPEN:
            self.state, self._failures = State.CLOSED, FAILURES - 1

    def answered(self) -> None:
        """A whole answer. One that was begun before the breaker opened says nothing of the time after."""
        if self.state is not State.OPEN:
            self.state, self._failures, self._pause = State.CLOSED, 0, FIRST_PAUSE

    def failed(self, why: ModelFailed, now: float) -> bool:
        """The provider failed; True where that opens the breaker."""
        if self.state is State.OPEN:
            return False
        self._failures += 1
        if why.asked_to_wait is not None:
            return self._open(why, now, min(why.asked_to_wait, LONGEST_ASKED))
        if isinstance(why, ModelMisconfigured):
            return self._open(why, now, LONGEST_PAUSE)
        if self.state is State.HALF_OPEN or self._failures >= FAILURES:
            pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
            return self._open(why, now, pause)
        return False

    def left(self) -> None:
        """Whoever was let through left before there was anything to say."""
        self._trying = False

    def _open(self, why: ModelFailed, now: float, pause: float) -> bool:
        self.state, self.reason, self._until = State.OPEN, why, now + pause
        return True
