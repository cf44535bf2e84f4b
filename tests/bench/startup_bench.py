"""From downloaded packages to a mesh that serves: a fresh clone's `make run`, a second start, and what it holds when idle.

Baselines are the issue's bounds on 2 cores: 60 s, 15 s, 1.5 GiB (PSS of all processes, servers included).
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORT = "18471"
PATIENCE_SECONDS = 300
IDLE_SECONDS = 10


@contextmanager
def made_to_run(clone: Path) -> Iterator[float]:
    """`make run` in the clone; gives the seconds until the banner stood there."""
    environment = {**os.environ, "GATEWAY_PORT": PORT}
    started = time.monotonic()
    command = ["make", "--no-print-directory", "run"]
    with subprocess.Popen(
        command,
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        try:
            said = []
            for line in run.stdout:
                said.append(line)
                if "Ctrl-C stops everything" in line:
                    break
                if time.monotonic() - started > PATIENCE_SECONDS:
                    break
            else:
                sys.exit("make run ended:\n" + "".join(said))
            yield time.monotonic() - started
        finally:
            os.killpg(
                run.pid, signal.SIGINT
            )  # to all of them, as a terminal's Ctrl-C: make leaves its child to hear it itself
            run.stdout.read()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="studyteddy-bench-", dir="/var/tmp") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        with made_to_run(clone) as first:
            print(f"first start of a fresh clone   {first:6.1f} s     bound 60 s")
        with made_to_run(clone) as second:
            print(f"second start                   {second:6.1f} s     bound 15 s")
            time.sleep(IDLE_SECONDS)
            memory = [str(clone / ".venv/bin/python"), "-m", "devstack", "memory"]
            held = subprocess.run(memory, cwd=clone, capture_output=True, text=True, check=True).stdout
            print(f"idle memory (PSS)                         bound 1536 MiB\n{held.rstrip()}")
        subprocess.run(["make", "--no-print-directory", "clean"], cwd=clone, check=True, capture_output=True)


if __name__ == "__main__":
    main()
