"""aimock: a server of OpenAI's API that is not ours, and behaves well or badly by the name of the model (aimock/fixtures.json)."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from devstack.keeping import locked

AIMOCK = Path(__file__).parent / "aimock"
PROGRAM = AIMOCK / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
KEY = "the-right-key"


@dataclass(frozen=True)
class Aimock:
    """The server at `url`, which takes `key` alone."""

    url: str
    key: str

    def asked_of(self, model: str) -> list[dict[str, Any]]:
        """The bodies of the requests for this model, the oldest first."""
        journal = httpx.get(f"{self.url.removesuffix('/v1')}/__aimock/journal", headers=self._headers).json()
        return [entry["body"] for entry in journal if entry["body"] and entry["body"].get("model") == model]

    def forget(self) -> None:
        """Count anew how often each answer was given."""
        httpx.post(f"{self.url.removesuffix('/v1')}/__aimock/reset/journal", headers=self._headers).raise_for_status()

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture(scope="session")
def program() -> Path:
    """aimock, installed from its lock where it is not yet."""
    assert shutil.which("npm"), "node and npm are needed: apt-get install nodejs npm"
    with locked(AIMOCK / ".lock"):
        if not PROGRAM.exists():
            subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=AIMOCK, check=True, capture_output=True)
    return PROGRAM


@pytest.fixture(scope="session")
def aimock(program: Path) -> Iterator[Aimock]:
    command = ["node", str(program), "--port", "0", "--fixtures", "fixtures.json"]
    environment = {**os.environ, "AIMOCK_API_KEYS": KEY}
    with subprocess.Popen(
        command, cwd=AIMOCK, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        said = ""
        while (found := re.search(r"listening on (http://127\.0\.0\.1:\d+)", said)) is None:
            line = server.stdout.readline()
            assert line, f"aimock ended: {said}"
            said += line
        yield Aimock(f"{found[1]}/v1", KEY)
        server.terminate()
        server.stdout.read()
