"""What the running mesh holds in memory: PSS, which counts a page that n processes share as an n-th for each."""

from contextlib import suppress
from pathlib import Path

import psutil

from devstack.errors import DevstackError
from devstack.keeping import Keeper
from devstack.places import data_home
from devstack.processes import tree

MIB = 2**20


def pss(pid: int) -> int:
    """Bytes; 0 for a process that ended. Of one that hides from us all that is resident: what it shares is counted whole."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        try:
            return int(process.memory_full_info().pss)
        except psutil.AccessDenied:
            return int(process.memory_info().rss)
    return 0


def by_process(root: Path) -> dict[str, int]:
    """Bytes by name, each with everything it started; the supervisor and the keeper too."""
    keeper = Keeper(data_home(root))
    owner = keeper.owner()
    if owner is None:
        raise DevstackError("The mesh of this checkout does not run. Start it with: make run")
    running = {name: child["pid"] for name, child in keeper.ask("status").items() if child["code"] is None}
    held = {name: sum(pss(process.pid) for process in tree(pid)) for name, pid in running.items()}
    parents = {process.ppid() for pid in running.values() for process in tree(pid)[:1]}
    return held | {"devstack": pss(owner) + sum(pss(parent) for parent in parents)}


def report(root: Path) -> str:
    """A table, largest first."""
    held = by_process(root)
    lines = [f"  {name:<12} {size / MIB:7.0f} MiB" for name, size in sorted(held.items(), key=lambda item: -item[1])]
    return "\n".join([*lines, f"  {'all':<12} {sum(held.values()) / MIB:7.0f} MiB"])
