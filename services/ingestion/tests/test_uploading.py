"""POST /documents: what is taken in, and that nothing stays of what is not."""

import asyncio
import hashlib
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any, Self
from uuid import uuid4

import pytest
from ingestion.forms import IncomingFile
from ingestion.uploads import Upload

from . import hostile_files
from .service_under_test import Service

TEXT = b"Supply is what producers offer at a price."


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (hostile_files.pdf("Supply"), "economics.pdf", "pdf"),
        (hostile_files.docx("Supply"), "economics.docx", "docx"),
        (b"# Supply\n\nis offered.", "notes.md", "md"),
        (TEXT, "notes.txt", "txt"),
        (hostile_files.pdf("Supply"), "wrongly named.txt", "pdf"),
        (TEXT, "no ending", "txt"),
    ],
)
async def test_a_document_is_taken_in_by_its_content(service: Service, content: bytes, name: str, kind: str) -> None:
    student = service.student()
    answer = await student.send(content, name)
    assert answer.status_code == 202
    document = answer.json()
    assert (document["status"], document["progress"], document["kind"]) == ("queued", 0.0, kind)
    assert (document["filename"], document["bytes"], document["error"]) == (name, len(content), None)
    (file,) = service.stored_files()
    assert file.read_bytes() == content
    (row,) = await service.rows("SELECT sha256, storage_key, traceparent FROM document")
    assert row["sha256"] == hashlib.sha256(content).digest()
    assert await service.count("stray_file") == 0


async def test_the_upload_is_told_once_in_its_transaction(service: Service) -> None:
    student = service.student()
    document = await student.upload(TEXT, "Week 3.txt")
    (event,) = await service.events()
    assert event == {
        "type": "ingestion.document.uploaded.v1",
        "version": 1,
        "document_id": document["id"],
        "user_id": str(student.id),
        "title": "Week 3",
        "kind": "txt",
        "bytes": len(TEXT),
    }


async def test_the_same_bytes_again_give_the_document_that_is_there(service: Service) -> None:
    student = service.student()
    first = await student.upload(TEXT)
    again = await student.send(TEXT, "another name.txt")
    assert again.status_code == 200
    assert again.json() == first
    assert len(service.stored_files()) == 1
    assert await service.count("stray_file") == 0
    assert len(await service.events()) == 1


async def test_the_same_bytes_of_another_student_are_another_document(service: Service) -> None:
    first = await service.student().upload(TEXT)
    second = await service.student().upload(TEXT)
    assert first["id"] != second["id"]
    assert len(service.stored_files()) == 2


