"""The whole mesh on one machine: servers, schemas, secrets, and a process for each service."""

import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from devstack.errors import DevstackError
from devstack.external import External
from devstack.local_process import LocalProcess
from devstack.migrating import Migrations
from devstack.parts import EDGE, EDGE_PORT, OPERATOR, PARTS, Part, mesh_environment, operators, own, variable
from devstack.places import data_home, passage_folder, write_private
from devstack.ports import free_ports
from devstack.processes import Spec
from devstack.progress import Progress
from devstack.provisioning import provision
from devstack.remembered import Secrets, remembered
from devstack.servers import Server, Stack, Tuning

READY_SECONDS = 90.0
GRACE_SECONDS = 30.0


class AlreadyRunning(DevstackError):
    """Another process runs the mesh of this folder."""

    def __init__(self, owner: int | None) -> None:
        super().__init__(
            f"The mesh of this checkout runs already (process {owner}). Stop it there with Ctrl-C, or here with: make stop"
        )


class LocalMesh:
    """Starts and stops the mesh. Everything it keeps lies under `state`, but for servers' data where their users cannot go there.

    `given` are settings (the environment, with `.env` in it): they go before what is chosen here. The mesh ends with this
    process, and if it is `temporary`, so does `home` with all that is in it.
    """

    def __init__(
        self,
        state: Path,
        given: Mapping[str, str],
        *,
        parts: Sequence[Part] = PARTS,
        tuning: Tuning = Tuning.DURABLE,
        home: Path | None = None,
        temporary: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.state = state
        self.given = dict(given)
        self.parts = tuple(parts)
        self.stack = Stack(home or data_home(state.parent), tuning, temporary=temporary)
        if (owner := self.stack.keeper.owner()) != os.getpid():
            raise AlreadyRunning(owner)
        self.progress = progress or Progress(sys.stderr)
        self.environment: dict[str, str] = {}
        self.ports: dict[str, int] = {}
        self.processes: dict[str, LocalProcess] = {}

    @property
    def url(self) -> str:
        """Where the gateway serves."""
        return f"http://localhost:{self.ports[EDGE]}"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    def start(self) -> None:
        """Returns when every service is ready; `DevstackError` says what is in the way."""
        kept = remembered(self.state / "secrets.json", [*(part.name for part in self.parts), OPERATOR])
        self._choose_ports()
        with self.progress.step("Starting PostgreSQL, Redis and RabbitMQ"):
            servers = self._start_servers()
        storing = {
            p.name: kept.database_passwords[p.name] for p in self.parts if p.stores and not self._brings_database(p)
        }
        with self.progress.step("Preparing a schema for each service"):
            self.environment = mesh_environment(
                self.given,
                parts=self.parts,
                servers={"AMQP_URL": servers["AMQP_URL"], "REDIS_URL": servers["REDIS_URL"]},
                databases=provision(servers["DATABASE_URL"], storing) if storing else {},
                ports=self.ports,
                kept=kept,
                data=(self.state / "data").absolute(),
            )
            self._make_processes()
            self._migrate()
        with self.progress.step(f"Starting {', '.join(self.processes)}"):
            self._start_services()
        self._write_down_for_operators(kept)

    def add(self, name: str, service: str, roles: Sequence[str], port: int | None = None) -> LocalProcess:
        """A further process of a service that has started, to be started by the caller; it ends with the mesh."""
        port = port or free_ports(1)[0]
        like = self.processes[service].spec
        spec = replace(
            like,
            name=name,
            argv=[*like.argv[:3], *roles],
            env={**like.env, f"{service.upper()}_PORT": str(port)},
            log=str(self.logs / f"{name}.log"),
        )
        self.processes[name] = LocalProcess(self.stack.keeper, spec, port)
        return self.processes[name]

    def stop(self) -> None:
        """Let every process finish, services first; returns when all have ended."""
        (self.state / "mesh.env").unlink(missing_ok=True)
        self.stack.close()

    def _brings_database(self, part: Part) -> bool:
        return bool(self.given.get(variable(part, "DATABASE_URL")))

    def _choose_ports(self) -> None:
        free = dict(zip((part.name for part in self.parts), free_ports(len(self.parts)), strict=True))
        free[EDGE] = EDGE_PORT
        for part in self.parts:
            wanted = self.given.get(variable(part, "PORT")) or str(free[part.name])
            if not wanted.isdecimal() or not 0 < int(wanted) < 65536:
                raise DevstackError(f"{variable(part, 'PORT')} is {wanted!r}, and a port is a number from 1 to 65535.")
            self.ports[part.name] = int(wanted)

    def _start_servers(self) -> dict[str, str]:
        """URL by variable. They start at the same time."""
        private: dict[str, Server] = {
            "DATABASE_URL": self.stack.postgres,
            "REDIS_URL": self.stack.redis,
            "AMQP_URL": self.stack.rabbitmq,
        }
        used: dict[str, Server | External] = {
            name: External(name, url) if (url := self.given.get(name)) else server for name, server in private.items()
        }
        with ThreadPoolExecutor() as pool:
            for starting in [pool.submit(server.start) for server in used.values()]:
                starting.result()
        return {name: server.url for name, server in used.items()}

    def _make_processes(self) -> None:
        passage_folder(self.logs)
        for part in self.parts:
            spec = Spec(
                name=part.name,
                argv=[sys.executable, "-m", part.name, *part.roles],
                env=own(self.environment, part, self.parts),
                cwd=os.getcwd(),
                log=str(self.logs / f"{part.name}.log"),
                # The gateway goes first: what is in flight behind it can still be answered.
                layer=3 if part.name == EDGE else 2,
                stop_signal=signal.SIGTERM,
                grace=GRACE_SECONDS,
            )
            self.processes[part.name] = LocalProcess(self.stack.keeper, spec, self.ports[part.name])

    def _migrate(self) -> None:
        migrate = {p.name: partial(self.processes[p.name].run_command, "migrate") for p in self.parts if p.stores}
        databases = {name: self.environment.get(f"{name.upper()}_DATABASE_URL", "") for name in migrate}
        Migrations(self.state / "migrated.json").run(migrate, databases)

    def _start_services(self) -> None:
        for process in self.processes.values():
            process.start()
        deadline = time.monotonic() + READY_SECONDS
        for process in self.processes.values():
            process.wait_ready(max(1.0, deadline - time.monotonic()))

    def _write_down_for_operators(self, kept: Secrets) -> None:
        """For `make mesh`: a shell reads it, and so may a test."""
        found = operators(self.environment, parts=self.parts, ports=self.ports, kept=kept)
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in found.items()]
        write_private(self.state / "mesh.env", "".join(lines))
