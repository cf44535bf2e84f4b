"""Stopping the mesh of a checkout from outside, and removing what it stored."""

import os
import shutil
import signal
from pathlib import Path

from devstack.choosing import containers_wanted
from devstack.keeping import Keeper, wait_for
from devstack.places import data_home
from devstack.progress import Progress
from devstack.servers import Stack

STORED = ("servers", "data", "mail", "logs", "secrets.json", "migrated.json", "bootstrap.lock")
STOP_SECONDS = 90.0


def stop(root: Path, progress: Progress) -> None:
    """Ask the process that runs the mesh to stop, and wait until everything has."""
    keeper = Keeper(data_home(root))
    owner = keeper.owner()
    if owner is None:
        progress.say("The mesh of this checkout does not run.")
        return
    with progress.step(f"Stopping the mesh (process {owner})"):
        os.kill(owner, signal.SIGTERM)
        wait_for(lambda: not keeper.is_running(), "The mesh did not stop", STOP_SECONDS)
        keeper.shutdown()


def clean(root: Path, progress: Progress) -> None:
    """Stop, and remove servers' data, files, logs and secrets of this checkout."""
    home = data_home(root)
    if Keeper(home).is_running():
        stop(root, progress)
    if containers_wanted():
        with Stack(home) as stack:
            for server in stack.servers:
                server.erase()
    shutil.rmtree(home, ignore_errors=True)
    for name in STORED:
        path = root / ".local" / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
