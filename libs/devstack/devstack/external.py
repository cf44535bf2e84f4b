"""Servers that the environment names: used as they are, never started, stopped or erased by us."""

import socket
from urllib.parse import urlsplit

from devstack.errors import DevstackError
from devstack.provisioning import without_password

DEFAULT_PORTS = {"postgresql": 5432, "redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}


class External:
    """A server found in variable `named_by`."""

    def __init__(self, named_by: str, url: str) -> None:
        self.named_by = named_by
        self.url = url.replace("postgresql+asyncpg://", "postgresql://", 1)

    def start(self) -> None:
        """Make sure that something answers there."""
        parts = urlsplit(self.url)
        try:
            address = (parts.hostname or "127.0.0.1", parts.port or DEFAULT_PORTS[parts.scheme])
        except (KeyError, ValueError):
            known = ", ".join(DEFAULT_PORTS)
            raise DevstackError(f"{self.named_by} is no URL of a server (one that begins with {known}).") from None
        try:
            socket.create_connection(address, timeout=5).close()
        except OSError as error:
            raise DevstackError(
                f"Nothing answers at {without_password(self.url)} ({error}). Start that server, or take {self.named_by} "
                "away, and a private one is started."
            ) from None
