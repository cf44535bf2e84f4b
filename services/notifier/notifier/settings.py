"""What notifier reads from its environment."""

from datetime import timedelta
from typing import ClassVar

from chassis.settings import StoringSettings
from pydantic import Field


class Settings(StoringSettings, env_prefix="NOTIFIER_"):
    """Settings of notifier; durations in seconds unless they say otherwise."""

    service: ClassVar[str] = "notifier"

    port: int = Field(8104, ge=0, le=65535)

    ticket_seconds: float = Field(30.0, gt=0, le=600, description="A ticket for a socket is good for so long")
    sockets: int = Field(2000, ge=1, description="Open sockets of one process")
    sockets_per_user: int = Field(20, ge=1, description="Of one user, in one process")
    socket_waiting: int = Field(200, ge=2, description="Frames that may wait for a slow reader before it is dropped")
    ping_seconds: float = Field(20.0, gt=0, le=300, description="Between pings")
    pong_seconds: float = Field(
        20.0, gt=0, le=300, description="A socket that does not answer one for so long is closed"
    )

    keep_days: int = Field(90, ge=1, description="Days that notifications are kept")

    @property
    def ticket_life(self) -> timedelta:
        return timedelta(seconds=self.ticket_seconds)

    @property
    def keep(self) -> timedelta:
        return timedelta(days=self.keep_days)
