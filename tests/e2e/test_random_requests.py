"""Schemathesis makes requests from the merged OpenAPI, valid ones and others: none is a 5xx, and each answer is as the document says."""

import asyncio
import sys
from pathlib import Path

import pytest
from devstack.local_mesh import LocalMesh

from .students import SignUp, Student

DOCUMENT = Path(__file__).parents[2] / "contracts" / "contracts" / "openapi.json"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SECONDS = 28
# The caller's own session would end; sockets and endless streams have tests of their own.
LEFT_OUT = ("/api/v1/auth/logout", "/api/v1/chat/messages/{message_id}/stream", "/ws", "/graphql")


def command(mesh: LocalMesh, student: Student) -> list[str]:
    left_out = [argument for path in LEFT_OUT for argument in ("--exclude-path", path)]
    return [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(DOCUMENT), "--url", mesh.url),
        *("--header", f"Authorization: Bearer {student.tokens['access_token']}"),
        *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "6"),
        *("--max-time", str(SECONDS), "--workers", "2", "--request-timeout", "20"),
        *("--generation-deterministic", "--no-shrink", "--continue-on-failure", "--no-color", "--warnings", "off"),
        *left_out,
    ]


@pytest.mark.timeout(SECONDS + 120)
async def test_no_request_is_a_fault_of_ours(mesh: LocalMesh, sign_up: SignUp, tmp_path: Path) -> None:
    student = await sign_up()
    process = await asyncio.create_subprocess_exec(
        *command(mesh, student), cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said[-8000:]
    assert "Tested operations" in said or "passed" in said, said[-8000:]
