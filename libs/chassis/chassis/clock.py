"""Time as something that is handed in, so that the domain never asks the machine."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present moment, aware and in UTC."""
    return datetime.now(UTC)
