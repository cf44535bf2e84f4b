"""`make run`, with stand-ins for the services: what a person sees, and what is left behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from devstack.keeping import Keeper, wait_for
from devstack.places import data_home, temporary_home
from devstack.ports import free_ports
from devstack.processes import ended, tree

from .standins import RUN, checkout

pytestmark = pytest.mark.timeout(120)


class Run:
    """`python -m devstack …` in a checkout of stand-ins."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root = root
        self.port = free_ports(1)[0]
        own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root / "standins"), "GATEWAY_PORT": str(self.port)}
        coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        self.environment = {**own, **coverage, **environment}
        self.output = root / "output"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> "Run":
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", RUN, str(self.root), "run"],
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self

    def until(self, words: str, seconds: float = 60) -> str:
        wait_for(lambda: words in self.output.read_text() or self.ended, f"{words!r} was not said", seconds)
        assert words in self.output.read_text(), self.output.read_text()
        return self.output.read_text()

    @property
    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def wait(self, seconds: float = 60) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def command(self, command: str) -> str:
        outcome = subprocess.run(
            [sys.executable, "-P", "-c", RUN, str(self.root), command],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return outcome.stdout + outcome.stderr

    @property
    def keeper(self) -> Keeper:
        return Keeper(data_home(self.root))

    def pid(self, name: str) -> int:
        pid: int = self.keeper.ask("status")[name]["pid"]
        return pid

    def all_processes(self) -> list[psutil.Process]:
        """Everything that runs for this checkout."""
        return tree(psutil.Process(self.pid("gateway")).ppid())

    def get(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as response:
            status: int = response.status
            return status


@pytest.fixture
def root() -> Iterator[Path]:
    folder = temporary_home()
    yield checkout(folder)
    shutil.rmtree(folder)


@pytest.fixture
def run(root: Path, postgres_url: str, database_url: str, redis_url: str, amqp_url: str) -> Iterator[Run]:
    """On servers named in the environment: those of the test run."""
    database = database_url.replace("+asyncpg", "")
    run = Run(root, {"DATABASE_URL": database, "REDIS_URL": redis_url, "AMQP_URL": amqp_url})
    yield run
    if run.process is not None:
        run.process.terminate()
        run.process.wait(60)
    run.keeper.folder.mkdir(parents=True, exist_ok=True)
    run.keeper.shutdown()


def all_ended(processes: list[psutil.Process]) -> bool:
    return all(map(ended, processes))


def test_the_banner_says_where_what_and_how(run: Run) -> None:
    said = run.start().until("Ctrl-C stops everything")
    url = f"http://localhost:{run.port}"
    for words in (
        f"ready: {url}",
        f"{url}/docs",
        "offline tutor",
        "CHAT_LLM_BASE_URL=",
        "all-MiniLM-L6-v2",
        f"make demo GATEWAY_PORT={run.port}",
    ):
        assert words in said
    assert run.get() == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_cleanly_and_leaves_nothing_running(run: Run, number: signal.Signals) -> None:
    run.start().until("Ctrl-C stops everything")
    started = run.all_processes()
    run.signal(number)
    assert run.wait() == 0
    assert all_ended(started)
    assert "Stopped. What you stored is kept" in run.output.read_text()


def test_a_killed_supervisor_leaves_nothing_running(run: Run) -> None:
    run.start().until("Ctrl-C stops everything")
    started = run.all_processes()
    run.signal(signal.SIGKILL)
    wait_for(lambda: all_ended(started), "something outlived the supervisor", 20)


def test_a_start_after_a_kill_waits_for_what_is_still_stopping(run: Run) -> None:
    run.start(STANDIN_SLOW="2").until("Ctrl-C stops everything")
    run.signal(signal.SIGKILL)
    run.wait()
    wait_for(run.keeper.is_ending, "the keeper did not notice", 10)
    said = run.start().until("Ctrl-C stops everything")
    assert "Waiting for an earlier run to end" in said


def test_it_can_be_stopped_while_it_starts(run: Run) -> None:
    run.start().until("Preparing a schema")
    run.signal(signal.SIGINT)
    assert run.wait() == 0
    assert not run.keeper.is_running()


def test_a_service_that_dies_is_started_again(run: Run) -> None:
    run.start().until("Ctrl-C stops everything")
    dead = run.pid("shelf")
    os.kill(dead, signal.SIGKILL)
    run.until("shelf ended with -9; it starts again in 1 s")
    wait_for(lambda: run.keeper.runs("shelf") and run.pid("shelf") != dead, "it was not started again", 20)


def test_without_its_keeper_the_supervisor_says_so_and_ends(run: Run) -> None:
    run.start().until("Ctrl-C stops everything")
    started = run.all_processes()
    started[0].kill()
    assert run.wait() == 1
    assert "The keeper of all processes was ended" in run.output.read_text()
    wait_for(lambda: all_ended(started), "something outlived its keeper", 10)


def test_a_port_in_use_is_told(run: Run) -> None:
    with socket.create_server(("127.0.0.1", run.port)):
        assert run.start().wait() == 1
    said = run.output.read_text()
    assert f"Port {run.port} is in use" in said
    assert f"make run GATEWAY_PORT={run.port + 1}" in said
    assert "Traceback" not in said


def test_a_second_run_of_the_same_checkout_is_told(run: Run, root: Path) -> None:
    run.start().until("Ctrl-C stops everything")
    assert run.process is not None
    second = Run(root, run.environment)
    second.output = root / "second"
    assert second.start().wait() == 1
    said = second.output.read_text()
    assert f"runs already (process {run.process.pid})" in said
    assert "Traceback" not in said
    assert run.get() == 200, "the first was disturbed"


def test_a_broken_env_file_is_told(run: Run, root: Path) -> None:
    (root / ".env").write_text("GATEWAY_PORT=1\nthis is wrong\n")
    assert run.start().wait() == 1
    said = run.output.read_text()
    assert ".env, line 2: 'this' is not a setting" in said
    assert "Traceback" not in said


def test_the_env_file_is_read_and_a_slip_of_the_pen_is_told(run: Run, root: Path) -> None:
    del run.environment["GATEWAY_PORT"]
    (root / ".env").write_text(f"GATEWAY_PORT={run.port}\nGATEWAY_PROT=1\n")
    said = run.start().until("Ctrl-C stops everything")
    assert ".env, line 2: nothing reads GATEWAY_PROT; did you mean GATEWAY_PORT?" in said
    assert run.get() == 200


def test_settings_that_a_service_refuses_are_told(run: Run, root: Path) -> None:
    (root / ".env").write_text(f"\nSHELF_BROKEN=shelf\nSHELF_PORT={free_ports(1)[0]}\n")
    assert run.start().wait() == 1
    said = run.output.read_text()
    assert "SHELF_PORT stands in" in said
    assert ".env, line 3." in said
    assert "SHELF_BROKEN stands" not in said
    assert "shelf cannot start with these settings: SHELF_PORT: wrong" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("GATEWAY_PORT", "http", "GATEWAY_PORT is 'http', and a port is a number"),
        ("SHELF_PORT", "70000", "SHELF_PORT is '70000', and a port is a number"),
        ("REDIS_URL", "localhost:6379", "REDIS_URL is no URL of a server"),
        ("DEVSTACK", "dockers", "DEVSTACK is 'dockers'"),
    ],
)
def test_a_value_that_cannot_be_is_told(run: Run, variable: str, value: str, told: str) -> None:
    assert run.start(**{variable: value}).wait() == 1
    said = run.output.read_text()
    assert told in said
    assert "Traceback" not in said


