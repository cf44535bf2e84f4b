"""From `queued` to `ready` or `failed`: what is stored, what is said, and what is left of what cannot be read."""

import asyncio

import pytest
from devstack.waiting import until
from ingestion.embedding import from_bytes
from ingestion.failures import FAILURES
from ingestion.processing import Pace

from . import hostile_files
from .service_under_test import Service

TEXT = b"Supply is what producers offer at a price. Demand is what buyers want."


async def test_a_document_becomes_ready_page_by_page(service: Service) -> None:
    document = await service.student().read(
        hostile_files.pdf(*(hostile_files.prose(n, 8) for n in (1, 2, 3))), "notes.pdf"
    )
    assert (document["status"], document["progress"], document["error"]) == ("ready", 1.0, None)
    assert (document["pages"], document["pages_read"], document["has_pages"]) == (3, 3, True)
    assert document["passages"] == await service.count("passage") > 0
    assert await service.count("page") == 3


async def test_passages_point_into_the_stored_pages(service: Service) -> None:
    await service.student().read(hostile_files.pdf(*(hostile_files.prose(n, 40) for n in (1, 2, 3))), "notes.pdf")
    rows = await service.rows(
        """SELECT p.*, g.text AS page_text, d.user_id AS owner FROM passage p JOIN document d ON d.id = p.document_id
           JOIN page g ON g.document_id = p.document_id AND g.number = p.part ORDER BY chunk_index"""
    )
    assert [row["chunk_index"] for row in rows] == list(range(len(rows)))
    for row in rows:
        assert row["page_text"][row["start"] : row["end"]] == row["text"]
        assert row["page"] == row["part"]
        assert row["user_id"] == row["owner"]
        assert row["embedding_model"] == "word-hashes"
        assert from_bytes(row["embedding"], 16).shape == (1, 16)


async def test_a_text_has_parts_and_its_passages_no_page(service: Service) -> None:
    text = "\n\n".join(hostile_files.prose(number, 10) for number in range(30))
    student = service.student()
    document = await student.read(text.encode())
    assert document["has_pages"] is False
    assert document["pages"] > 1
    assert {row["page"] for row in await service.rows("SELECT page FROM passage")} == {None}
    assert (await student.get(f"/documents/{document['id']}/pages/1")).json()["has_pages"] is False


async def test_what_happened_is_told_in_order(service: Service) -> None:
    student = service.student()
    document = await student.read(hostile_files.pdf("one page", "another"), "Two pages.pdf")
    uploaded, processed = await service.events()
    assert uploaded["type"] == "ingestion.document.uploaded.v1"
    assert processed == {
        "type": "ingestion.document.processed.v1",
        "version": 2,
        "document_id": document["id"],
        "user_id": str(student.id),
        "title": "Two pages",
        "content_version": 1,
        "pages": 2,
        "passages": 2,
    }


async def test_progress_is_told_while_it_is_read(service: Service) -> None:
    await service.student().read(hostile_files.long_pdf(60), "long.pdf")
    told = [event.model_dump() for event in service.news.told]
    assert [event["pages_read"] for event in told] == sorted(event["pages_read"] for event in told)
    assert told[0]["pages_read"] == 1
    assert (told[-1]["progress"], told[-1]["pages"]) == (1.0, 60)


async def test_the_first_page_can_be_found_while_the_rest_is_read(service: Service) -> None:
    student = service.student()
    document = await student.upload(hostile_files.long_pdf(300), "long.pdf")
    reading = asyncio.create_task(service.process(document["id"]))

    async def first_page_stored() -> bool:
        return await service.count("passage") > 0

    await until(first_page_stored)
    service.embedder.open.clear()
    assert await service.rows("SELECT DISTINCT page FROM passage WHERE page = 1")
    now = await student.document(document["id"])
    assert now["status"] == "processing"
    assert 0 < now["progress"] < 1
    page = await student.get(f"/documents/{document['id']}/pages/1")
    assert "On page 1" in page.json()["text"]
    later = await student.get(f"/documents/{document['id']}/pages/300")
    assert later.status_code == 404
    assert "not been read yet" in later.json()["detail"]
    service.embedder.open.set()
    await reading
    assert (await student.document(document["id"]))["status"] == "ready"


async def test_batches_begin_small_and_grow_with_a_quick_model(service: Service) -> None:
    await service.student().read(hostile_files.long_pdf(100), "long.pdf")
    assert service.embedder.batches[0] <= 3
    assert max(service.embedder.batches) >= 32


