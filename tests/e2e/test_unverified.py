"""Where a verified address is asked for, as in production: what waits for the link in the mail, and is open after it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from devstack.local_mesh import LocalMesh

from .students import SignUp, Student
from .test_mail import mail_to

ASKING = ("auth", "ingestion", "chat")


@pytest.fixture
def strict_mesh(mesh: LocalMesh) -> Iterator[LocalMesh]:
    """The mesh, with those services that ask for it begun anew with the setting, and afterwards without it again."""
    _restart(mesh, REQUIRE_VERIFIED_EMAIL="true")
    yield mesh
    _restart(mesh, REQUIRE_VERIFIED_EMAIL="false")


def _restart(mesh: LocalMesh, **settings: str) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: mesh.processes[name].restart(settings), ASKING))


async def refused(student: Student, session_id: str) -> list[tuple[int, str]]:
    """What an upload and three ways to the tutor are answered."""
    answers = [
        await student.http.post("/documents", files={"file": ("notes.txt", b"Supply is what producers offer.")}),
        await student.http.post("/chat/sessions", json={"mode": "tutor"}),
        await student.http.post(f"/chat/sessions/{session_id}/messages", json={"content": "What is supply?"}),
        await student.http.post("/chat/explain", json={"concept": "supply"}),
    ]
    return [(answer.status_code, answer.json().get("type", "").rpartition(":")[2]) for answer in answers]


async def test_uploads_and_chat_wait_for_the_link_in_the_mail(strict_mesh: LocalMesh, sign_up: SignUp) -> None:
    ada = await sign_up()
    nowhere = "00000000-0000-4000-8000-000000000000"
    assert await refused(ada, nowhere) == [(403, "email-not-verified")] * 4
    for path in ("/documents", "/chat/sessions", "/users/me"):
        assert (await ada.http.get(path)).status_code == 200

    mail = await mail_to(strict_mesh, ada, "Confirm your email address")
    async with httpx.AsyncClient(base_url=f"{strict_mesh.url}/api/v1") as browser:
        verified = await browser.post("/auth/verify-email", json={"token": mail["token"]})
        assert verified.status_code == 204
        refreshed = await browser.post("/auth/refresh", json={"refresh_token": ada.tokens["refresh_token"]})
    ada.http.headers["Authorization"] = f"Bearer {refreshed.json()['access_token']}"

    document = await ada.ready("notes.txt", b"Supply is what producers offer at a price. " * 3)
    answer = await ada.ask(await ada.study(document["id"]), "What is supply?")
    assert answer["grounded"], answer
