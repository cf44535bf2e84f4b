"""One service's process: started, probed, killed, frozen and started again."""

import http.client
import time
from dataclasses import replace
from pathlib import Path

from devstack.errors import DevstackError
from devstack.keeping import Keeper, wait_for
from devstack.processes import Spec

COMMAND_SECONDS = 120


class LocalProcess:
    """A process of the mesh, kept by the keeper, with its health endpoint on `port`."""

    def __init__(self, keeper: Keeper, spec: Spec, port: int) -> None:
        self.keeper = keeper
        self.spec = spec
        self.port = port

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def url(self) -> str:
        """Inside address: what other services call."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self.keeper.runs(self.name)

    def start(self) -> None:
        """Start it unless it runs; does not wait."""
        if not self.running:
            self.keeper.start(self.spec)

    def ready(self) -> bool:
        """Whether /health/ready answers 200 now."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait_ready(self, seconds: float) -> None:
        """Return when it is ready; `DevstackError` shows its last words when it ended or took too long."""
        deadline = time.monotonic() + seconds
        while not self.ready():
            if not self.running:
                raise DevstackError(f"{self.name} ended while it started.\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise DevstackError(f"{self.name} was not ready within {seconds:.0f} s.\n{self.last_words()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """As a crash does it."""
        self.keeper.ask("kill", name=self.name)

    def freeze(self) -> None:
        """It keeps its connections and does nothing, until `thaw`."""
        self.keeper.ask("freeze", name=self.name)

    def thaw(self) -> None:
        self.keeper.ask("thaw", name=self.name)

    def stop(self) -> None:
        """SIGTERM, and time to finish."""
        self.keeper.ask("stop", name=self.name)

    def restart(self, environment: dict[str, str] | None = None) -> None:
        """Stop and start, with further variables if given; returns when it is ready."""
        if self.running:
            self.stop()
        if environment:
            self.spec = replace(self.spec, env={**self.spec.env, **environment})
        self.start()
        self.wait_ready(60)

    def run_command(self, command: str) -> None:
        """Run `python -m <service> <command>` to its end; `DevstackError` shows what it said when it fails."""
        log = Path(self.spec.log).with_suffix(f".{command}.log")
        log.unlink(missing_ok=True)
        name = f"{self.name} {command}"
        self.keeper.start(replace(self.spec, name=name, argv=[*self.spec.argv[:3], command], log=str(log)))
        wait_for(lambda: not self.keeper.runs(name), f"{name} did not end", COMMAND_SECONDS)
        if self.keeper.code(name) != 0:
            raise DevstackError(f"{name} failed.\n{_tail(log)}")

    def last_words(self) -> str:
        """The end of its log, indented, with where the rest is."""
        return f"{_tail(Path(self.spec.log))}\n  (all of it: {self.spec.log})"


def _tail(log: Path, lines: int = 8) -> str:
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines()[-lines:])
