"""Starting a process that cannot outlive its keeper, and signalling it with everything it started."""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Spec:
    """What to run, and how to end it. Plain values: a spec travels to the keeper as JSON."""

    name: str
    argv: list[str]
    env: dict[str, str]
    cwd: str
    log: str
    """File that takes stdout and stderr."""
    layer: int
    """Higher layers are stopped first."""
    user: str | None = None
    stop_signal: int = signal.SIGTERM
    grace: float = 10.0
    """Seconds from the stop signal to SIGKILL."""
    critical: bool = field(default=False)
    """Whether an end that nobody asked for is worth a word."""


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent dies (Linux)."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def as_user(name: str | None) -> dict[str, Any]:
    """Arguments that make `subprocess` run a program as that user; none for None."""
    if name is None:
        return {}
    account = pwd.getpwnam(name)
    return {
        "user": account.pw_uid,
        "group": account.pw_gid,
        "extra_groups": os.getgrouplist(name, account.pw_gid),
    }


def start(spec: Spec) -> "subprocess.Popen[bytes]":
    """Start it in a session of its own. It is told to stop by the kernel when this process dies, however it dies (Linux)."""
    parent = os.getpid()

    def die_with_parent() -> None:
        # Runs after the switch of user, which would clear it.
        _prctl(PR_SET_PDEATHSIG, spec.stop_signal)
        if os.getppid() != parent:
            os._exit(1)

    with Path(spec.log).open("ab") as log:
        return subprocess.Popen(  # argv is ours
            spec.argv,
            env=spec.env,
            cwd=spec.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509  # the keeper has one thread
            umask=0o077,
            **as_user(spec.user),
        )


def tree(pid: int) -> list[psutil.Process]:
    """The process and its descendants, itself first."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Signal each that is still the process it was (psutil compares start times, so a reused pid is never hit)."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def kill_tree(pid: int) -> list[psutil.Process]:
    """SIGKILL for a process and all its descendants, with no chance to start another in between; returns them."""
    if found := tree(pid):
        send(found[:1], signal.SIGSTOP)
        found = tree(pid) or found
        send(found, signal.SIGKILL)
    return found


def ended(process: psutil.Process) -> bool:
    """Whether it runs no more, be it that nobody has asked how it ended."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def same_process(pid: int, created: float) -> bool:
    """Whether `pid` is still the process that was started at `created` (seconds since the epoch)."""
    try:
        return abs(psutil.Process(pid).create_time() - created) < 0.02
    except psutil.NoSuchProcess:
        return False


def created_at(pid: int) -> float:
    """When the process started, seconds since the epoch; 0.0 when it is gone already."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0
