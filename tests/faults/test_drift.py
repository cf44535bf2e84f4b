"""What no event tells: rows and points that are simply not there any more. `mesh audit` names them, and what it recommends mends them."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
from devstack.provisioning import DATABASE
from devstack.waiting import until
from ingestion.edge_vectors import EdgeLibrary

from .books import opened
from .campus import INDEX, Campus
from .ledger import Ledger
from .scenario import Scenario
from .student import enrolled

Found = dict[tuple[str, str, str], str]
"""The command that mends it, by what it is about, which, and who says otherwise."""


async def test_what_is_lost_behind_the_mesh_is_named_by_audit_and_mended_by_what_it_recommends(
    scenario: Scenario, is_long: bool
) -> None:
    campus = scenario.campus
    async with opened(campus.mesh) as books:
        ledger = await books.new_ledger()
    async with enrolled(campus.mesh.url, ledger, scenario.chance) as student:
        document = await student.upload()
        await student.until_told_of(document)
        await student.ask_about(document)
        assert audited(campus, "15s") == (0, {})

        await lose_rows(campus, ledger, document)
        expected = {
            ("document", str(document), "chat (shelf): nothing"): "mesh republish --to chat.offer_document_for_study --snapshot",
            ("user", str(student.id), "notifier (users): nothing"): "mesh republish --to notifier.keep_profile --snapshot",
            ("user", str(student.id), "flashcard (users): kept, version 0"): "mesh republish --to flashcard.keep_profile --snapshot",
        }  # fmt: skip
        if is_long:
            passage = await lose_point(campus, document)
            expected["passage", str(passage), "ingestion (index): nothing"] = "python -m ingestion reindex"
        code, found = audited(campus, "2s")
        assert (code, found) == (1, expected)

        await asyncio.gather(*(asyncio.to_thread(carry_out, campus, command.split()) for command in found.values()))
        await until(lambda: agrees(campus), 60)
        assert len(await student.find(document)) == 1
        assert (await student.ask_about(document))["citations"]


async def lose_rows(campus: Campus, ledger: Ledger, document: UUID) -> None:
    """A row of the shelf, a user's copy, and the version of another."""
    async with rows(campus) as connection:
        await connection.execute("DELETE FROM chat.shelved_document WHERE document_id = $1", document)
        await connection.execute("DELETE FROM notifier.student WHERE user_id = ANY($1)", ledger.students)
        await connection.execute("UPDATE flashcard.student SET version = 0 WHERE user_id = ANY($1)", ledger.students)


async def lose_point(campus: Campus, document: UUID) -> UUID:
    """A point of the index; which passage that was."""
    async with rows(campus) as connection:
        passage: UUID = await connection.fetchval("SELECT id FROM ingestion.passage WHERE document_id = $1", document)
    process = campus[INDEX]
    await asyncio.to_thread(process.stop)
    library = EdgeLibrary(Path(process.spec.env["DATA_DIR"], "ingestion", "vectors"))
    await library.open()
    for shelf in await library.shelves():
        await shelf.delete_document(document)
    await library.close()
    await asyncio.to_thread(process.restart)
    return passage


@asynccontextmanager
async def rows(campus: Campus) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(campus.mesh.stack.postgres.url.removesuffix("/postgres") + f"/{DATABASE}")
    try:
        yield connection
    finally:
        await connection.close()


def audited(campus: Campus, grace: str) -> tuple[int, Found]:
    code, said = campus.tried("audit", "--json", "--grace", grace)
    *findings, last = [json.loads(line) for line in said.splitlines()]
    assert last["clean"] is (not findings), said
    return code, {(one["about"], one["which"], one["but"]): one["mend"] for one in findings}


async def agrees(campus: Campus) -> bool:
    return (await asyncio.to_thread(audited, campus, "0s"))[0] == 0


def carry_out(campus: Campus, command: list[str]) -> None:
    """What an operator does with a recommendation."""
    if command[0] == "mesh":
        campus.command(*command[1:])
        return
    assert command[:2] == ["python", "-m"]
    environment = os.environ | campus[INDEX].spec.env
    subprocess.run([sys.executable, *command[1:]], env=environment, check=True, timeout=60, capture_output=True)
