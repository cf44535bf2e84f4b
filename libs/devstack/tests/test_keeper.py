"""The keeper: what it starts ends with its owner, and nothing else is ever touched."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from devstack.errors import DevstackError
from devstack.keeping import Keeper, wait_for
from devstack.places import temporary_home
from devstack.processes import Spec, created_at, ended, same_process, tree

# A process that has a child of its own, in another session, as PostgreSQL's are.
PARENT_AND_CHILD = (
    "import subprocess, time; subprocess.Popen(['sleep', '300'], start_new_session=True); time.sleep(300)"
)
OWNER = """
import sys, time
from pathlib import Path
from devstack.keeping import Keeper
from devstack.processes import Spec
keeper = Keeper.open(Path(sys.argv[1]), temporary=True)
keeper.start(Spec("pair", [sys.executable, "-c", sys.argv[2]], {}, "/", sys.argv[1] + "/log", 1))
print("started", flush=True)
time.sleep(300)
"""


def spec(name: str, *argv: str, folder: Path, layer: int = 1, grace: float = 10.0, stop: int = signal.SIGTERM) -> Spec:
    log = str(folder / f"{name}.log")
    return Spec(name, list(argv), {"PATH": "/usr/bin:/bin"}, "/", log, layer, stop_signal=stop, grace=grace)


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    keeper = Keeper.open(temporary_home(), temporary=True)
    yield keeper
    keeper.shutdown()


def processes_of(keeper: Keeper) -> list[psutil.Process]:
    pid = tree(keeper.ask("status")["pair"]["pid"])[0].ppid()
    return tree(pid)


def start_pair(keeper: Keeper) -> list[psutil.Process]:
    keeper.start(spec("pair", sys.executable, "-c", PARENT_AND_CHILD, folder=keeper.folder))
    wait_for(lambda: len(processes_of(keeper)) == 3, "parent and child did not start", 10)
    return processes_of(keeper)


@contextmanager
def owned_pair(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    arguments = [sys.executable, "-c", OWNER, str(folder), PARENT_AND_CHILD]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == b"started\n"
        try:
            yield owner
        finally:
            owner.kill()


def test_everything_ends_when_the_owner_is_killed() -> None:
    folder = temporary_home()
    with owned_pair(folder) as owner:
        wait_for(lambda: len(processes_of(Keeper(folder))) == 3, "they did not start", 10)
        started = processes_of(Keeper(folder))
        owner.kill()
        wait_for(lambda: all(map(ended, started)), "something outlived its owner", 10)
    wait_for(lambda: not folder.exists(), "a temporary folder was left behind", 5)


def test_everything_ends_when_the_keeper_is_killed(keeper: Keeper) -> None:
    started = start_pair(keeper)
    parent = started[1]
    started[0].kill()
    wait_for(lambda: ended(parent), "a process outlived its keeper", 10)
    # Its own child may stay behind: the next keeper cannot know it. Servers end theirs by themselves.
    for process in started[2:]:
        process.kill()
    assert not keeper.is_running()
    os.utime(keeper.folder / "lock", (0, 0))
    Keeper.open(temporary_home(), temporary=True).shutdown()
    assert not keeper.folder.exists(), "a later run did not clear what the killed one left"


def test_the_next_keeper_ends_what_a_killed_one_left_behind(keeper: Keeper) -> None:
    keeper.shutdown()
    keeper.folder.mkdir()
    with subprocess.Popen(["sleep", "300"]) as left_behind, subprocess.Popen(["sleep", "300"]) as stranger:
        entries = [[left_behind.pid, created_at(left_behind.pid)], [stranger.pid, created_at(stranger.pid) - 60]]
        (keeper.folder / "processes.json").write_text(json.dumps(entries))
        Keeper.open(keeper.folder, temporary=True)
        assert left_behind.wait(10) == -signal.SIGKILL
        assert stranger.poll() is None, "a process that only has the same pid was killed"
        stranger.kill()


def test_a_kill_takes_the_children_along(keeper: Keeper) -> None:
    started = start_pair(keeper)
    keeper.ask("kill", name="pair")
    assert all(map(ended, started[1:]))
    assert keeper.code("pair") == -signal.SIGKILL


def test_frozen_means_all_of_them(keeper: Keeper) -> None:
    started = start_pair(keeper)[1:]
    keeper.ask("freeze", name="pair")
    wait_for(lambda: all(p.status() == psutil.STATUS_STOPPED for p in started), "not all are frozen", 5)
    keeper.ask("thaw", name="pair")
    wait_for(lambda: all(p.status() != psutil.STATUS_STOPPED for p in started), "not all are thawed", 5)


def test_a_frozen_process_can_be_stopped(keeper: Keeper) -> None:
    start_pair(keeper)
    keeper.ask("freeze", name="pair")
    keeper.ask("stop", name="pair")
    assert keeper.code("pair") == -signal.SIGTERM


def test_who_does_not_stop_in_its_grace_period_is_killed(keeper: Keeper) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(300)"
    )
    keeper.start(spec("deaf", sys.executable, "-c", deaf, folder=keeper.folder, grace=0.2))
    wait_for(lambda: "deaf" in (keeper.folder / "deaf.log").read_text(), "it did not start", 10)
    keeper.ask("stop", name="deaf")
    assert keeper.code("deaf") == -signal.SIGKILL


def test_higher_layers_stop_first(keeper: Keeper) -> None:
    says = "import signal, sys, time; signal.signal(15, lambda *_: (time.sleep(0.2), print(time.time(), flush=True), sys.exit()))"
    for name, layer in (("server", 1), ("service", 2)):
        keeper.start(
            spec(
                name,
                sys.executable,
                "-c",
                f"{says}; print('up', flush=True); time.sleep(300)",
                folder=keeper.folder,
                layer=layer,
            )
        )
    logs = {name: (keeper.folder / f"{name}.log").open() for name in ("server", "service")}
    for log in logs.values():
        wait_for(lambda log=log: log.readline() == "up\n", "it did not start", 10)  # type: ignore[misc]  # bound per turn
    keeper.shutdown()
    stopped = {name: float(log.read()) for name, log in logs.items()}
    for log in logs.values():
        log.close()
    assert stopped["service"] < stopped["server"]


def test_a_name_is_started_once(keeper: Keeper) -> None:
    keeper.start(spec("sleep", "sleep", "300", folder=keeper.folder))
    with pytest.raises(DevstackError, match="runs already"):
        keeper.start(spec("sleep", "sleep", "300", folder=keeper.folder))


def test_a_program_that_is_not_there_is_an_answer(keeper: Keeper) -> None:
    with pytest.raises(DevstackError, match="no-such-program"):
        keeper.start(spec("none", "/no-such-program", folder=keeper.folder))


def test_a_folder_has_one_keeper_and_its_owner_is_known(keeper: Keeper) -> None:
    again = Keeper.open(keeper.folder, owner=1)
    assert again.owner() == os.getpid()


def test_a_folder_with_a_long_path_has_a_keeper(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    keeper = Keeper.open(folder, temporary=True)
    assert keeper.is_running()
    keeper.shutdown()
    assert not folder.exists()


def test_a_pid_that_is_used_again_is_another_process() -> None:
    assert same_process(os.getpid(), created_at(os.getpid()))
    assert not same_process(os.getpid(), created_at(os.getpid()) - 1)
