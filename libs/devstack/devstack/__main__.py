"""`python -m devstack run | stop | clean | install | memory`"""

import argparse
import sys
from pathlib import Path

from devstack import installing
from devstack.choosing import prepare
from devstack.errors import DevstackError
from devstack.progress import Progress

ROOT = Path(__file__).resolve().parents[3]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="python -m devstack", description="The mesh on a developer's machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start servers and services, and stop them on Ctrl-C")
    commands.add_parser("stop", help="stop the mesh of this checkout, from another terminal")
    commands.add_parser("clean", help="stop it, and remove what it stored")
    install = commands.add_parser("install", help="install the servers' programs where they are missing")
    install.add_argument("--npm", action="store_true", help="and Node's package manager, which tests need")
    install.add_argument("--chromium", action="store_true", help="and a browser, which tests drive")
    install.add_argument("--promtool", action="store_true", help="and Prometheus, whose tool tests the alert rules")
    commands.add_parser("memory", help="what each process of the running mesh holds")
    parsed = parser.parse_args(arguments)
    progress = Progress(sys.stdout)
    try:
        _run(parsed, root, progress)
    except DevstackError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _run(parsed: argparse.Namespace, root: Path, progress: Progress) -> None:
    match parsed.command:
        case "run":
            from devstack.parts import PARTS  # noqa: PLC0415
            from devstack.run import run  # noqa: PLC0415

            run(root, PARTS, progress)
        case "stop" | "clean":
            from devstack import cleaning  # noqa: PLC0415

            (cleaning.stop if parsed.command == "stop" else cleaning.clean)(root, progress)
        case "install":
            prepare(installing.SERVERS, progress)
            tools = [name for name in ("npm", "chromium", "promtool") if getattr(parsed, name)]
            installing.require(*tools, progress=progress)
        case "memory":
            from devstack.memory import report  # noqa: PLC0415

            print(report(root))


if __name__ == "__main__":
    sys.exit(main())
