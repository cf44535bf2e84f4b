"""`mesh dead replay`, `edit` and `discard`: what was given up comes back once, and nothing is lost on the way."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from signal import SIGKILL
from uuid import uuid4

import pytest
from aio_pika.abc import AbstractChannel
from devstack.waiting import until
from mesh.broker import connected
from mesh.dead_letters import dead_letters
from mesh.topology import EXCHANGE

from .conftest import Letters
from .desk import DEAD, QUEUE, CardMade, Desk, MeshCommand, card
from .home import Home
from .wire import message_of


async def test_replay_goes_to_the_consumer_alone_and_starts_anew(
    desk: Desk, mesh_command: MeshCommand, broker: AbstractChannel, letters: Letters
) -> None:
    await desk.bury(card("a"))
    other = await broker.declare_queue("other.shelve", durable=True, arguments={"x-queue-type": "quorum"})
    await other.bind(EXCHANGE, "#")
    (said,) = (await mesh_command("dead", "replay", "--consumer", QUEUE, "--json")).lines
    assert (said["done"], said["dry_run"]) == ("replayed", False)
    assert await letters("other.shelve") == []
    (again,) = await letters(QUEUE)
    assert "mesh-first-failed-at" in again.headers
    assert not {"mesh-attempt", "mesh-reason", "mesh-stack", "x-death"} & set(again.headers)
    await desk.send(card("b"))
    assert await desk.mended() == ["b"]


async def test_replayed_letters_are_applied(desk: Desk, mesh_command: MeshCommand, home: Home) -> None:
    await desk.bury(card("a"), card("b"), card("bad"))
    assert (await mesh_command("dead", "replay", "--all")).code == 0
    assert await desk.waiting(DEAD) == 0
    assert await desk.mended() == ["a", "b"]
    (line,) = (await mesh_command("dead", "list", "--json")).lines
    assert line["error"] == "Permanent: bad does not fit"
    assert line["first_failed_at"] <= line["last_failed_at"]


async def test_dry_run_says_what_would_be_done_and_does_nothing(desk: Desk, mesh_command: MeshCommand) -> None:
    await desk.bury(card("a"))
    for action, done in (("replay", "replayed"), ("discard", "discarded")):
        assert (await mesh_command("dead", action, "--all", "--dry-run")).out.startswith(f"would have {done}")
        (line,) = (await mesh_command("dead", action, "--all", "--dry-run", "--json")).lines
        assert line["dry_run"] is True
    assert (await desk.waiting(QUEUE), await desk.waiting(DEAD)) == (0, 1)


async def test_replay_that_ends_before_the_letter_is_taken_is_repeated_without_harm(
    desk: Desk, mesh_command: MeshCommand, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.bury(card("a"))
    async with connected(amqp_url, "tests") as connection, dead_letters(connection, QUEUE) as found:
        async for letter in found:
            with monkeypatch.context() as patched:
                patched.setattr(type(letter.message), "ack", _nothing)
                await found.replay(letter)
    assert (await desk.waiting(QUEUE), await desk.waiting(DEAD)) == (1, 1)
    await mesh_command("dead", "replay", "--all")
    assert await desk.waiting(QUEUE) == 2
    assert await desk.mended() == ["a"]


async def _nothing(_: object) -> None:
    """An acknowledgement that never left the process."""


@pytest.mark.timeout(120)
async def test_command_killed_in_the_middle_loses_and_repeats_nothing(
    desk: Desk, mesh_command: MeshCommand, amqp_url: str
) -> None:
    names = [f"{number:03}" for number in range(300)]
    await desk.bury(*map(card, names))
    command = (sys.executable, "-m", "mesh", "dead", "replay", "--consumer", QUEUE, "--json", "--amqp-url", amqp_url)
    replaying = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert replaying.stdout is not None
    async with asyncio.timeout(60):
        for _ in range(20):
            await replaying.stdout.readline()
    replaying.send_signal(SIGKILL)
    await replaying.wait()

    async def all_are_somewhere() -> bool:
        return await desk.waiting(QUEUE) + await desk.waiting(DEAD) >= len(names)

    await until(all_are_somewhere)
    await mesh_command("dead", "replay", "--all")
    assert await desk.mended() == names


async def test_edited_letter_is_replayed_with_its_new_body(
    desk: Desk, mesh_command: MeshCommand, tmp_path: Path
) -> None:
    event_id = uuid4()
    await desk.bury(card("bad", event_id), card("other"))
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"card": "good", "version": 7}))
    edit = ("dead", "edit", "--id", str(event_id), "--body", str(body))
    assert (await mesh_command(*edit, "--dry-run")).out.startswith("would have edited")
    assert (await mesh_command(*edit)).code == 0
    (shown,) = (await mesh_command("dead", "show", "--id", str(event_id), "--json")).lines
    assert shown["body"] == {"card": "good", "version": 7}
    assert shown["headers"]["cloudEvents:subject"] == "good"
    assert shown["headers"]["cloudEvents:aggregateversion"] == 7
    assert (shown["reason"], shown["error"]) == ("permanent", "Permanent: bad does not fit")
    await mesh_command("dead", "replay", "--id", str(event_id))
    assert await desk.mended() == ["good"]
    assert await desk.waiting(DEAD) == 1


async def test_body_that_the_event_does_not_take_is_refused(
    desk: Desk, mesh_command: MeshCommand, tmp_path: Path
) -> None:
    await desk.bury(card("bad"))
    body = tmp_path / "body.json"
    for wrong in ("{", '{"card": 1, "version": 1}', '{"card": "a"}'):
        body.write_text(wrong)
        said = await mesh_command("dead", "edit", "--consumer", QUEUE, "--body", str(body))
        assert said.code == 1
        assert "The body is no tests.card.made.v1" in said.err
    (shown,) = (await mesh_command("dead", "show", "--json")).lines
    assert shown["body"]["card"] == "bad"


async def test_body_of_an_event_that_nobody_knows_is_changed_with_a_warning(
    desk: Desk, mesh_command: MeshCommand, tmp_path: Path
) -> None:
    await desk.bury(message_of(CardMade(card="a", version=1), headers={"cloudEvents:type": "tests.card.eaten.v1"}))
    body = tmp_path / "body.json"
    body.write_text("{}")
    said = await mesh_command("dead", "edit", "--consumer", QUEUE, "--body", str(body))
    assert said.code == 0
    assert "was not checked" in said.err


async def test_discarded_letters_are_gone_and_the_others_stay(desk: Desk, mesh_command: MeshCommand) -> None:
    gone, kept = uuid4(), uuid4()
    await desk.bury(card("bad", gone), card("worse", kept))
    assert (await mesh_command("dead", "discard", "--id", str(gone))).code == 0
    (line,) = (await mesh_command("dead", "list", "--json")).lines
    assert line["id"] == str(kept)


async def test_letter_stays_where_its_consumer_has_no_queue(
    desk: Desk, mesh_command: MeshCommand, broker: AbstractChannel
) -> None:
    await desk.bury(card("a"))
    await broker.queue_delete(QUEUE)
    said = await mesh_command("dead", "replay", "--all")
    assert said.code == 1
    assert f"There is no queue {QUEUE}" in said.err
    assert await desk.waiting(DEAD) == 1