def test_a_slow_model_gets_few_passages_at_once() -> None:
    pace = Pace()
    asked = []
    for _ in range(20):
        asked.append(pace.passages)
        pace.took(0.2 * pace.passages)  # five passages a second
    assert asked[0] == 1
    assert set(asked[3:]) == {4}
    for _ in range(10):
        pace.took(0.2 * pace.passages * 4)  # three more documents came
    assert pace.passages <= 2


async def test_running_heads_are_on_the_page_and_not_in_passages(service: Service) -> None:
    words = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen"]
    pages = [f"Principles of Economics\nPage {n}\nThis page tells of a {word}." for n, word in enumerate(words)]
    await service.student().read(hostile_files.pdf(*pages), "heads.pdf")
    texts = [row["text"] for row in await service.rows("SELECT text FROM passage ORDER BY chunk_index")]
    assert texts == [f"This page tells of a {word}." for word in words]
    assert "Principles of Economics" in (await service.rows("SELECT text FROM page WHERE number = 4"))[0]["text"]


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (hostile_files.pdf("secret", password="open sesame"), "locked.pdf", "document-encrypted"),
        (hostile_files.scanned_pdf(3), "scan.pdf", "document-scanned"),
        (hostile_files.pdf("", ""), "blank.pdf", "document-empty"),
        (hostile_files.pdf("cut " * 500)[:300], "cut.pdf", "document-damaged"),
        (hostile_files.docx("a text that is cut")[:200], "cut.docx", "document-damaged"),
        (hostile_files.inflating_docx(1024 * 1024 * 1024), "bomb.docx", "document-inflates"),
        (b" \n\t\n", "blank.txt", "document-empty"),
        (b"Hello \xc3\x28 world", "broken.txt", "document-encoding"),
        (b"\xff\xfeodd", "utf-16.txt", "document-encoding"),
    ],
)
async def test_what_cannot_be_read_fails_with_a_reason_and_leaves_nothing_of_it(
    service: Service, content: bytes, name: str, code: str
) -> None:
    student = service.student()
    document = await student.read(content, name)
    assert document["status"] == "failed"
    assert document["error"] == {
        "type": f"urn:studyteddy:problem:{code}",
        "code": code,
        "title": FAILURES[code].title,
        "detail": FAILURES[code].detail,
        "retryable": False,
    }
    assert await service.count("page") == await service.count("passage") == 0
    (event,) = await service.events("failed")
    assert (event["code"], event["detail"], event["version"]) == (code, FAILURES[code].detail, 2)
    assert (await student.request("DELETE", f"/documents/{document['id']}")).status_code == 204
    assert service.stored_files() == []


async def test_utf_16_is_read(service: Service) -> None:
    document = await service.student().read("Größe und Bevölkerung".encode("utf-16"))
    assert document["status"] == "ready"
    assert (await service.rows("SELECT text FROM passage"))[0]["text"] == "Größe und Bevölkerung"


async def test_what_was_read_before_it_failed_is_removed_everywhere(service: Service) -> None:
    pages = [hostile_files.prose(number, 30) for number in range(1, 40)]
    service.embedder.failing = None
    student = service.student()
    document = await student.upload(hostile_files.pdf(*pages), "half.pdf")
    reading = asyncio.create_task(service.process(document["id"]))

    async def some_stored() -> bool:
        return await service.count("passage") > 0

    await until(some_stored)
    service.embedder.failing = RuntimeError("the model broke")
    await reading
    await service.execute("UPDATE document SET attempts = 3")
    service.clock.forward(minutes=5)
    await service.process(document["id"])
    assert (await student.document(document["id"]))["error"]["code"] == "document-unfinished"
    assert await service.count("page") == await service.count("passage") == 0
    (removal,) = await service.rows("SELECT * FROM removal")
    assert (str(removal["document_id"]), removal["below_version"]) == (document["id"], 2)


async def test_a_page_without_text_among_others_is_noticed(service: Service) -> None:
    from io import BytesIO  # noqa: PLC0415

    from pypdf import PdfReader, PdfWriter  # noqa: PLC0415

    writer = PdfWriter()
    for content in (hostile_files.pdf("one", "two"), hostile_files.scanned_pdf(1)):
        writer.append(PdfReader(BytesIO(content)))
    made = BytesIO()
    writer.write(made)
    document = await service.student().read(made.getvalue(), "mixed.pdf")
    assert document["status"] == "ready"
    assert document["notice"].startswith("1 page of 3 hold pictures without text")
