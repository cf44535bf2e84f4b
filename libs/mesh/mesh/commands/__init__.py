"""The command line `mesh`: what an operator does to a running mesh."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from mesh.broker import BROKEN
from mesh.commands import audit, dead, forget, republish
from mesh.errors import MeshError

AMQP_URL = "amqp://guest:guest@127.0.0.1:5672/"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command: 0 is success, 1 a failure with a sentence, 2 a mistake in the arguments.

    `audit` has codes of its own: 1 is drift, 2 that somebody could not be asked.
    """
    parsed = command_line().parse_args(arguments)
    try:
        code: int = asyncio.run(parsed.run(parsed))
    except MeshError as error:
        print(f"mesh: {error}", file=sys.stderr)
    except BROKEN as error:
        why = str(error) or "the connection broke"
        print(f"mesh: the broker cannot be reached ({why}): set AMQP_URL or --amqp-url, or try again", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    else:
        return code
    return 1


def command_line() -> argparse.ArgumentParser:
    """Every command and its options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--amqp-url", default=os.environ.get("AMQP_URL") or AMQP_URL, help="AMQP_URL, if not given")
    common.add_argument("--json", action="store_true", help="one JSON object a line")
    parser = argparse.ArgumentParser(prog="mesh", description="Look after a running mesh.")
    commands = parser.add_subparsers(dest="command", required=True)
    dead.add_to(commands, common)
    republish.add_to(commands, common)
    audit.add_to(commands, common)
    forget.add_to(commands, common)
    return parser
