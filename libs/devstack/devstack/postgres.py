"""A private PostgreSQL."""

import secrets
import signal
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import asyncpg

from devstack import installing
from devstack.administrator import Administrator
from devstack.errors import DevstackError
from devstack.places import write_private
from devstack.processes import Spec, as_user
from devstack.server import Server, Tuning

# wal_level minimal: nobody replicates a laptop, and it writes less.
COMMON = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "log_checkpoints": "off",
}
BY_TUNING = {
    Tuning.FAST: {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "shared_buffers": "64MB",
        "max_connections": "200",
    },
    Tuning.DURABLE: {
        "shared_buffers": "48MB",
        "max_connections": "120",
        "max_worker_processes": "2",
        "max_parallel_workers": "0",
        "max_wal_size": "256MB",
    },
}


class Postgres(Server):
    """One cluster; the URL is its superuser's. Which databases and roles are in it is the caller's business."""

    name: ClassVar[str] = "postgres"
    account: ClassVar[str] = "postgres"

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self.facts['password']}@127.0.0.1:{self.ports[0]}/postgres"

    def new_facts(self) -> dict[str, Any]:
        return {"password": secrets.token_urlsafe(24)}

    @property
    def data(self) -> Path:
        return self.home / "data"

    def prepare(self) -> None:
        if (self.data / "PG_VERSION").exists():
            self._check_version()
            return
        password = write_private(self.home / "password", self.facts["password"], self.user)
        outcome = subprocess.run(
            [
                *(str(installing.program("postgres") / "initdb"), "--pgdata", str(self.data)),
                *("--username", "postgres", "--pwfile", str(password)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"),
                *(["--no-sync"] if self.tuning is Tuning.FAST else []),
            ],
            cwd=self.home,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
            umask=0o077,
            **as_user(self.user),
        )
        password.unlink()
        if outcome.returncode != 0:
            raise DevstackError(f"PostgreSQL's initdb failed:\n{outcome.stderr.strip()}")

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        program = str(installing.program("postgres") / "postgres")
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        if f" {made_by}." not in version:
            raise DevstackError(
                f"The data was written by PostgreSQL {made_by}, and {version.strip()} cannot read it. "
                f"Install PostgreSQL {made_by}, or remove the data with: make clean"
            )

    def specs(self) -> list[Spec]:
        settings = {**COMMON, **BY_TUNING[self.tuning], "port": str(self.ports[0])}
        return [
            Spec(
                name=self.name,
                argv=[
                    str(installing.program("postgres") / "postgres"),
                    *("-D", str(self.data)),
                    *(word for key, value in settings.items() for word in ("-c", f"{key}={value}")),
                ],
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(self.home)},
                cwd=str(self.home),
                log=str(self.log),
                layer=1,
                user=self.user,
                # "Fast shutdown" for data that we keep, "immediate" for data that is thrown away.
                stop_signal=signal.SIGQUIT if self.tuning is Tuning.FAST else signal.SIGINT,
            )
        ]

    def answers(self) -> bool:
        try:
            Administrator(self.url).close()
        except (OSError, asyncpg.PostgresError):
            return False
        return True
