"""Reading, listing, downloading and deleting documents; and that nobody comes to another's."""

from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from chassis.paging import encode_cursor
from ingestion.app import answering

from . import hostile_files
from .service_under_test import Service, Student

TEXT = b"Supply is what producers offer at a price."
ENDPOINTS = [
    ("GET", "/documents/{id}"),
    ("DELETE", "/documents/{id}"),
    ("GET", "/documents/{id}/pages/1"),
    ("GET", "/documents/{id}/file"),
    ("POST", "/documents/{id}/retry"),
]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
async def test_another_students_document_is_not_there(service: Service, method: str, path: str) -> None:
    owner, other = service.student(), service.student()
    document = await owner.read(TEXT)
    path = path.format(id=document["id"])
    answer = await other.request(method, path)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:studyteddy:problem:document-not-found"
    unknown = await other.request(method, path.replace(document["id"], str(uuid4())))
    assert unknown.json()["detail"] == answer.json()["detail"]
    assert (await owner.document(document["id"])) == document
    assert len(service.stored_files()) == 1


@pytest.mark.parametrize(
    ("method", "path"), [*ENDPOINTS, ("GET", "/documents"), ("POST", "/documents"), ("POST", "/search")]
)
async def test_without_a_valid_token_nothing_is_answered(service: Service, method: str, path: str) -> None:
    path = path.format(id=uuid4())
    expired = service.token(uuid4(), exp=int(service.clock().timestamp()) - 10)
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": f"Bearer {expired}"}):
        answer = await service.client.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    await service.assert_nothing_left()


async def test_documents_are_listed_from_the_newest_in_pages(service: Service) -> None:
    student = service.student()
    for number in range(5):
        await student.upload(b"text %d" % number, f"{number}.txt")
        service.clock.forward(seconds=0 if number == 1 else 1)
    await service.student().upload(TEXT)
    listed: list[str] = []
    cursor = ""
    pages = 0
    while True:
        answer = (await student.get(f"/documents?limit=2{cursor}")).json()
        listed += [document["title"] for document in answer["items"]]
        pages += 1
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert pages == 3
    assert [listed[0], listed[1], listed[-1]] == ["4", "3", "0"]
    assert set(listed) == {"0", "1", "2", "3", "4"}


async def test_a_student_without_documents_has_an_empty_list(service: Service) -> None:
    assert (await service.student().get("/documents")).json() == {"items": [], "next_cursor": None}


# A moment that UTC cannot say: the last one there is, far in the west.
_BEYOND = encode_cursor(["9999-12-31T23:59:59-23:59", str(UUID(int=0))])


@pytest.mark.parametrize("cursor", ["nonsense", "WyJhIl0", "WzEsMl0", "WyJub3QgYSB0aW1lIiwibm90IGFuIGlkIl0", _BEYOND])
async def test_a_cursor_that_is_none_of_ours_is_refused(service: Service, cursor: str) -> None:
    answer = await service.student().get(f"/documents?cursor={cursor}")
    assert answer.status_code == 422
    assert "cursor" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/documents/not-an-id", "/documents/not-an-id/file", "/documents?limit=1000"])
async def test_what_makes_no_sense_is_refused(service: Service, path: str) -> None:
    assert (await service.student().get(path)).status_code == 422


async def test_a_page_gives_its_text(service: Service) -> None:
    student = service.student()
    document = await student.read(hostile_files.pdf("first page", "second page"), "two.pdf")
    answer = await student.get(f"/documents/{document['id']}/pages/2")
    assert answer.json() == {
        "document_id": document["id"],
        "document_title": "two",
        "number": 2,
        "has_pages": True,
        "pages": 2,
        "text": "second page",
    }


@pytest.mark.parametrize(
    ("number", "says"), [(0, "2 pages"), (3, "there is no page 3"), (-1, "2 pages"), (10**12, "no page"), (2**70, None)]
)
async def test_a_page_that_is_not_there_is_named(service: Service, number: int, says: str | None) -> None:
    student = service.student()
    document = await student.read(hostile_files.pdf("one", "two"), "two.pdf")
    answer = await student.get(f"/documents/{document['id']}/pages/{number}")
    assert answer.status_code in (404, 422)
    assert says is None or says in answer.json()["detail"]


async def test_a_page_of_a_failed_document_says_why(service: Service) -> None:
    student = service.student()
    document = await student.read(hostile_files.scanned_pdf(), "scan.pdf")
    answer = await student.get(f"/documents/{document['id']}/pages/1")
    assert answer.status_code == 404
    assert "looks scanned" in answer.json()["detail"]


async def uploaded(student: Student, content: bytes = TEXT, name: str = "notes.txt") -> str:
    return f"/documents/{(await student.upload(content, name))['id']}/file"


async def test_the_file_comes_back_as_it_was(service: Service) -> None:
    student = service.student()
    content = hostile_files.pdf("a page")
    answer = await student.get(await uploaded(student, content, 'Größe "1"; x.pdf'))
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20")
    assert '"' not in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("bytes=0-3", 0, 4), ("bytes=5-", 5, None), ("bytes=-6", -6, None), ("bytes=10-100000", 10, None)],
)
async def test_a_range_of_the_file_can_be_had(service: Service, wanted: str, start: int, end: int | None) -> None:
    student = service.student()
    answer = await student.get(await uploaded(student), headers={"Range": wanted})
    assert answer.status_code == 206
    assert answer.content == TEXT[start:end]
    first = start % len(TEXT)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.content) - 1}/{len(TEXT)}"


