"""A private Redis."""

import secrets
import signal
import socket
from typing import Any, ClassVar

from devstack import installing
from devstack.places import write_private
from devstack.processes import Spec
from devstack.server import Server, Tuning

DATABASES = 64


class Redis(Server):
    """The URL names database 0 of `DATABASES`."""

    name: ClassVar[str] = "redis"
    account: ClassVar[str] = "redis"

    @property
    def url(self) -> str:
        return f"redis://:{self.facts['password']}@127.0.0.1:{self.ports[0]}/0"

    def new_facts(self) -> dict[str, Any]:
        return {"password": secrets.token_urlsafe(24)}

    def prepare(self) -> None:
        durable = self.tuning is Tuning.DURABLE
        settings = {
            "bind": "127.0.0.1",
            "port": self.ports[0],
            "requirepass": self.facts["password"],
            "databases": DATABASES,
            "dir": self.home,
            "save": '""',
            "appendonly": "yes" if durable else "no",
            "maxmemory": "128mb",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        text = "".join(f"{key} {value}\n" for key, value in settings.items())
        write_private(self.home / "redis.conf", text, self.user)

    def specs(self) -> list[Spec]:
        return [
            Spec(
                name=self.name,
                argv=[str(installing.program("redis")), str(self.home / "redis.conf")],
                env={"PATH": "/usr/bin:/bin"},
                cwd=str(self.home),
                log=str(self.log),
                layer=1,
                user=self.user,
                stop_signal=signal.SIGKILL if self.tuning is Tuning.FAST else signal.SIGTERM,
            )
        ]

    def answers(self) -> bool:
        try:
            return self.command("PING") == b"+PONG"
        except OSError:
            return False

    def command(self, *words: str, database: int = 0, timeout: float = 5) -> bytes:
        """Run one command that answers in one line; returns that line. Raises OSError when nobody answers."""
        lines = [("AUTH", self.facts["password"]), ("SELECT", str(database)), words]
        with socket.create_connection(("127.0.0.1", self.ports[0]), timeout=timeout) as connection:
            connection.sendall("".join(" ".join(line) + "\r\n" for line in lines).encode())
            with connection.makefile("rb") as replies:
                return [replies.readline() for _ in lines][-1].strip()
