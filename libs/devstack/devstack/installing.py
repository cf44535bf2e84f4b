"""Finding the servers' programs, and installing what is missing where we may (root on Debian)."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from devstack.errors import DevstackError
from devstack.keeping import locked
from devstack.progress import Progress

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_KEPT = Path("/usr/sbin/policy-rc.d.before-devstack")
# A package starts its server as soon as it is installed; this forbids it while ours are installed.
POLICY_TEXT = "#!/bin/sh\n# devstack: installed servers are not started by themselves\nexit 101\n"
PACKAGES = {
    "postgres": "postgresql",
    "redis": "redis-server",
    "rabbitmq": "rabbitmq-server",
    "npm": "npm",
    "chromium": "chromium",
    "promtool": "prometheus",
}
SERVERS = ("postgres", "redis", "rabbitmq")
ELSEWHERE = {
    "brew": "brew install postgresql redis rabbitmq node prometheus",
    "dnf": "sudo dnf install -y postgresql-server postgresql-contrib redis rabbitmq-server npm chromium golang-github-prometheus",
    "pacman": "sudo pacman -S --needed postgresql redis rabbitmq npm chromium prometheus",
}


def newest(paths: Iterable[Path]) -> Path | None:
    def version(path: Path) -> list[int]:
        return [int(digits) for digits in "".join(c if c.isdigit() else " " for c in str(path)).split()]

    return max(paths, key=version, default=None)


def postgres_programs() -> Path | None:
    """The folder with `postgres` and `initdb`, the newest that is installed."""
    debian = newest(p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    return debian or (Path(on_path).resolve().parent if on_path else None)


def redis_program() -> Path | None:
    """`redis-server`, or its heir of the same protocol."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found) if found else None


def rabbitmq_program() -> Path | None:
    """The start script itself: what packages put on the PATH switches users and writes to fixed places."""
    debian = newest(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    on_path = shutil.which("rabbitmq-server")
    return debian or (Path(on_path).resolve() if on_path else None)


def npm_program() -> Path | None:
    """Node's package manager: the official AsyncAPI parser and a generator of clients, which tests run, come through it."""
    found = shutil.which("npm")
    return Path(found) if found else None


def chromium_program() -> Path | None:
    """The browser that tests drive."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next((path for name in names if (path := shutil.which(name))), None)
    return Path(found) if found else None


def promtool_program() -> Path | None:
    """Prometheus' own checker and tester of alert rules."""
    found = shutil.which("promtool")
    return Path(found) if found else None


FINDERS: dict[str, Callable[[], Path | None]] = {
    "postgres": postgres_programs,
    "redis": redis_program,
    "rabbitmq": rabbitmq_program,
    "npm": npm_program,
    "chromium": chromium_program,
    "promtool": promtool_program,
}


def missing(names: Iterable[str] = SERVERS) -> list[str]:
    """What of these is not on this machine."""
    return [name for name in names if FINDERS[name]() is None]


def program(name: str) -> Path:
    """Where the server's program is; `DevstackError` when it is missing."""
    if (found := FINDERS[name]()) is None:
        raise DevstackError(advice([name]))
    return found


def may_install() -> bool:
    """Whether this is Debian (or its kin) and we are root."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def advice(names: Iterable[str]) -> str:
    """The one command that installs the missing servers on this machine."""
    wanted = list(names)
    if shutil.which("apt-get"):
        command = f"sudo apt-get install -y {' '.join(PACKAGES[name] for name in wanted)}"
    else:
        manager = next((tool for tool in ELSEWHERE if shutil.which(tool)), None)
        by_hand = "install PostgreSQL, Redis, RabbitMQ, npm, Chromium and Prometheus, or Docker"
        command = ELSEWHERE[manager] if manager else by_hand
    return f"{', '.join(wanted)} not found on this machine. Run this once, then try again:\n  {command}"


def require(*names: str, progress: Progress | None = None) -> None:
    """Make sure that the programs are there, installing them where we may."""
    if not (wanted := missing(names)):
        return
    if not may_install():
        raise DevstackError(advice(wanted))
    with progress.step(f"Installing {', '.join(wanted)} (once)") if progress else nullcontext():
        _install_apart(wanted, progress)
    if still := missing(names):
        raise DevstackError(advice(still))


def _install_apart(names: list[str], progress: Progress | None) -> None:
    """Install in a process that Ctrl-C does not reach, and wait for it: an apt-get cut short leaves a machine half configured."""
    command = [sys.executable, "-P", "-m", "devstack.installing", *names]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        _, fault = process.communicate()
    except BaseException:
        if progress:
            progress.say("Stopping as soon as the installation is complete.")
        process.communicate()
        raise
    if process.returncode != 0:
        raise DevstackError(fault.strip())


def install(names: Iterable[str]) -> None:
    """Install by apt-get what is still missing; `DevstackError` says why it could not."""
    with locked(Path("/run/lock/devstack-install") if Path("/run/lock").is_dir() else Path("/tmp/devstack-install")):  # noqa: S108
        if wanted := missing(names):
            _apt_install([PACKAGES[name] for name in wanted])


def _apt_install(packages: list[str]) -> None:
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *packages]
    with nothing_starts_by_itself(POLICY, POLICY_KEPT):
        # The lists may be missing or old: refresh them only when installing does not work without.
        if _apt(install).returncode != 0:
            _apt(["apt-get", "update", "-q"])
            outcome = _apt(install)
            if outcome.returncode != 0:
                raise DevstackError(
                    f"apt-get could not install {' '.join(packages)}:\n"
                    + "\n".join(f"  {line}" for line in outcome.stdout.splitlines()[-6:])
                )


def _apt(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@contextmanager
def nothing_starts_by_itself(policy: Path, kept: Path) -> Iterator[None]:
    """Forbid packages to start their services, and leave the machine's own policy as it was found."""
    if policy.exists() and policy.read_text() != POLICY_TEXT:
        policy.rename(kept)
    policy.write_text(POLICY_TEXT)
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()
        if kept.exists():
            kept.rename(policy)


def main(names: list[str]) -> int:
    """Install, whatever signals say meanwhile."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        install(names)
    except DevstackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
