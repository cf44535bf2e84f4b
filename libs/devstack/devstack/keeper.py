"""The process that owns servers and services: they are its children, and none of them outlives it.

`python -m devstack.keeper FOLDER OWNER_PID OWNER_CREATED [temporary]` holds a lock on FOLDER, takes one JSON request per connection on the
socket `control` in it, and ends with all its children when asked to or when the owner is gone, whatever ended the owner. When
the keeper itself is killed, the kernel signals its children, and the next keeper of the folder looks for what is left over.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from devstack import processes
from devstack.places import write_private
from devstack.processes import Spec

HELD = 3
"""Exit code when another keeper has the folder."""
OWNER_CHECK_SECONDS = 0.5


@dataclass
class Child:
    spec: Spec
    process: "subprocess.Popen[bytes]"
    ended: asyncio.Event
    code: int | None = None
    asked_to_end: bool = False
    frozen: bool = False


class Keeper:
    """Starts, signals and reaps. Every method returns what the client is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: dict[str, Child] = {}
        self.finished = asyncio.Event()
        self.closing = False
        self.operations = (self.start, self.status, self.kill, self.freeze, self.thaw, self.stop, self.shutdown)

    def start(self, **spec: Any) -> dict[str, Any]:
        wanted = Spec(**spec)
        if self.closing:
            return {"error": "everything is being stopped"}
        earlier = self.children.get(wanted.name)
        if earlier is not None and earlier.code is None:
            return {"error": f"{wanted.name} runs already"}
        self.children[wanted.name] = Child(wanted, processes.start(wanted), asyncio.Event())
        self._remember()
        return {}

    def status(self) -> dict[str, Any]:
        return {
            name: {
                "pid": child.process.pid,
                "code": child.code,
                "asked": child.asked_to_end,
                "frozen": child.frozen,
            }
            for name, child in self.children.items()
        }

    async def kill(self, name: str) -> dict[str, Any]:
        """As a crash does it: SIGKILL, for all of its processes."""
        child = self.children[name]
        child.asked_to_end = True
        killed = processes.kill_tree(child.process.pid) if child.code is None else []
        await child.ended.wait()
        while not all(map(processes.ended, killed)):  # noqa: ASYNC110  # they are not our children, nobody tells us
            await asyncio.sleep(0.005)
        self.kill_orphans()
        return {}

    def freeze(self, name: str) -> dict[str, Any]:
        """Stop the clock of all its processes: connections stay open and nobody answers."""
        child = self.children[name]
        child.frozen = True
        processes.send(processes.tree(child.process.pid), signal.SIGSTOP)
        return {}

    def thaw(self, name: str) -> dict[str, Any]:
        child = self.children[name]
        if child.frozen:
            child.frozen = False
            processes.send(reversed(processes.tree(child.process.pid)), signal.SIGCONT)
        return {}

    async def stop(self, name: str) -> dict[str, Any]:
        """Politely first, by SIGKILL after its grace period."""
        child = self.children[name]
        child.asked_to_end = True
        if child.code is None:
            self.thaw(name)
            os.kill(child.process.pid, child.spec.stop_signal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.ended.wait(), child.spec.grace)
        return await self.kill(name)

    async def shutdown(self) -> dict[str, Any]:
        """Stop everything, layer by layer, and then the keeper."""
        self.closing = True
        # Who comes now is to wait for this keeper's end, and not to work with it.
        _remove("control")
        for layer in sorted({child.spec.layer for child in self.children.values()}, reverse=True):
            names = [name for name, child in self.children.items() if child.spec.layer == layer]
            await asyncio.gather(*(self.stop(name) for name in names))
        self.kill_orphans()
        (self.folder / "processes.json").unlink(missing_ok=True)
        self.finished.set()
        return {}

    def reap(self) -> None:
        """Collect every ended child, adopted ones too; a subprocess of a server that died is nobody's, and goes with it."""
        by_pid = {child.process.pid: child for child in self.children.values() if child.code is None}
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if child := by_pid.get(pid):
                    child.code = child.process.returncode = os.waitstatus_to_exitcode(status)
                    child.ended.set()
        self.kill_orphans()

    def kill_orphans(self) -> None:
        known = {child.process.pid for child in self.children.values() if child.code is None}
        adopted = [p for p in psutil.Process().children() if p.pid not in known]
        for orphan in adopted:
            processes.kill_tree(orphan.pid)

    def _remember(self) -> None:
        running = [c.process.pid for c in self.children.values() if c.code is None]
        entries = [[pid, processes.created_at(pid)] for pid in running]
        write_private(self.folder / "processes.json", json.dumps(entries))

    def clear_leftovers(self) -> None:
        """Kill what an earlier keeper of this folder left behind, and nothing else: pid and start time must both agree."""
        try:
            entries = json.loads((self.folder / "processes.json").read_text())
        except (FileNotFoundError, ValueError):
            return
        for pid, created in entries:
            if processes.same_process(pid, created):
                processes.kill_tree(pid)
        psutil.wait_procs([p for pid, created in entries for p in _process(pid, created)], timeout=2)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            request = json.loads(await reader.readline())
            try:
                operation: Callable[..., Any] = {o.__name__: o for o in self.operations}[request.pop("do")]
                outcome = operation(**request)
                reply = await outcome if asyncio.iscoroutine(outcome) else outcome
            except (KeyError, OSError) as error:
                reply = {"error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        writer.close()


def _process(pid: int, created: float) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [psutil.Process(pid)] if processes.same_process(pid, created) else []
    return []


async def _owner_gone(pid: int, created: float) -> None:
    if hasattr(os, "pidfd_open"):
        try:
            handle = os.pidfd_open(pid)
        except (ProcessLookupError, OSError):
            handle = -1
        if handle >= 0 and processes.same_process(pid, created):
            gone = asyncio.Event()
            asyncio.get_running_loop().add_reader(handle, gone.set)
            await gone.wait()
            asyncio.get_running_loop().remove_reader(handle)
            return
    while processes.same_process(pid, created):  # noqa: ASYNC110  # nothing tells us elsewhere
        await asyncio.sleep(OWNER_CHECK_SECONDS)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


async def keep(folder: Path, owner: int, created: float) -> None:
    """Serve until told to shut down or until the owner is gone."""
    keeper = Keeper(folder)
    keeper.clear_leftovers()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGCHLD, keeper.reap)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: loop.create_task(keeper.shutdown()))
    # A relative address: a socket's path may not be longer than some hundred bytes, a checkout's may.
    os.chdir(folder)
    _remove("control")
    server = await asyncio.start_unix_server(keeper.answer, "control")
    watching = loop.create_task(_owner_gone(owner, created))
    watching.add_done_callback(lambda _: loop.create_task(keeper.shutdown()))
    await keeper.finished.wait()
    server.close()
    _remove("control")


def main(arguments: list[str]) -> int:
    folder, owner, created = Path(arguments[0]), int(arguments[1]), float(arguments[2])
    os.umask(0o077)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return HELD
        lock.truncate(0)
        lock.write(str(owner))
        lock.flush()
        processes.adopt_orphans()
        asyncio.run(keep(folder, owner, created))
        if "temporary" in arguments:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
