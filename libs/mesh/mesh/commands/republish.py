"""`mesh republish --to CONSUMER --since T | --aggregate ID | --snapshot`."""

import argparse
import json
from collections import Counter
from typing import Any

from mesh.broker import connected
from mesh.commands.contracts import load
from mesh.commands.selecting import moment
from mesh.commands.services import Services, reached
from mesh.errors import MeshError
from mesh.republishing import Republished, Wish
from mesh.topology import Topology


class NoSuchConsumer(MeshError):
    """No handler of the mesh has this name."""


class NoInbox(MeshError):
    """The consumer acts whenever it is told, and what holds now is no news."""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser(
        "republish", parents=[common], help="say history again, to one consumer that is new or lost its queue"
    )
    parser.set_defaults(run=republish)
    parser.add_argument("--to", required=True, metavar="CONSUMER", help="such as chat.offer_document_for_study")
    parser.add_argument("--since", type=moment, help="what was sent at this time or later: 2026-11-26T12:00, or 3d ago")
    parser.add_argument("--aggregate", metavar="ID", help="what was sent of this document, user …")
    parser.add_argument("--snapshot", action="store_true", help="what there is now, however old, and what is gone")
    parser.add_argument("--dry-run", action="store_true", help="count, and send nothing")


async def republish(parsed: argparse.Namespace) -> int:
    """Ask every service whose events the consumer takes; what it has had already, its inbox knows."""
    if parsed.snapshot == (parsed.since is not None or parsed.aggregate is not None):
        raise MeshError("say what: --since, --aggregate, both of them, or --snapshot")
    topology = load().topology()
    queues = topology.queues
    if parsed.to not in queues:
        raise NoSuchConsumer(f"{parsed.to} is no consumer. There is: {', '.join(sorted(queues))}")
    if parsed.snapshot and parsed.to in topology.without_inbox:
        raise NoInbox(f"{parsed.to} keeps no inbox: it would act on old facts as if they were news. Use --since")
    types = queues[parsed.to]
    if not parsed.dry_run:
        await _make_queue(parsed.amqp_url, Topology({parsed.to: types}))
    async with reached() as services:
        for producer in sorted({type_.partition(".")[0] for type_ in types}):
            _say(parsed, producer, await _by(services, producer, parsed, types))
    return 0


async def _make_queue(amqp_url: str, topology: Topology) -> None:
    async with connected(amqp_url, "mesh republish") as connection:
        await topology.declare(await connection.channel())


async def _by(services: Services, producer: str, parsed: argparse.Namespace, types: tuple[str, ...]) -> Counter[str]:
    said: Counter[str] = Counter()
    own = frozenset(type_ for type_ in types if type_.startswith(f"{producer}."))
    after: str | None = None
    while True:
        wish = Wish(
            to=parsed.to,
            types=own,
            since=parsed.since,
            aggregate=parsed.aggregate,
            snapshot=parsed.snapshot,
            after=after,
            dry_run=parsed.dry_run,
        )
        answer = await services.post(producer, "/republish", wish.model_dump(mode="json"))
        page = Republished.model_validate(answer)
        said.update(page.events)
        if page.next is None:
            return said
        after = page.next


def _say(parsed: argparse.Namespace, producer: str, said: Counter[str]) -> None:
    if parsed.json:
        print(json.dumps({"to": parsed.to, "from": producer, "events": dict(said), "dry_run": parsed.dry_run}))
        return
    verb = "would say again" if parsed.dry_run else "said again"
    counts = ", ".join(f"{number} {type_}" for type_, number in sorted(said.items())) or "nothing"
    print(f"{producer} {verb} to {parsed.to}: {counts}")
