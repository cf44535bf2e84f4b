"""The client's side of the keeper."""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from devstack import keeper
from devstack.errors import DevstackError
from devstack.places import passage_folder
from devstack.processes import Spec, created_at

START_SECONDS = 20.0
STOP_SECONDS = 60.0
STALE_SECONDS = 600.0


def wait_for(condition: Callable[[], bool], what: str, seconds: float, interval: float = 0.05) -> None:
    """Return when `condition` holds; `DevstackError` names `what` when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise DevstackError(f"{what} within {seconds:g} s.")
        time.sleep(interval)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Keeper:
    """Asks the keeper of `folder`. Any process of the same user may; the stack lives as long as its owner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, folder: Path, owner: int | None = None, *, temporary: bool = False) -> "Keeper":
        """The keeper of the folder; when there is none, one that ends with process `owner` (default: this one).

        A temporary folder is removed when the keeper ends.
        """
        passage_folder(folder)
        if temporary:
            _sweep(folder.parent)
        client = cls(folder)
        with locked(folder / "opening"):
            if not client.is_running():
                client._start(owner or os.getpid(), temporary)
        return client

    def is_running(self) -> bool:
        """Whether a keeper answers."""
        try:
            self.ask("status")
        except (FileNotFoundError, ConnectionError):
            return False
        return True

    def is_ending(self) -> bool:
        """Whether a keeper is stopping everything; wait for it before you start another."""
        return not self.is_running() and _is_locked(self.folder / "lock")

    def owner(self) -> int | None:
        """Process id of whoever the running keeper works for."""
        text = (self.folder / "lock").read_text() if self.is_running() else ""
        return int(text) if text else None

    def _start(self, owner: int, temporary: bool) -> None:
        wait_for(lambda: not _is_locked(self.folder / "lock"), "An earlier keeper did not end", STOP_SECONDS)
        arguments = [str(self.folder), str(owner), str(created_at(owner)), *(["temporary"] if temporary else [])]
        with (self.folder / "keeper.log").open("ab") as log:
            process = subprocess.Popen(
                # -P: the folder that we happen to stand in is not searched for modules.
                [sys.executable, "-P", "-m", "devstack.keeper", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(lambda: self.is_running() or process.poll() is not None, "The keeper did not answer", START_SECONDS)
        if process.poll() is not None:
            reason = "another one holds it" if process.returncode == keeper.HELD else f"see {self.folder}/keeper.log"
            raise DevstackError(f"The keeper of {self.folder} could not start: {reason}.")
        process.returncode = 0  # it outlives this object on purpose: no ResourceWarning

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send one request, wait for its answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            _connect(connection, self.folder)
            connection.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
            with connection.makefile("rb") as file:
                reply: dict[str, Any] = json.loads(file.readline() or b"{}")
        if "error" in reply:
            raise DevstackError(f"The keeper could not {do} {arguments.get('name', '')}: {reply['error']}")
        return reply

    def start(self, spec: Spec) -> None:
        self.ask("start", **asdict(spec))

    def code(self, name: str) -> int | None:
        """Exit code of a process that ended, None while it runs."""
        status: int | None = self.ask("status")[name]["code"]
        return status

    def knows(self, name: str) -> bool:
        """Whether it was started before, running or not."""
        return name in self.ask("status")

    def runs(self, name: str) -> bool:
        child = self.ask("status").get(name)
        return child is not None and child["code"] is None

    def shutdown(self) -> None:
        """Stop everything; returns when it has ended."""
        with suppress(FileNotFoundError, ConnectionError):
            self.ask("shutdown")
        wait_for(lambda: not _is_locked(self.folder / "lock"), "The keeper did not end", STOP_SECONDS)


def _sweep(base: Path) -> None:
    """Remove temporary folders whose keeper was killed before it could."""
    for lock in base.glob("devstack-*/lock"):
        with suppress(OSError):
            mine = lock.stat().st_uid == os.geteuid() and time.time() - lock.stat().st_mtime > STALE_SECONDS
            if mine and not _is_locked(lock):
                shutil.rmtree(lock.parent, ignore_errors=True)


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _connect(connection: socket.socket, folder: Path) -> None:
    path = folder / "control"
    if len(os.fsencode(path)) < 100:
        connection.connect(str(path))
        return
    # A socket's address is short, a checkout's path need not be.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{handle}/control")
    finally:
        os.close(handle)
