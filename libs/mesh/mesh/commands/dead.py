"""`mesh dead list | show | replay | edit | discard`."""

import argparse
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from mesh.broker import connected
from mesh.commands.contracts import load
from mesh.commands.selecting import Selection, add_selection
from mesh.dead_letters import DeadLetter, DeadLetters, NoDeadLetters, dead_letters
from mesh.edited import edited
from mesh.errors import MeshError


class Unclear(MeshError):
    """The command does not say enough."""


Chosen = AsyncIterator[tuple[DeadLetters, DeadLetter]]


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser("dead", help="messages that were given up")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, run, said in (
        ("list", list_letters, "a line for each"),
        ("show", show, "all that is known of each, body and stack too"),
        ("replay", replay, "give them to their consumer again, and to nobody else"),
        ("edit", edit, "change the body of one; replay it afterwards"),
        ("discard", discard, "drop them for ever"),
    ):
        action = actions.add_parser(name, help=said, parents=[common])
        action.set_defaults(run=run)
        add_selection(action)
        if name not in ("list", "show"):
            action.add_argument("--dry-run", action="store_true", help="say what would be done, and leave all as it is")
        if name in ("replay", "discard"):
            action.add_argument("--all", action="store_true", help="whatever is there")
        if name == "edit":
            action.add_argument("--body", required=True, help="a file with the new body; - for the standard input")


async def list_letters(parsed: argparse.Namespace) -> int:
    """Succeeds also where there are none."""
    count = 0
    async with _opened(parsed) as chosen:
        async for _, letter in chosen:
            count += 1
            _say(parsed, letter)
    if not parsed.json:
        print(f"{count} dead letters" if count else "no dead letters")
    return 0


async def show(parsed: argparse.Namespace) -> int:
    """Fails where there are none."""
    count = 0
    async with _opened(parsed) as chosen:
        async for _, letter in chosen:
            count += 1
            print(json.dumps(letter.whole(), ensure_ascii=False) if parsed.json else _page(letter))
    return _outcome(count)


async def replay(parsed: argparse.Namespace) -> int:
    """Fails where there are none."""
    return await _settle(parsed, DeadLetters.replay, "replayed")


async def discard(parsed: argparse.Namespace) -> int:
    """Fails where there are none."""
    return await _settle(parsed, DeadLetters.discard, "discarded")


async def edit(parsed: argparse.Namespace) -> int:
    """Fails where not exactly one is meant, or the new body does not fit."""
    body = _body(parsed.body)
    async with _opened(parsed) as chosen:
        found = [pair async for pair in chosen]
        if len(found) != 1:
            raise Unclear(f"{len(found)} dead letters are meant, and one is edited at a time: give --consumer and --id")
        ((letters, letter),) = found
        change = edited(letter.type, body, load().events())
        if not parsed.dry_run:
            await letters.rewrite(letter, body, change.headers)
        _say(parsed, letter, "edited", dry=parsed.dry_run)
    if not change.checked:
        print(f"mesh: no event {letter.type or 'without a type'} is known: the body was not checked", file=sys.stderr)
    return 0


async def _settle(
    parsed: argparse.Namespace, settle: Callable[[DeadLetters, DeadLetter], Awaitable[None]], done: str
) -> int:
    if Selection.of(parsed).is_everything and not (parsed.consumer or parsed.all):
        raise Unclear("say which: --consumer, --id, --type, --reason, --since, --until, or --all")
    count = 0
    async with _opened(parsed) as chosen:
        async for letters, letter in chosen:
            if not parsed.dry_run:
                await settle(letters, letter)
            count += 1
            _say(parsed, letter, done, dry=parsed.dry_run)
    return _outcome(count)


@asynccontextmanager
async def _opened(parsed: argparse.Namespace) -> AsyncIterator[Chosen]:
    """The letters that are meant, each held until the block ends."""
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(connected(parsed.amqp_url, f"mesh dead {parsed.action}"))
        opened = []
        for consumer in parsed.consumer or sorted(load().topology().queues):
            try:
                opened.append(await stack.enter_async_context(dead_letters(connection, consumer)))
            except NoDeadLetters:
                if parsed.consumer:
                    raise
        yield _chosen(opened, Selection.of(parsed))


async def _chosen(opened: list[DeadLetters], selection: Selection) -> Chosen:
    for letters in opened:
        async for letter in letters:
            if letter in selection:
                yield letters, letter


def _body(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise Unclear(f"the new body cannot be read: {error}") from error


def _outcome(count: int) -> int:
    if not count:
        print("mesh: no such dead letters", file=sys.stderr)
    return 0 if count else 1


def _say(parsed: argparse.Namespace, letter: DeadLetter, done: str = "", *, dry: bool = False) -> None:
    said = letter.summary()
    if parsed.json:
        outcome = {"done": done, "dry_run": dry} if done else {}
        print(json.dumps(said | outcome, ensure_ascii=False))
        return
    first = f"would have {done}" if dry else done
    error = str(said["error"]).partition("\n")[0][:100]
    columns = [said["last_failed_at"] or "-", letter.consumer, letter.type or "(no type)", letter.id]
    print(
        "  ".join([*([first] if first else []), *columns, f"{letter.reason} after {letter.attempts}", error]).rstrip()
    )


def _page(letter: DeadLetter) -> str:
    whole = letter.whole()
    body = whole.get("unparsed") or json.dumps(whole["body"], indent=2, ensure_ascii=False)
    lines = [f"{name:<16} {whole[name]}" for name in letter.summary()]
    lines += [f"{name:<16} {value}" for name, value in whole["headers"].items() if name not in whole]
    return "\n".join([*lines, "", body, "", letter.stack or "(no stack)", ""])
