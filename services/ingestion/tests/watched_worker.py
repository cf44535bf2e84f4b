"""`watched_worker.py <a long PDF>`: reads a page of it in a process of its own, and prints into whom another process can look."""

import asyncio
import ctypes
import json
import os
import subprocess
import sys

import psutil
from ingestion.reading.children import Children
from ingestion.reading.limits import ReadingLimits
from ingestion.reading.reader import Reading

PR_CAPBSET_DROP, PR_CAPBSET_READ = 24, 23
# With any of them one looks into everything. Root has them; the user who reads documents in production does not.
SIGHT = {"SYS_PTRACE": 19, "SYS_ADMIN": 21, "PERFMON": 38}


def become_like_anybody() -> None:
    """As root: go on without the capabilities, which a process that is started again no longer has."""
    libc = ctypes.CDLL(None)
    if os.getuid() == 0 and libc.prctl(PR_CAPBSET_READ, SIGHT["SYS_PTRACE"]) == 1:
        for capability in SIGHT.values():
            assert libc.prctl(PR_CAPBSET_DROP, capability) == 0
        os.execv(sys.executable, [sys.executable, *sys.argv])


def can_be_looked_into(process: int) -> bool:
    return subprocess.run(["cat", f"/proc/{process}/environ"], capture_output=True, check=False).returncode == 0


async def main() -> None:
    seen = {"worker before": can_be_looked_into(os.getpid())}
    async with Children(ReadingLimits()) as children:
        parts = Reading(children, sys.argv[1], "pdf").parts()
        await anext(parts)
        assert children.nursery_id is not None
        (child,) = psutil.Process(children.nursery_id).children()
        pids = {"worker": os.getpid(), "nursery": children.nursery_id, "child": child.pid}
        seen |= {name: can_be_looked_into(pid) for name, pid in pids.items()}
        await parts.aclose()
    sys.stdout.write(json.dumps(seen))


become_like_anybody()
asyncio.run(main())
