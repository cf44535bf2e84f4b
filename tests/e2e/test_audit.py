"""Services agree on what became of a student's things, also when the student has left; and who asks must be an operator."""

import asyncio
import json
import os
from collections.abc import Mapping

import aio_pika
import httpx
import pytest
from aio_pika import Message
from devstack.local_mesh import LocalMesh
from devstack.ports import free_ports
from devstack.waiting import until
from mesh.commands import main

from .students import Json, SignUp


@pytest.fixture
def addresses(mesh: LocalMesh, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Where services are, inside the mesh; `mesh …` knows it from the environment."""
    given: dict[str, str] = {}
    for line in (mesh.state / "mesh.env").read_text().splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        given[name] = value.strip("'")
        monkeypatch.setenv(name, given[name])
    return dict(pair.split("=", 1) for pair in given["MESH_SERVICES"].split(","))


async def test_what_is_kept_deleted_and_erased_is_the_same_everywhere(
    addresses: Mapping[str, str], sign_up: SignUp, sample: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    ada, bob = await sign_up(), await sign_up()
    kept = await ada.ready("kept.pdf", sample)
    await ada.ask(await ada.study(kept["id"]), "What is the testing effect?")
    gone = await ada.ready("gone.txt", b"What is deleted must not come back. " * 40)
    assert (await ada.http.delete(f"/documents/{gone['id']}")).status_code == 204
    left = await bob.ready("left.txt", b"Whoever leaves takes everything along. " * 40)
    people = [(await student.http.get("/users/me")).json()["id"] for student in (ada, bob)]
    answer = await bob.http.request("DELETE", "/users/me", json={"password": bob.password})
    assert answer.status_code == 204

    async def audited() -> Json | None:
        capsys.readouterr()
        code = await asyncio.to_thread(main, ["audit", "--json"])
        said = capsys.readouterr()
        assert code in (0, 1), said.err
        lines: list[Json] = [json.loads(line) for line in said.out.splitlines()]
        *findings, last = lines
        # Other tests break things of their own.
        ours = {kept["id"], gone["id"], left["id"], *people}
        assert [finding for finding in findings if finding["which"] in ours] == []
        return last

    last = await until(audited, 60)
    assert any(seen.startswith("passage: ") for seen in last["looked_at"])
    assert any(seen.startswith("deliveries: ") for seen in last["looked_at"])


@pytest.mark.parametrize("path", ["", "/outbox"])
async def test_no_user_may_ask(addresses: Mapping[str, str], sign_up: SignUp, path: str) -> None:
    ada = await sign_up()
    async with httpx.AsyncClient() as nobody:
        for name, url in addresses.items():
            asked = f"{url}/internal/mesh{path}"
            assert (await nobody.get(asked)).status_code == 401, name
            token = {"Authorization": ada.http.headers["Authorization"]}
            assert (await nobody.get(asked, headers=token)).status_code in (401, 403), name
    assert (await ada.http.get(f"/internal/mesh{path}")).status_code == 404, "the gateway hides the inside"


async def test_what_the_others_say_is_told_although_one_service_is_silent(
    addresses: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (port,) = free_ports(1)
    reached = dict(addresses) | {"notifier": f"http://127.0.0.1:{port}"}
    monkeypatch.setenv("MESH_SERVICES", ",".join(f"{name}={url}" for name, url in reached.items()))
    async with await aio_pika.connect(os.environ["AMQP_URL"]) as connection:
        letter = Message(b"no event", message_id="left-by-test_audit")
        await (await connection.channel()).default_exchange.publish(letter, "chat.erase_user.dead")

    code = await asyncio.to_thread(main, ["audit", "--json", "--grace", "0s"])
    *findings, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    await asyncio.to_thread(main, ["dead", "discard", "--consumer", "chat.erase_user", "--id", "left-by-test_audit"])

    assert code == 2
    assert [one["which"] for one in findings if one["about"] == "dead letters"] == ["chat.erase_user"]
    assert last["clean"] is False
    assert any("notifier cannot be reached" in sentence for sentence in last["not_asked"])
    assert any("chat (shelf)" in seen for seen in last["looked_at"])
    assert not any("notifier (" in seen for seen in last["looked_at"])


async def test_who_cannot_be_asked_is_said_with_a_code_of_its_own(
    addresses: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MESH_SERVICE_SECRET", "guessed")
    assert await asyncio.to_thread(main, ["audit"]) == 2
    assert "auth answered 401" in capsys.readouterr().err
