"""`make bench`: runs every `*_bench.py` beside this file, one after the other, so that none disturbs another's figures.

    python tests/bench [name …]

Exit code 1 if one of them failed to run; a figure is for people to judge.
"""

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    wanted = sys.argv[1:]
    failed = []
    for script in sorted(HERE.glob("*_bench.py")):
        name = script.stem.removesuffix("_bench")
        if wanted and name not in wanted:
            continue
        print(f"\n── {name} " + "─" * (70 - len(name)), flush=True)
        started = time.monotonic()
        if subprocess.run([sys.executable, str(script)], check=False).returncode != 0:
            failed.append(name)
        print(f"   ({time.monotonic() - started:.0f} s)", flush=True)
    for name in failed:
        print(f"failed to run: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
