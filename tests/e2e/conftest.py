"""The whole mesh, as `make run` starts it, once for all end-to-end tests (they share a worker: see `pytestmark`)."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from devstack.local_mesh import LocalMesh
from devstack.places import temporary_home
from devstack.ports import free_ports
from devstack.servers import Tuning
from devstack.sign_ups import forget_sign_ups

from .browser import Browser, chromium
from .conformance import conformance
from .students import Json, SignUp, Student

ADMIN = "admin@example.org"
SAMPLE = Path(__file__).parents[1] / "demo" / "sample.pdf"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One mesh, and so one worker, for everything here; and time to start it."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("mesh"))
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="session")
def mesh() -> Iterator[LocalMesh]:
    home = temporary_home()
    (port,) = free_ports(1)
    limits = {"GATEWAY_LIMIT_GENERAL": "100000", "GATEWAY_LIMIT_AI": "100000", "GATEWAY_LIMIT_AUTH": "100000"}
    settings = {"GATEWAY_PORT": str(port), "AUTH_FIRST_ADMIN_EMAIL": ADMIN, **limits}
    running = LocalMesh(home / "state", settings, tuning=Tuning.FAST, home=home, temporary=True)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(autouse=True)
def forgotten_sign_ups(request: pytest.FixtureRequest) -> None:
    """All tests of the one mesh sign up from one address, and more of them than may in such a time."""
    if "mesh" in request.fixturenames:
        mesh: LocalMesh = request.getfixturevalue("mesh")
        forget_sign_ups(mesh.stack.redis)


@pytest.fixture
async def sign_up(mesh: LocalMesh, routes: Json) -> AsyncIterator[SignUp]:
    """Makes students of the mesh; each has an account of its own. What they are answered is as the document says."""
    students: list[Student] = []
    hooks = {"response": [conformance(routes)]}

    async def make() -> Student:
        client = httpx.AsyncClient(base_url=f"{mesh.url}/api/v1", timeout=60, event_hooks=hooks)
        account = {"email": f"{secrets.token_hex(6)}@example.org", "password": secrets.token_urlsafe(12), "name": "Ada"}
        answer = await client.post("/auth/signup", json=account)
        assert answer.status_code == 201, answer.text
        students.append(Student(client, account["email"], account["password"], answer.json()))
        return students[-1]

    yield make
    for student in students:
        await student.http.aclose()


@pytest.fixture
async def student(sign_up: SignUp) -> Student:
    return await sign_up()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("browser") / "profile") as browser:
        yield browser


@pytest.fixture(scope="session")
def sample() -> bytes:
    return SAMPLE.read_bytes()


@pytest.fixture(scope="session")
def routes() -> Json:
    """The merged OpenAPI document, which is the gateway's route table."""
    path = Path(__file__).parents[2] / "contracts" / "contracts" / "openapi.json"
    document: Json = json.loads(path.read_text(encoding="utf-8"))
    return document
