"""Missing servers are installed where we may, and the machine's policy is left as it was found."""

import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from devstack import installing
from devstack.errors import DevstackError
from devstack.installing import POLICY_TEXT, nothing_starts_by_itself
from devstack.keeping import wait_for
from devstack.progress import Progress


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return tmp_path / "policy-rc.d"


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of servers that are there; none at first."""
    present: set[str] = set()
    finders = {name: lambda name=name: Path("/there") if name in present else None for name in installing.PACKAGES}
    monkeypatch.setattr(installing, "FINDERS", finders)
    return present


def test_services_may_not_start_while_they_are_installed(policy: Path) -> None:
    with nothing_starts_by_itself(policy, policy.with_suffix(".kept")):
        assert subprocess.run([policy, "redis-server", "start"], check=False).returncode == 101
    assert not policy.exists()


def test_a_policy_of_the_machines_own_is_put_back(policy: Path) -> None:
    policy.write_text("#!/bin/sh\nexit 104\n")
    with nothing_starts_by_itself(policy, policy.with_suffix(".kept")):
        assert policy.read_text() == POLICY_TEXT
    assert policy.read_text() == "#!/bin/sh\nexit 104\n"


def test_a_policy_is_put_back_even_if_an_earlier_run_was_killed(policy: Path) -> None:
    policy.with_suffix(".kept").write_text("its own")
    policy.write_text(POLICY_TEXT)
    with nothing_starts_by_itself(policy, policy.with_suffix(".kept")):
        pass
    assert policy.read_text() == "its own"


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(
    ("tools", "command"),
    [
        ({"apt-get"}, "sudo apt-get install -y redis-server rabbitmq-server"),
        ({"brew"}, "brew install"),
        ({"dnf"}, "sudo dnf install"),
        (set(), "install PostgreSQL, Redis, RabbitMQ, npm, Chromium and Prometheus"),
    ],
)
def test_who_may_not_install_is_told_the_one_command(
    monkeypatch: pytest.MonkeyPatch, tools: set[str], command: str
) -> None:
    monkeypatch.setattr("shutil.which", lambda tool: f"/usr/bin/{tool}" if tool in tools else None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(DevstackError, match=command):
        installing.require("redis", "rabbitmq")


def test_root_on_debian_installs_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, nothing_installed: set[str], policy: Path
) -> None:
    calls: list[list[str]] = []

    def apt(command: list[str]) -> "subprocess.CompletedProcess[str]":
        calls.append(command)
        if "update" in command:
            nothing_installed.update(installing.PACKAGES)
        return subprocess.CompletedProcess(command, 0 if nothing_installed else 100, "E: no such package")

    monkeypatch.setattr(installing, "_apt", apt)
    monkeypatch.setattr(installing, "may_install", lambda: True)
    monkeypatch.setattr(installing, "POLICY", policy)
    monkeypatch.setattr(installing, "POLICY_KEPT", policy.with_suffix(".kept"))
    installing.install(["redis", "rabbitmq"])
    assert [command[1] for command in calls] == ["install", "update", "install"]
    assert calls[-1][-2:] == ["redis-server", "rabbitmq-server"]
    installing.install(["redis", "rabbitmq"])
    assert len(calls) == 3, "what is there is not installed again"


@pytest.mark.usefixtures("nothing_installed")
def test_why_apt_could_not_is_told(monkeypatch: pytest.MonkeyPatch, policy: Path) -> None:
    monkeypatch.setattr(
        installing, "_apt", lambda c: subprocess.CompletedProcess(c, 100, "E: Unable to locate package")
    )
    monkeypatch.setattr(installing, "may_install", lambda: True)
    monkeypatch.setattr(installing, "POLICY", policy)
    with pytest.raises(DevstackError, match="apt-get could not install redis-server:\n  E: Unable to locate package"):
        installing.install(["redis"])
    assert not policy.exists()


@pytest.mark.usefixtures("nothing_installed")
def test_an_installation_is_not_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installer = tmp_path / "python"
    installer.write_text(f"#!/bin/sh\ntouch {tmp_path}/begun\nsleep 1\necho $@ > {tmp_path}/complete\n")
    installer.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(installer))
    monkeypatch.setattr(installing, "may_install", lambda: True)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    earlier = signal.signal(signal.SIGUSR1, interrupt)

    def interrupt_soon() -> None:
        wait_for((tmp_path / "begun").exists, "it did not begin", 10)
        os.kill(os.getpid(), signal.SIGUSR1)

    interrupting = threading.Thread(target=interrupt_soon)
    interrupting.start()
    said = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        installing.require("redis", progress=Progress(said))
    interrupting.join()
    signal.signal(signal.SIGUSR1, earlier)
    assert (tmp_path / "complete").read_text() == "-P -m devstack.installing redis\n"
    assert "Stopping as soon as the installation is complete." in said.getvalue()


@pytest.mark.usefixtures("nothing_installed")
def test_an_installation_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installer = tmp_path / "python"
    installer.write_text("#!/bin/sh\necho the archive is away >&2\nexit 1\n")
    installer.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(installer))
    monkeypatch.setattr(installing, "may_install", lambda: True)
    with pytest.raises(DevstackError, match=r"^the archive is away$"):
        installing.require("redis")


def test_the_newest_of_several_versions_is_used() -> None:
    paths = [Path(f"/usr/lib/postgresql/{version}/bin") for version in (9, 17, 15)]
    assert installing.newest(paths) == paths[1]
    assert installing.newest([]) is None
