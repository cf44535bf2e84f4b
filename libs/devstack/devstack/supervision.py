"""Starting again what dies."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from devstack.errors import DevstackError
from devstack.local_mesh import LocalMesh
from devstack.local_process import LocalProcess
from devstack.server import Server

CHECK_SECONDS = 0.5
FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
STEADY_SECONDS = 60.0
"""Who ran this long has recovered: the next delay is the first again."""


@dataclass
class Recovery:
    """When a process that died may start again."""

    delay: float = FIRST_DELAY
    due: float | None = None
    started: float = 0.0

    def died(self, now: float) -> float:
        """Note a death; returns the seconds to wait."""
        if now - self.started > STEADY_SECONDS:
            self.delay = FIRST_DELAY
        self.due, waiting = now + self.delay, self.delay
        self.delay = min(LONGEST_DELAY, self.delay * 2)
        return waiting

    def restarted(self, now: float) -> None:
        self.due, self.started = None, now


class Supervisor:
    """Watches a mesh; each death is one line."""

    def __init__(self, mesh: LocalMesh, say: Callable[[str], None]) -> None:
        self._mesh = mesh
        self._say = say
        private = [server for server in mesh.stack.servers if server.running]
        self._watched: dict[str, LocalProcess | Server] = {s.name: s for s in private} | dict(mesh.processes)
        self._recoveries = {name: Recovery() for name in self._watched}

    def watch(self, stop: threading.Event) -> None:
        """Returns when `stop` is set."""
        while not stop.wait(CHECK_SECONDS):
            self.check(time.monotonic())

    def check(self, now: float) -> None:
        """One look at everything."""
        try:
            status = self._mesh.stack.keeper.ask("status")
        except OSError:
            raise DevstackError("The keeper of all processes was ended, and they with it. Start again.") from None
        for name, child in status.items():
            if name not in self._watched or child["code"] is None or child["asked"]:
                continue
            recovery = self._recoveries[name]
            if recovery.due is None:
                log = f"{self._mesh.logs}/{name}.log" if name in self._mesh.processes else self._mesh.stack.folder
                seconds = recovery.died(now)
                self._say(f"! {name} ended with {child['code']}; it starts again in {seconds:g} s. Why: {log}")
            elif now >= recovery.due:
                recovery.restarted(now)
                self._restart(name)

    def _restart(self, name: str) -> None:
        try:
            self._watched[name].start()
        except DevstackError as error:
            self._say(f"! {name} could not be started again: {error}")
