"""A client that a public generator makes from the gateway's document type-checks strictly, and studies with the running mesh."""

import shutil
import subprocess
from pathlib import Path

import pytest
from devstack.local_mesh import LocalMesh

FRONTEND = Path(__file__).parent / "frontend"
SAMPLE = Path(__file__).parents[1] / "demo" / "sample.pdf"


def run(folder: Path, *command: str) -> str:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=150)
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student's program, and beside it the packages of the lock file."""
    assert shutil.which("npm"), "node and npm are needed: python -m devstack install --npm"
    if not (FRONTEND / "node_modules").exists():
        run(FRONTEND, "npm", "ci", "--ignore-scripts")
    folder = tmp_path_factory.mktemp("frontend")
    for path in FRONTEND.iterdir():
        if path.suffix in {".ts", ".js", ".json"}:
            shutil.copy(path, folder)
    (folder / "node_modules").symlink_to(FRONTEND / "node_modules")
    return folder


def test_a_generated_client_signs_up_uploads_searches_and_asks(mesh: LocalMesh, project: Path) -> None:
    run(project, "node", "generate.js", f"{mesh.url}/openapi.json", "schema.d.ts")
    run(project, "node", "node_modules/typescript/bin/tsc")
    assert "everything worked" in run(project, "node", "student.js", mesh.url, str(SAMPLE))
