"""What one document may cost to read, and how the kernel is told."""

import ctypes
import os
import resource
import signal
import sys
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

MEBIBYTE = 1024 * 1024
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """Sizes in bytes or characters, times in seconds."""

    memory: int = 512 * MEBIBYTE
    """What a child may allocate beyond what it starts with."""
    cpu_seconds: int = 300
    page_seconds: float = 20.0
    """The longest silence: opening the file or reading one page."""
    total_seconds: float = 600.0
    """Spent waiting for the child, not with what it gave."""
    pages: int = 10_000
    page_characters: int = 200_000
    characters: int = 20_000_000
    inflated: int = 256 * MEBIBYTE
    """What the parts of a DOCX that are read may unpack to."""
    crashes: int = 5
    """How often a child may die before the document is given up."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def confine(limits: ReadingLimits) -> None:
    """Bind this process: memory, CPU, no files written, no core dump, dead when its parent is."""
    _die_with_parent()
    _set(resource.RLIMIT_AS, _address_space() + limits.memory)
    _set(resource.RLIMIT_CPU, limits.cpu_seconds)
    _set(resource.RLIMIT_FSIZE, 0)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_NOFILE, 64)


def hide() -> None:
    """Let no other process of this user look into this one: neither at its environment nor at its memory."""
    if sys.platform.startswith("linux") and _libc().prctl(_PR_SET_DUMPABLE, 0) != 0:
        raise OSError(ctypes.get_errno(), "this process cannot be hidden from those that read strangers' files")


def _set(what: int, value: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(what, (value, value))


def _address_space() -> int:
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:  # not Linux: a guess that is surely above what an interpreter maps
        return 1024 * MEBIBYTE


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def prepare() -> None:
    """Do once, before children are born, what each would do again."""
    _libc()


def _die_with_parent() -> None:
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
