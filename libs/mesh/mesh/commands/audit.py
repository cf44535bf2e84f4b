"""`mesh audit`: what services say of the same facts, compared."""

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

from aio_pika.abc import AbstractConnection

from mesh.auditing import Described
from mesh.broker import BROKEN, connected
from mesh.commands.comparing import Comparison, Shelf
from mesh.commands.contracts import load
from mesh.commands.deliveries import BrokerCheck, DeliveryCheck, OutboxCheck
from mesh.commands.findings import Check, Finding
from mesh.commands.services import NotAnswered, Services, reached
from mesh.errors import MeshError

CLEAN, DRIFT, COULD_NOT_ASK = 0, 1, 2
EVERY_SECONDS = 1.0
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser(
        "audit",
        parents=[common],
        help="compare what services say of the same facts",
        description="Exits with 0 where all agree, 1 where something drifts, 2 where somebody could not be asked.",
    )
    parser.set_defaults(run=audit)
    parser.add_argument(
        *("--grace",),
        type=length,
        default=timedelta(seconds=15),
        help="how long news may be on its way: what differs is looked at again for so long (15s)",
    )
    parser.add_argument(
        "--since", type=length, default=timedelta(hours=1), help="hold what was sent in this time against inboxes (1h)"
    )


def length(written: str) -> timedelta:
    """`30s`, `5m`, `2h`, `7d`."""
    if read := re.fullmatch(r"(\d{1,6})([smhd])", written):
        return timedelta(**{_UNITS[read[2]]: int(read[1])})
    raise argparse.ArgumentTypeError(f"{written!r} is no length of time: write 30s, 5m, 2h or 7d")


async def audit(parsed: argparse.Namespace) -> int:
    """Look at everything, and again at what differs until it agrees or the grace is over."""
    unasked: list[str] = []
    checks: list[Check] = []
    try:
        async with connected(parsed.amqp_url, "mesh audit") as connection, reached() as services:
            planned = await _checks(services, connection, parsed.since, unasked)
            checks = await look_until_settled(planned, parsed.grace, unasked)
    except (MeshError, *BROKEN) as error:
        unasked.append(str(error) or type(error).__name__)
    unasked = list(dict.fromkeys(unasked))  # several checks ask the same service
    found = [finding for check in checks for finding in check.findings]
    (_print_json if parsed.json else _print)(checks, found, unasked)
    if unasked:
        return COULD_NOT_ASK
    return DRIFT if found else CLEAN


async def look_until_settled(
    checks: Sequence[Check], grace: timedelta, unasked: list[str], every: float = EVERY_SECONDS
) -> list[Check]:
    """Those checks that could be made, whose findings have been there for the whole grace; `unasked` gets why others could not."""
    made = [check for check in checks if await _could_look(check, unasked)]
    deadline = time.monotonic() + grace.total_seconds()
    while (doubtful := [check for check in made if check.findings]) and time.monotonic() < deadline:
        await asyncio.sleep(every)
        for check in doubtful:
            if not await _could_look(check, unasked):
                made.remove(check)
    return made


async def _could_look(check: Check, unasked: list[str]) -> bool:
    try:
        await check.look()
    except NotAnswered as error:
        unasked.append(str(error))
        return False
    except BROKEN as error:
        # What the others have found is told all the same.
        unasked.append(f"the broker: {str(error) or type(error).__name__}")
        return False
    return True


async def _described(services: Services, unasked: list[str]) -> dict[str, Described]:
    described = {}
    for name in services.names:
        try:
            described[name] = Described.model_validate(await services.get(name, ""))
        except NotAnswered as error:
            unasked.append(str(error))
    return described


async def _checks(
    services: Services, connection: AbstractConnection, since: timedelta, unasked: list[str]
) -> list[Check]:
    described = await _described(services, unasked)
    consumers = {queue: taken for one in described.values() for queue, taken in one.consumers.items()}
    return [
        *_comparisons(services, described, unasked),
        *(OutboxCheck(services, name) for name in described),
        *(
            DeliveryCheck(services, name, taken, since)
            for name in described
            if (taken := _taking_from(name, consumers))
        ),
        *(BrokerCheck(connection, queue) for queue in sorted({*load().topology().queues, *consumers})),
    ]


def _comparisons(services: Services, described: Mapping[str, Described], unasked: list[str]) -> list[Comparison]:
    every = [(service, one) for service, said in described.items() for one in said.inventories]
    owners = {one.fact: (service, one) for service, one in every if one.holds is None}
    found = []
    for service, one in every:
        if one.holds is None:
            continue
        if one.fact not in owners:
            unasked.append(f"{service} has a copy of each {one.fact}, and nobody who was asked owns them")
            continue
        found.append(Comparison(one.fact, Shelf(services, *owners[one.fact]), Shelf(services, service, one)))
    return found


def _taking_from(producer: str, consumers: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    own = {queue: [type_ for type_ in taken if type_.startswith(f"{producer}.")] for queue, taken in consumers.items()}
    return {queue: taken for queue, taken in own.items() if taken}


def _print_json(checks: Sequence[Check], found: Sequence[Finding], unasked: list[str]) -> None:
    for finding in found:
        print(json.dumps(asdict(finding)))
    seen = {"looked_at": [check.seen for check in checks], "not_asked": unasked}
    print(json.dumps({"clean": not (found or unasked), "findings": len(found), **seen}))


def _print(checks: Sequence[Check], found: Sequence[Finding], unasked: list[str]) -> None:
    for check in checks:
        print(f"looked at {check.seen}")
    for sentence in unasked:
        print(f"mesh: not everybody could be asked: {sentence}", file=sys.stderr)
    if not found:
        print("all agree" if not unasked else "all who could be asked agree")
        return
    columns = [field.name for field in fields(Finding)]
    rows = [columns, *([str(getattr(finding, column)) for column in columns] for finding in found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    print()
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"\n{len(found)} findings: see the command in the last column of each")
