"""Schemathesis makes requests from the merged OpenAPI, valid ones and others: none is a 5xx, and each answer is as the document says."""

import asyncio
import secrets
import sys
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from devstack.local_mesh import LocalMesh

from .conftest import ADMIN
from .students import Json, SignUp

DOCUMENT = Path(__file__).parents[2] / "contracts" / "contracts" / "openapi.json"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Two thirds of it were enough to ask every operation on two busy cores; a run goes on inventing requests until its time is over.
SECONDS, SECONDS_OF_ADMIN = 60, 20
# The caller's own session would end; sockets and endless streams have tests of their own.
LEFT_OUT = ("/api/v1/auth/logout", "/api/v1/chat/messages/{message_id}/stream", "/ws", "/graphql")
# Where an admin is answered what a student is not.
FOR_ADMINS = ("/api/v1/admin/users", "/api/v1/admin/users/{user_id}", "/api/v1/admin/audit", "/api/v1/flashcards/due")


async def requests(url: str, token: str, seconds: int, choice: list[str], folder: Path) -> set[str]:
    """Make them; the operations that were asked, such as `GET /api/v1/decks`."""
    report = folder / "report.xml"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", str(DOCUMENT), "--url", url),
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "6"),
        # One worker: threads that parse source at once fail now and then in Python 3.11 ("AST constructor recursion depth mismatch").
        *("--max-time", str(seconds), "--workers", "1", "--request-timeout", "20"),
        *("--generation-deterministic", "--no-shrink", "--continue-on-failure", "--no-color", "--warnings", "off"),
        *("--report-junit-path", str(report)),
        *choice,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said[-8000:]
    return {case.attrib["name"] for case in ElementTree.parse(report).iter("testcase") if case.find("skipped") is None}


def paths(option: str, chosen: tuple[str, ...]) -> list[str]:
    return [argument for path in chosen for argument in (option, path)]


def operations(routes: Json) -> set[str]:
    return {f"{method.upper()} {path}" for path, item in routes["paths"].items() for method in item}


@pytest.mark.timeout(SECONDS + 120)
async def test_no_request_is_a_fault_of_ours(mesh: LocalMesh, sign_up: SignUp, routes: Json, tmp_path: Path) -> None:
    token = (await sign_up()).tokens["access_token"]
    asked = await requests(mesh.url, token, SECONDS, paths("--exclude-path", LEFT_OUT), tmp_path)
    assert asked == {each for each in operations(routes) if each.partition(" ")[2] not in LEFT_OUT}


@pytest.mark.timeout(SECONDS + 120)
async def test_no_request_of_an_admin_is_a_fault_of_ours(mesh: LocalMesh, routes: Json, tmp_path: Path) -> None:
    async with httpx.AsyncClient(base_url=f"{mesh.url}/api/v1", timeout=60) as client:
        account = {"email": ADMIN, "password": secrets.token_urlsafe(12), "name": "Ada"}
        token = (await client.post("/auth/signup", json=account)).json()["access_token"]
        assert (await client.get("/admin/users", headers={"Authorization": f"Bearer {token}"})).status_code == 200
    asked = await requests(mesh.url, token, SECONDS_OF_ADMIN, paths("--include-path", FOR_ADMINS), tmp_path)
    assert asked == {each for each in operations(routes) if each.partition(" ")[2] in FOR_ADMINS}