@pytest.mark.parametrize("wanted", ["bytes=0-3,5-6", "lines=1-2", "bytes=-", "bytes=a-b"])
async def test_what_is_no_single_range_gives_the_whole_file(service: Service, wanted: str) -> None:
    student = service.student()
    answer = await student.get(await uploaded(student), headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (200, TEXT)


@pytest.mark.parametrize("wanted", ["bytes=100000-", "bytes=5-2", "bytes=-0"])
async def test_a_range_outside_the_file_is_refused(service: Service, wanted: str) -> None:
    student = service.student()
    answer = await student.get(await uploaded(student), headers={"Range": wanted})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(TEXT)}"


async def test_a_file_that_vanished_is_named(service: Service) -> None:
    student = service.student()
    path = await uploaded(student)
    for file in service.stored_files():
        file.unlink()
    answer = await student.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:studyteddy:problem:file-gone"


async def test_deleting_takes_file_rows_and_passages(service: Service) -> None:
    student = service.student()
    document = await student.read(hostile_files.pdf("one", "two"), "two.pdf")
    other = await student.read(TEXT)
    answer = await student.request("DELETE", f"/documents/{document['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await student.get(f"/documents/{document['id']}")).status_code == 404
    assert {str(row["document_id"]) for row in await service.rows("SELECT document_id FROM passage")} == {other["id"]}
    assert {str(row["document_id"]) for row in await service.rows("SELECT document_id FROM page")} == {other["id"]}
    assert len(service.stored_files()) == 1
    assert await service.count("stray_file") == 0
    (event,) = await service.events("deleted")
    assert (event["document_id"], event["user_id"], event["version"]) == (document["id"], str(student.id), 3)
    (removal,) = await service.rows("SELECT * FROM removal")
    assert str(removal["document_id"]) == document["id"]


async def test_deleting_twice_is_a_404_and_told_once(service: Service) -> None:
    student = service.student()
    document = await student.upload(TEXT)
    assert (await student.request("DELETE", f"/documents/{document['id']}")).status_code == 204
    assert (await student.request("DELETE", f"/documents/{document['id']}")).status_code == 404
    assert len(await service.events("deleted")) == 1


async def test_a_file_that_cannot_be_deleted_now_is_swept_later(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = service.student()
    document = await student.upload(TEXT)

    async def away(key: str) -> None:
        raise OSError(f"the storage of {key} is away")

    with monkeypatch.context() as broken:
        broken.setattr(service.parts.storage, "discard", away)
        assert (await student.request("DELETE", f"/documents/{document['id']}")).status_code == 204
    assert len(service.stored_files()) == 1
    assert await service.sweeper.discard_strays() == 1
    assert service.stored_files() == []


async def test_deleted_bytes_can_be_uploaded_again(service: Service) -> None:
    student = service.student()
    first = await student.upload(TEXT)
    await student.request("DELETE", f"/documents/{first['id']}")
    second = await student.upload(TEXT)
    assert second["id"] != first["id"]


async def test_a_search_is_asked_for_the_tokens_owner(service: Service) -> None:
    student = service.student()
    answer = await student.request("POST", "/search", json={"query": "supply", "limit": 3})
    assert answer.status_code == 200
    ((query, owner, token),) = service.search.asked
    assert (query.query, query.limit, owner) == ("supply", 3, student.id)
    assert f"Bearer {token}" == student.headers["Authorization"]


async def test_another_process_asks_the_index_of_this_one_for_a_student(service: Service) -> None:
    student = service.student()
    assert (await student.request("POST", "/internal/search", json={"query": "supply"})).status_code == 200
    ((query, owner, _),) = service.local_search.asked
    assert (query.query, owner, service.search.asked) == ("supply", student.id, [])
    assert (await service.client.post("/internal/search", json={"query": "supply"})).status_code == 401
    assert "/internal/search" not in service.app.openapi()["paths"]


async def test_a_process_with_the_index_alone_answers_searches_and_nothing_else(service: Service) -> None:
    student = service.student()
    app = answering(service.parts, {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://index") as client:
        asked = await client.post("/internal/search", json={"query": "supply"}, headers=student.headers)
        assert asked.status_code == 200
        assert (await client.get("/documents", headers=student.headers)).status_code == 404
        assert (await client.get("/health/live")).status_code == 200
    assert len(service.local_search.asked) == 1


async def test_a_searching_service_may_not_send_nonsense(service: Service) -> None:
    student = service.student()
    assert (await student.request("POST", "/search", content=b"{not json")).status_code in (400, 422)
    assert (await student.request("POST", "/search", json={"query": "x", "limit": 51})).status_code == 422


async def test_times_are_the_clocks(service: Service) -> None:
    student = service.student()
    document = await student.upload(TEXT)
    assert document["created_at"] == "2026-11-20T09:00:00Z"
    service.clock.forward(**{"seconds": timedelta(minutes=1).total_seconds()})
    await service.process(document["id"])
    assert (await student.document(document["id"]))["updated_at"] == "2026-11-20T09:01:00Z"


async def test_the_process_says_whether_it_is_ready(service: Service) -> None:
    assert (await service.client.get("/health/ready")).status_code == 200
