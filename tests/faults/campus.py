"""The mesh that is broken: what matters most runs in processes of its own, and may be killed without the rest."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from devstack.local_mesh import LocalMesh
from devstack.local_process import LocalProcess
from devstack.parts import PARTS, Part
from devstack.places import temporary_home
from devstack.ports import free_ports
from devstack.processes import Spec
from devstack.servers import Tuning
from devstack.sign_ups import forget_sign_ups

INDEX, WORKER = "ingestion-index", "ingestion-worker"
RELAYS = ("ingestion-relay-1", "ingestion-relay-2")
CONSUMERS = ("chat-consumer-1", "chat-consumer-2")
SERVICES = ("auth", "ingestion", "chat", "flashcard", "notifier", "gateway")
# What the parts below leave out, each in a process of its own.
APART = {
    INDEX: ("ingestion", ("index",)),
    WORKER: ("ingestion", ("worker",)),
    **dict.fromkeys(RELAYS, ("ingestion", ("relay",))),
    **dict.fromkeys(CONSUMERS, ("chat", ("consumer",))),
}
_KEPT = {"ingestion": ("api", "consumer", "scheduler"), "chat": ("api", "relay", "scheduler")}
_LIMITS = {f"GATEWAY_LIMIT_{kind}": "1000000" for kind in ("GENERAL", "AI", "AUTH")}
# What an outage costs at most is what these wait; a laptop's values would only make the scenarios long.
_IMPATIENT = {
    "INGESTION_WORKER_LEASE_SECONDS": "5",
    "INGESTION_REHINT_SECONDS": "3",
    "INGESTION_SWEEP_SECONDS": "0.5",
    "CHAT_LEASE_SECONDS": "5",
    "CHAT_SWEEP_SECONDS": "1",
}


@dataclass
class Campus:
    """The running mesh, how each process was started, and which were killed on purpose."""

    mesh: LocalMesh
    specs: dict[str, Spec] = field(default_factory=dict)

    def __getitem__(self, name: str) -> LocalProcess:
        return self.mesh.processes[name]

    def heal(self) -> None:
        """Whatever was done to it, make all of it answer, as it was in the beginning."""
        for server in self.mesh.stack.servers:
            server.recover()
        for name, process in self.mesh.processes.items():
            if process.running:
                process.thaw()
            if process.spec != self.specs[name]:
                process.spec = self.specs[name]
                process.restart()
            process.start()
        for process in self.mesh.processes.values():
            process.wait_ready(90)
        forget_sign_ups(self.mesh.stack.redis)  # of the scenario before

    def fallen(self) -> list[str]:
        """Processes that have ended: nobody starts them again here, so an outage may not end one."""
        return [name for name, process in self.mesh.processes.items() if not process.running]

    def command(self, *arguments: str) -> str:
        """What an operator's `make mesh ARGS="…"` says; it must succeed."""
        code, said = self.tried(*arguments)
        assert code == 0, said
        return said

    def tried(self, *arguments: str) -> tuple[int, str]:
        """What an operator's command ends with, and says."""
        lines = (self.mesh.state / "mesh.env").read_text().splitlines()
        given = dict(shlex.split(line)[1].split("=", 1) for line in lines)
        ran = subprocess.run(
            [sys.executable, "-m", "mesh", *arguments],
            env=os.environ | given,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return ran.returncode, ran.stdout + ran.stderr


@contextmanager
def campus() -> Iterator[Campus]:
    """Start it; it ends with the block."""
    home = temporary_home()
    edge, index = free_ports(2)
    given = {"GATEWAY_PORT": str(edge), "INGESTION_INDEX_URL": f"http://127.0.0.1:{index}", **_LIMITS, **_IMPATIENT}
    parts = [Part(part.name, _KEPT.get(part.name, part.roles), part.stores) for part in PARTS]
    mesh = LocalMesh(home / "state", given, parts=parts, tuning=Tuning.DURABLE, home=home, temporary=True)
    try:
        mesh.start()
        for name, (service, roles) in APART.items():
            mesh.add(name, service, roles, index if name == INDEX else None)
        running = Campus(mesh, {name: process.spec for name, process in mesh.processes.items()})
        running.heal()
        yield running
    finally:
        mesh.stop()
