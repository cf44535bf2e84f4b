"""What the pytest plugin's fixtures do: clean servers for each test, as cheaply as can be."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from devstack.administrator import Administrator
from devstack.choosing import containers_wanted
from devstack.places import temporary_home
from devstack.redis import DATABASES
from devstack.servers import Postgres, Stack, Tuning

CUT_OFF = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = $1"
EMPTIED = """
DO $$
DECLARE schema name;
BEGIN
    FOR schema IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', schema);
    END LOOP;
    CREATE SCHEMA public;
END $$
"""


class TestServers:
    """The servers of a test run, as one worker sees them. Nothing starts before it is asked for."""

    __test__ = False

    def __init__(self, folder: Path, owner: int, worker: str, tuning: Tuning = Tuning.FAST) -> None:
        self.folder = folder
        self.worker = worker
        self._owner = owner
        self._tuning = tuning
        self._stack: Stack | None = None
        self._administrator: Administrator | None = None
        self._vhosts = 0
        self._databases = 0

    @property
    def stack(self) -> Stack:
        if self._stack is None:
            # A container belongs to the process that made it: each worker has its own.
            folder = self.folder / self.worker if containers_wanted() else self.folder
            self._stack = Stack(folder, self._tuning, owner=self._owner, temporary=True)
        return self._stack

    def postgres(self) -> Postgres:
        self.stack.postgres.recover()
        return self.stack.postgres

    @contextmanager
    def database(self) -> Iterator[str]:
        """URL of an empty database. What a test before has left connected is cut off, and does not find it again.

        One is made for all tests of a worker: to make and to drop it takes ten times as long. For each it is emptied, and called otherwise.
        """
        url = self.postgres().url
        administrator = self._connected(url)
        before, self._databases = f"{self.worker}_own_{self._databases}", self._databases + 1
        name = f"{self.worker}_own_{self._databases}"
        if administrator.value("SELECT 1 FROM pg_database WHERE datname = $1", before) is None:
            administrator.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        else:
            administrator.execute(f"ALTER DATABASE {before} ALLOW_CONNECTIONS false")
            administrator.value(CUT_OFF, before)
            administrator.execute(f"ALTER DATABASE {before} RENAME TO {name}")
            administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        own = url.removesuffix("/postgres") + f"/{name}"
        with Administrator(own) as inside:
            inside.execute(EMPTIED)
        yield own.replace("postgresql://", "postgresql+asyncpg://")

    def _connected(self, url: str) -> Administrator:
        if self._administrator is not None:
            try:
                self._administrator.execute("SELECT 1")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                self._administrator.close()  # a fault test killed the server under it
                self._administrator = None
        if self._administrator is None:
            self._administrator = Administrator(url)
        return self._administrator

    def redis(self) -> str:
        """URL of a database number of this worker's, emptied."""
        self.stack.redis.recover()
        # Two databases for each worker: the second is free for what must not see the first.
        number = 2 * int("".join(filter(str.isdigit, self.worker)) or 0) % DATABASES
        self.stack.redis.command("FLUSHDB", database=number)
        return f"{self.stack.redis.url.removesuffix('/0')}/{number}"

    def vhost(self) -> str:
        """URL of an empty virtual host of this worker's, in place of the one before."""
        self.stack.rabbitmq.recover()
        before, self._vhosts = self._vhosts, self._vhosts + 1
        return self.stack.rabbitmq.fresh_vhost(f"{self.worker}_{self._vhosts}", instead_of=f"{self.worker}_{before}")

    def disconnect(self) -> None:
        """Let go of the servers; the run goes on."""
        if self._administrator is not None:
            self._administrator.close()
        if self._stack is not None and self._stack.contained:
            self._stack.close()

    def end(self) -> None:
        """Stop whatever this run started."""
        if self.folder.exists():
            Stack(self.folder, self._tuning, owner=self._owner, temporary=True).close()


def breakable_servers(owner: int) -> TestServers:
    """Servers that may be killed and frozen: nobody else's, and durable."""
    return TestServers(temporary_home(), owner, "faults", Tuning.DURABLE)