async def test_the_same_bytes_twice_at_once_make_one_document(service: Service) -> None:
    student = service.student()
    answers = await asyncio.gather(*(student.send(TEXT) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(service.stored_files()) == 1
    assert len(await service.events()) == 1


async def test_an_idempotency_key_repeats_the_first_answer(service: Service) -> None:
    student = service.student()
    first = await student.send(TEXT, **{"Idempotency-Key": "upload-1"})
    await service.process(first.json()["id"])
    again = await student.send(TEXT, **{"Idempotency-Key": "upload-1"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(service.stored_files()) == 1


async def test_an_idempotency_key_with_another_body_is_a_conflict_that_leaves_nothing(service: Service) -> None:
    student = service.student()
    await student.send(TEXT, **{"Idempotency-Key": "upload-1"})
    other = await student.send(b"other bytes", **{"Idempotency-Key": "upload-1"})
    assert other.status_code == 409
    assert other.json()["type"] == "urn:studyteddy:problem:idempotency-key-reused"
    assert len(service.stored_files()) == 1
    assert await service.count("document") == 1
    assert await service.count("stray_file") == 0


@pytest.mark.parametrize(
    ("content", "name", "status", "problem", "says"),
    [
        (b"", "empty.txt", 422, "document-empty", "empty"),
        (hostile_files.PNG, "png-renamed.pdf", 415, "document-unsupported", "PNG picture"),
        (b"<html><body>page</body></html>", "page.docx", 415, "document-unsupported", "web page"),
        (b"x" * (2 * 1024 * 1024 + 1), "large.txt", 413, "document-too-large", "2 MiB at most"),
    ],
)
async def test_what_is_no_document_is_refused_and_leaves_nothing(
    service: Service, content: bytes, name: str, status: int, problem: str, says: str
) -> None:
    answer = await service.student().send(content, name)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:studyteddy:problem:{problem}"
    assert says in answer.json()["detail"]
    await service.assert_nothing_left()


async def test_a_file_of_the_largest_size_is_taken(service: Service) -> None:
    content = (b"A line of text that is read.\n" * 80_000)[: 2 * 1024 * 1024]
    assert (await service.student().send(content)).status_code == 202


async def test_an_announced_size_is_refused_before_the_file_comes(service: Service) -> None:
    upload = await RawUpload(form(b"x"), Content_Length=str(10**9)).to(service)
    assert upload.status == 413
    await service.assert_nothing_left()


async def test_a_form_without_a_file_is_refused(service: Service) -> None:
    answer = await service.student().request("POST", "/documents", files={"document": ("a.txt", TEXT)})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:studyteddy:problem:file-missing"
    answer = await service.student().request("POST", "/documents", json={"file": "text"})
    assert answer.status_code == 422
    await service.assert_nothing_left()


def form(content: bytes) -> bytes:
    return b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + content


class RawUpload:
    """An upload in plain ASGI: blocks as a test wants them, and then the end, the sender's disappearance, or silence."""

    def __init__(self, *blocks: bytes, ending: str = "end", **headers: str) -> None:
        self._blocks = list(blocks)
        self._ending = ending
        self._headers = {"Content-Type": "multipart/form-data; boundary=B"} | headers
        self.taken = 0
        self.status: int | None = None
        self.body = b""

    async def to(self, service: Service) -> Self:
        headers = service.student().headers | self._headers
        scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": "/documents",
            "raw_path": b"/documents",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("ingestion", 80),
            "client": ("203.0.113.7", 1),
            "asgi": {"version": "3.0"},
        }
        async with asyncio.timeout(20):
            await service.app(scope, self._receive, self._send)
        return self

    async def _receive(self) -> dict[str, Any]:
        if self._blocks:
            self.taken += 1
            block = self._blocks.pop(0)
            return {"type": "http.request", "body": block, "more_body": bool(self._blocks) or self._ending != "end"}
        if self._ending == "silence":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"} if self._ending == "cut" else {"type": "http.request", "more_body": False}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")


@pytest.mark.parametrize(
    "blocks", [[form(b"some"), b" text"], [form(b"x" * 70_000)], [form(b"")], [b"--B\r\nConte"], []]
)
async def test_an_upload_that_is_cut_off_leaves_nothing(service: Service, blocks: list[bytes]) -> None:
    await RawUpload(*blocks, ending="cut").to(service)
    await service.assert_nothing_left()


async def test_a_form_that_ends_too_early_is_refused_and_leaves_nothing(service: Service) -> None:
    upload = await RawUpload(form(b"half a file")).to(service)
    assert upload.status == 400
    assert b"upload-incomplete" in upload.body
    await service.assert_nothing_left()


async def test_an_upload_passes_through_in_pieces(service: Service) -> None:
    blocks = [form(b""), *[b"A line of text.\n" * 1000] * 100, b"\r\n--B--\r\n"]
    upload = await RawUpload(*blocks).to(service)
    assert upload.status == 202
    assert upload.taken == len(blocks)
    (file,) = service.stored_files()
    assert file.stat().st_size == 1_600_000


async def test_an_upload_that_takes_too_long_is_given_up(service: Service) -> None:
    service.app.state.intake._patience = timedelta(seconds=0.1)
    upload = await RawUpload(form(b"slow"), ending="silence").to(service)
    assert upload.status == 408
    await service.assert_nothing_left()


@pytest.mark.parametrize(
    ("given", "kept", "title"),
    [
        ("../../etc/passwd", "passwd", "passwd"),
        ("C:\\notes\\Week 1.txt", "Week 1.txt", "Week 1"),
        ("ab\u202etxt.exe.txt", "abtxt.exe.txt", "abtxt.exe"),
        ("Größe 需要.md", "Größe 需要.md", "Größe 需要"),
        ("...", "document.txt", "document"),
        (f"{'long' * 100}.txt", f"{'long' * 48}long"[:189] + ".txt", None),
        ("3.5 Elasticity of demand", "3.5 Elasticity of demand", None),
    ],
)
async def test_a_name_is_kept_without_what_could_harm(
    service: Service, given: str, kept: str, title: str | None
) -> None:
    document = await service.student().upload(TEXT, given)
    assert document["filename"] == kept
    assert title is None or document["title"] == title


async def test_without_redis_a_document_is_taken_in_and_the_sweeper_finds_it(service: Service) -> None:
    service.jobs._broker.client.connection_pool.connection_kwargs["port"] = 1
    document = await service.student().upload(TEXT)
    assert document["status"] == "queued"
    assert await service.sweeper.hint_again() == []
    service.clock.forward(seconds=31)
    assert [str(found) for found in await service.sweeper.hint_again()] == [document["id"]]


async def test_without_storage_an_upload_fails_and_leaves_no_document(service: Service) -> None:
    service.files.rmdir()
    service.files.write_text("a file where the folder should be")
    assert (await service.student().send(TEXT)).status_code in (500, 503)
    assert await service.count("document") == 0
    assert await service.events() == []


async def test_a_file_of_a_killed_upload_is_swept(service: Service) -> None:
    key = f"{uuid4()}/{uuid4()}"
    await service.execute("INSERT INTO stray_file VALUES (:key, :now)", key=key, now=service.clock())
    staged = service.files / f"{key}#1"
    staged.parent.mkdir(parents=True)
    staged.write_bytes(b"half")
    assert await service.sweeper.discard_strays() == 1
    await service.assert_nothing_left()


async def test_an_upload_under_way_is_not_swept(service: Service) -> None:
    key = f"{uuid4()}/{uuid4()}"
    later = service.clock.now.replace(hour=23)
    await service.execute("INSERT INTO stray_file VALUES (:key, :later)", key=key, later=later)
    assert await service.sweeper.discard_strays() == 0
    assert await service.count("stray_file") == 1


async def test_an_upload_whose_file_was_swept_is_refused(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    receive = service.app.state.intake._receive

    async def receive_and_lose(file: IncomingFile, key: str) -> Upload:
        upload: Upload = await receive(file, key)
        await service.execute("DELETE FROM stray_file")
        return upload

    monkeypatch.setattr(service.app.state.intake, "_receive", receive_and_lose)
    answer = await service.student().send(TEXT)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:studyteddy:problem:upload-expired"
    assert await service.count("document") == 0
