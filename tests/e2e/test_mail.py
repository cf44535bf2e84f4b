"""Mails and what their links do, on a laptop where nothing sends them: they are files, and a page lists them."""

import re

import httpx
from devstack.local_mesh import LocalMesh
from devstack.waiting import until

from .students import Json, SignUp, Student

LINK = re.compile(r"http://localhost:\d+(/api/v1/auth/[\w/-]+)#token=(stml_[\w-]+)")


async def mail_to(mesh: LocalMesh, student: Student, subject: str) -> Json:
    """The mail: its file's text, and the path and token of its link."""

    async def found() -> Json | None:
        for file in (mesh.state / "mail").glob("*.eml"):
            text = file.read_text().replace("=\n", "").replace("=3D", "=")
            if f"To: {student.email}" in text and f"Subject: {subject}" in text:
                link = LINK.search(text)
                assert link is not None, text
                return {"id": file.stem, "path": link[1], "token": link[2]}
        return None

    return await until(found, 20)


async def test_an_address_is_verified_by_the_link_in_the_mail(mesh: LocalMesh, student: Student) -> None:
    mail = await mail_to(mesh, student, "Confirm your email address")
    async with httpx.AsyncClient(base_url=mesh.url) as browser:
        opened = await browser.get(mail["path"])
        assert (opened.status_code, opened.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert (await student.http.get("/users/me")).json()["email_verified"] is False
        verified = await browser.post("/api/v1/auth/verify-email", json={"token": mail["token"]})
        assert verified.status_code == 204
    assert (await student.http.get("/users/me")).json()["email_verified"] is True


async def test_a_password_is_reset_by_the_link_in_the_mail(mesh: LocalMesh, student: Student) -> None:
    asked = await student.http.post(
        "/auth/password/forgot", json={"email": student.email}, headers={"Authorization": ""}
    )
    assert asked.status_code == 202
    mail = await mail_to(mesh, student, "Set a new password")
    new = "a sentence of many other words"
    async with httpx.AsyncClient(base_url=f"{mesh.url}/api/v1") as browser:
        done = await browser.post("/auth/password/reset", json={"token": mail["token"], "password": new})
        assert done.status_code in (200, 204), done.text
        again = await browser.post("/auth/login", json={"email": student.email, "password": new})
        assert again.status_code == 200


async def test_the_page_for_developers_lists_mails_and_runs_nothing(mesh: LocalMesh, sign_up: SignUp) -> None:
    ada = await sign_up()
    mail = await mail_to(mesh, ada, "Confirm your email address")
    async with httpx.AsyncClient(base_url=f"{mesh.url}/api/v1") as browser:
        page, shown = await browser.get("/mail"), await browser.get(f"/mail/{mail['id']}")
    assert (page.status_code, shown.status_code) == (200, 200)
    assert ada.email in page.text
    for answer in (page, shown):
        assert answer.headers.get_list("content-security-policy") == [answer.headers["content-security-policy"]]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert shown.headers["content-security-policy"].startswith("sandbox")


async def test_who_wants_mail_of_a_document_gets_it_once_the_address_is_verified(
    mesh: LocalMesh, student: Student
) -> None:
    mail = await mail_to(mesh, student, "Confirm your email address")
    await student.http.post("/auth/verify-email", json={"token": mail["token"]})
    wanted = await student.http.put("/notifications/preferences", json={"document_ready": {"email": True}})
    assert wanted.status_code == 200
    await student.ready("enzymes.txt", b"Enzymes are proteins that make reactions of the cell faster. " * 5)

    async def told() -> Json | None:
        texts = [file.read_text() for file in (mesh.state / "mail").glob("*.eml")]
        mine = [text for text in texts if f"To: {student.email}" in text and "List-Unsubscribe:" in text]
        return {"text": mine[0]} if mine else None

    assert "ready" in (await until(told, 30))["text"]