def test_damaged_secrets_are_told(run: Run, root: Path) -> None:
    (root / ".local").mkdir()
    (root / ".local" / "secrets.json").write_text("{")
    assert run.start().wait() == 1
    assert "secrets.json is damaged" in run.output.read_text()


def test_a_server_that_is_named_and_not_there_is_told(run: Run) -> None:
    [port] = free_ports(1)
    assert run.start(AMQP_URL=f"amqp://guest:secret@127.0.0.1:{port}/").wait() == 1
    said = run.output.read_text()
    assert f"Nothing answers at amqp://127.0.0.1:{port}/" in said
    assert "secret" not in said


def test_it_is_stopped_from_another_terminal(run: Run) -> None:
    assert "does not run" in run.command("stop")
    run.start().until("Ctrl-C stops everything")
    run.command("stop")
    assert run.wait(10) == 0


@pytest.mark.faults
def test_on_servers_of_its_own_data_stays_until_clean(root: Path) -> None:
    run = Run(root, {})
    secrets = root / ".local" / "secrets.json"
    try:
        run.start().until("Ctrl-C stops everything", 90)
        assert {"postgres", "redis", "rabbitmq", "epmd"} <= set(run.keeper.ask("status"))
        assert "MiB" in run.command("memory")
        kept = secrets.read_text()
        started = run.all_processes()
        run.signal(signal.SIGINT)
        assert run.wait() == 0
        assert all_ended(started)
        run.start().until("Ctrl-C stops everything", 90)
        assert secrets.read_text() == kept
        assert (data_home(root) / "postgres" / "data" / "PG_VERSION").exists()
    finally:
        run.command("clean")
    assert run.ended
    assert not data_home(root).exists()
    assert not secrets.exists()
