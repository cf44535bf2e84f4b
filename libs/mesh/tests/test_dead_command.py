"""`mesh dead list` and `show`: dead letters are found and looked at, and stay where they are."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aio_pika import IncomingMessage, Message, Queue
from devstack.line import Line
from devstack.waiting import until

from .desk import DEAD, QUEUE, CardBurnt, Desk, MeshCommand, card
from .wire import message_of


async def test_list_says_what_is_known_and_takes_nothing_however_often(desk: Desk, mesh_command: MeshCommand) -> None:
    event_id = uuid4()
    await desk.bury(card("a", event_id))
    for _ in range(25):
        (line,) = (await mesh_command("dead", "list", "--json")).lines
    assert line.pop("first_failed_at") <= line.pop("last_failed_at")
    assert line == {
        "id": str(event_id),
        "consumer": QUEUE,
        "type": "tests.card.made.v1",
        "reason": "permanent",
        "attempts": 1,
        "error": "Permanent: a does not fit",
    }
    said = await mesh_command("dead", "list")
    assert str(event_id) in said.out
    assert said.out.endswith("1 dead letters\n")


async def test_nothing_dead_is_no_failure_of_list_and_one_of_the_others(desk: Desk, mesh_command: MeshCommand) -> None:
    await desk.bury()
    assert (await mesh_command("dead", "list")).out == "no dead letters\n"
    assert (await mesh_command("dead", "show")).code == 1
    said = await mesh_command("dead", "replay", "--consumer", QUEUE)
    assert (said.code, said.err) == (1, "mesh: no such dead letters\n")


async def test_letters_are_chosen_by_id_type_reason_and_time(desk: Desk, mesh_command: MeshCommand) -> None:
    known = uuid4()
    await desk.bury(card("a", known), message_of(CardBurnt(card="b", version=1)), Message(b"what?", delivery_mode=2))

    async def chosen(*arguments: str) -> int:
        return len((await mesh_command("dead", "list", "--json", *arguments)).lines)

    assert await chosen() == 3
    assert await chosen("--id", str(known)) == 1
    assert await chosen("--id", str(known), "--id", str(uuid4())) == 1
    assert await chosen("--type", "tests.card.burnt.v1") == 1
    assert await chosen("--type", "tests.card.*") == 2
    assert await chosen("--reason", "unreadable") == 1
    assert await chosen("--reason", "permanent", "--type", "*.burnt.*") == 1
    assert await chosen("--since", "1h") == 3
    assert await chosen("--until", "1h") == 0
    assert await chosen("--since", (datetime.now(UTC) + timedelta(hours=1)).isoformat()) == 0
    (nameless,) = (await mesh_command("dead", "list", "--json", "--reason", "unreadable")).lines
    assert await chosen("--id", nameless["id"]) == 1


async def test_show_gives_body_stack_and_headers(desk: Desk, mesh_command: MeshCommand) -> None:
    await desk.bury(card("a"), Message(b"\xffwhat?", headers={"note": "kept"}, delivery_mode=2))
    shown = {line["reason"]: line for line in (await mesh_command("dead", "show", "--json")).lines}
    assert shown["permanent"]["body"] == {"card": "a", "version": 1}
    assert "in file_card" in shown["permanent"]["stack"]
    assert shown["unreadable"]["body"] is None
    assert shown["unreadable"]["unparsed"] == "\\xffwhat?"
    assert shown["unreadable"]["headers"]["note"] == "kept"
    said = (await mesh_command("dead", "show")).out
    assert '"card": "a"' in said
    assert "Traceback" in said


async def test_what_the_broker_gave_up_is_listed_with_its_reason_and_time(
    desk: Desk, mesh_command: MeshCommand
) -> None:
    await desk.bury()
    await desk.send(card("deadly"))
    await desk.reject(QUEUE)
    (line,) = (await mesh_command("dead", "list", "--json", "--since", "1h", "--reason", "rejected")).lines
    assert line["type"] == "tests.card.made.v1"
    assert await desk.waiting(DEAD) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dead", "list", "--consumer", "nobody.does_this"), "is no consumer on this broker"),
        (("dead", "replay"), "say which"),
        (("dead", "discard", "--json"), "say which"),
        (("dead", "list", "--amqp-url", "amqp://127.0.0.1:9/"), "cannot be reached"),
        (("dead", "edit", "--consumer", QUEUE, "--body", "/nowhere"), "cannot be read"),
        (("dead", "edit", "--consumer", QUEUE, "--body", "/dev/null"), "0 dead letters are meant"),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(
    desk: Desk, mesh_command: MeshCommand, arguments: tuple[str, ...], said: str
) -> None:
    await desk.bury()
    answer = await mesh_command(*arguments)
    assert (answer.code, answer.out) == (1, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1


async def test_a_time_that_cannot_be_read_is_a_mistake_in_the_arguments(mesh_command: MeshCommand) -> None:
    with pytest.raises(SystemExit, match="2"):
        await mesh_command("dead", "list", "--since", "yesterday")


@pytest.mark.parametrize("action", ["replay", "discard", "edit"])
async def test_a_line_that_breaks_before_a_letter_is_settled_is_a_sentence_and_leaves_the_letter(
    action: str, desk: Desk, mesh_command: MeshCommand, amqp_line: Line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    event_id = uuid4()
    await desk.bury(card("a", event_id))
    acknowledge = IncomingMessage.ack
    cut = partial(asyncio.get_running_loop().call_soon_threadsafe, amqp_line.cut)

    async def after_a_cut(message: IncomingMessage, multiple: bool = False) -> None:
        async def is_cut() -> bool:
            return message.channel.is_closed

        cut()
        await until(is_cut)
        await acknowledge(message, multiple)

    monkeypatch.setattr(IncomingMessage, "ack", after_a_cut)
    (tmp_path / "body.json").write_text('{"card": "b", "version": 1}')
    body = ["--body", str(tmp_path / "body.json")] if action == "edit" else []
    chosen = ["--consumer", QUEUE, "--id", str(event_id), "--amqp-url", amqp_line.url]
    said = await mesh_command("dead", action, *chosen, *body)
    assert (said.code, said.err.count("\n"), said.err.startswith("mesh: ")) == (1, 1, True), said.err
    assert str(event_id) in (await mesh_command("dead", "list")).out


async def test_a_line_that_breaks_while_letters_are_read_is_a_sentence(
    desk: Desk, mesh_command: MeshCommand, amqp_line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.bury(card("a"))
    read = Queue.get
    in_the_test = asyncio.get_running_loop().call_soon_threadsafe

    async def cut_meanwhile(queue: Queue, **options: Any) -> Any:
        in_the_test(amqp_line.forget)
        await asyncio.sleep(0.1)
        reading = asyncio.create_task(read(queue, **options))
        await asyncio.sleep(0.1)
        in_the_test(amqp_line.cut)
        return await reading

    monkeypatch.setattr(Queue, "get", cut_meanwhile)
    said = await mesh_command("dead", "list", "--amqp-url", amqp_line.url)
    assert (said.code, said.err.count("\n"), said.err.startswith("mesh: ")) == (1, 1, True), said.err
