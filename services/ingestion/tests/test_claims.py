"""Who works on a document: claims, leases, dead and slow and stopping workers, retries, lost jobs."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from devstack.waiting import until
from ingestion import processing
from ingestion.claims import ClaimLost, claim
from ingestion.embedding import EmbeddingFailed
from ingestion.library import erase
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span
from prometheus_client import REGISTRY

from . import hostile_files
from .service_under_test import Json, Service, Student

TEXT = b"Supply is what producers offer at a price. Demand is what buyers want."


def counted(name: str, **labels: str) -> float:
    """A counter of ingestion's."""
    return REGISTRY.get_sample_value(f"ingestion_{name}_total", labels) or 0.0


async def test_done_work_is_not_done_again(service: Service) -> None:
    document = await service.student().read(TEXT)
    await service.process(document["id"])
    assert len(await service.events("processed")) == 1
    assert len(service.embedder.batches) == 1


async def test_two_workers_share_no_document(service: Service) -> None:
    document = await service.student().upload(TEXT)
    await asyncio.gather(*(service.process(document["id"]) for _ in range(4)))
    assert len(await service.events("processed")) == 1
    assert len(service.embedder.batches) == 1


async def halfway(
    service: Service, pages: int = 40, student: Student | None = None
) -> tuple[Json, "asyncio.Task[None]"]:
    """A document whose worker stands still in the middle."""
    document = await (student or service.student()).upload(hostile_files.long_pdf(pages), "long.pdf")
    reading = asyncio.create_task(service.process(document["id"]))

    async def some_stored() -> bool:
        return await service.count("page") >= 2

    await until(some_stored)
    service.embedder.open.clear()
    return document, reading


async def test_a_dead_workers_document_is_finished_by_another_once(service: Service) -> None:
    document, reading = await halfway(service)
    reading.cancel()
    await asyncio.wait({reading})
    service.embedder.open.set()
    before = await service.rows("SELECT id FROM passage ORDER BY chunk_index")
    await service.process(document["id"])
    assert (await service.rows("SELECT status FROM document"))[0]["status"] == "processing"
    service.clock.forward(seconds=31)
    await service.process(document["id"])
    (row,) = await service.rows("SELECT * FROM document")
    assert (row["status"], row["pages_read"]) == ("ready", 40)
    after = await service.rows("SELECT id, chunk_index FROM passage ORDER BY chunk_index")
    # What the first worker stored was kept, and nothing is there twice.
    assert [one["id"] for one in after[: len(before)]] == [one["id"] for one in before]
    assert [one["chunk_index"] for one in after] == list(range(row["passages"]))
    assert await service.count("page") == 40
    assert len(await service.events("processed")) == 1


async def test_a_slow_worker_whose_lease_ran_out_writes_nothing_more(service: Service) -> None:
    document, slow = await halfway(service)
    service.clock.forward(seconds=31)
    service.embedder.open.set()
    quick = asyncio.create_task(service.process(document["id"]))
    await asyncio.gather(slow, quick)
    (row,) = await service.rows("SELECT * FROM document")
    assert row["status"] == "ready"
    assert await service.count("page") == 40
    assert await service.count("passage") == row["passages"]
    assert len(await service.events("processed")) == 1


async def test_a_document_deleted_while_it_is_read_is_gone_everywhere(service: Service) -> None:
    student = service.student()
    document = await student.upload(hostile_files.long_pdf(60), "long.pdf")
    reading = asyncio.create_task(service.process(document["id"]))

    async def some_stored() -> bool:
        return await service.count("page") >= 2

    await until(some_stored)
    assert (await student.request("DELETE", f"/documents/{document['id']}")).status_code == 204
    await reading
    for table in ("document", "page", "passage", "stray_file"):
        assert await service.count(table) == 0
    assert service.stored_files() == []
    assert [event["type"].split(".")[2] for event in await service.events()] == ["uploaded", "deleted"]


async def test_a_deletion_stops_the_work(service: Service) -> None:
    service.settings = service.settings.model_copy(update={"worker_lease_seconds": 0.3})
    document, reading = await halfway(service)
    await service.execute("DELETE FROM document")
    async with asyncio.timeout(5):
        await reading
    assert document
    assert not service.embedder.open.is_set()


async def test_the_lease_is_kept_while_the_work_goes_on(service: Service) -> None:
    service.settings = service.settings.model_copy(update={"worker_lease_seconds": 0.3})
    _, reading = await halfway(service)
    service.clock.forward(seconds=60)

    async def renewed() -> bool:
        (row,) = await service.rows("SELECT due_at FROM document")
        return bool(row["due_at"] > service.clock())

    await until(renewed)
    service.embedder.open.set()
    await reading


async def test_a_worker_that_stops_puts_its_document_back(service: Service) -> None:
    document, reading = await halfway(service)
    service.stop.set()
    service.embedder.open.set()
    await reading
    (row,) = await service.rows("SELECT * FROM document")
    assert (row["status"], row["lease"], row["attempts"]) == ("processing", None, 0)
    assert row["due_at"] <= service.clock()
    service.stop.clear()
    await service.process(document["id"])
    assert (await service.rows("SELECT status FROM document"))[0]["status"] == "ready"
    assert await service.count("page") == 40
    assert len(await service.events("processed")) == 1


async def test_a_worker_that_stops_does_not_wait_for_what_hangs(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "STOP_SECONDS", 0.1)
    _, reading = await halfway(service)
    service.stop.set()
    async with asyncio.timeout(5):
        await reading
    assert (await service.rows("SELECT lease FROM document"))[0]["lease"] is None


async def test_a_long_document_makes_room_for_those_that_wait(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "SLICE_SECONDS", 0.0)
    student = service.student()
    long = await student.upload(hostile_files.long_pdf(40), "long.pdf")
    service.clock.forward(seconds=1)  # documents that came in the same instant have no order
    short = await student.upload(TEXT)
    service.clock.forward(seconds=1)
    await service.process(long["id"])
    (row,) = await service.rows("SELECT * FROM document WHERE id = :id", id=UUID(long["id"]))
    assert 0 < row["pages_read"] < 40
    assert (row["status"], row["lease"], row["hinted_at"]) == ("processing", None, None)
    await service.process(short["id"])
    assert (await student.document(short["id"]))["status"] == "ready"
    assert [str(found) for found in await service.sweeper.hint_again()] == [long["id"]]
    await service.process(long["id"])
    assert (await student.document(long["id"]))["status"] == "ready"
    assert await service.count("page") == 41


async def test_an_upload_and_its_reading_are_one_trace(service: Service) -> None:
    request = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, False, TraceFlags(TraceFlags.SAMPLED))
    with use_span(NonRecordingSpan(request)):
        document = await service.student().upload(TEXT)
    await service.process(document["id"])
    traced = [row["traceparent"] for row in await service.rows("SELECT traceparent FROM outbox")]
    assert [trace.split("-")[1] for trace in traced] == ["0af7651916cd43dd8448eb211c80319c"] * 2


async def test_a_worker_whose_clock_is_behind_takes_a_new_document(service: Service) -> None:
    document = await service.student().upload(TEXT)
    service.clock.forward(seconds=-20)
    await service.process(document["id"])
    assert (await service.rows("SELECT status FROM document"))[0]["status"] == "ready"


async def test_a_model_that_is_away_is_tried_again_and_then_given_up(service: Service) -> None:
    student = service.student()
    service.embedder.failing = EmbeddingFailed("no answer", passing=True)
    document = await student.read(TEXT)
    assert document["status"] == "queued"
    await service.process(document["id"])
    assert len(service.embedder.batches) == 1, "not before its time"
    for _ in range(2):
        service.clock.forward(minutes=1)
        await service.process(document["id"])
    failed = await student.document(document["id"])
    assert failed["status"] == "failed"
    assert (failed["error"]["code"], failed["error"]["retryable"]) == ("embedding-unavailable", True)
    assert len(service.embedder.batches) == 3


async def test_a_document_that_kills_its_workers_is_given_up_and_counted(service: Service) -> None:
    given_up = counted("documents_failed", code="document-unfinished")
    student = service.student()
    document = await student.upload(TEXT)
    for _ in range(12):
        await die_reading(service, document["id"])
    await service.process(document["id"])
    failed = await student.document(document["id"])
    assert (failed["status"], failed["error"]["code"]) == ("failed", "document-unfinished")
    assert len(await service.events("failed")) == 1
    assert counted("documents_failed", code="document-unfinished") == given_up + 1


async def test_a_document_whose_workers_are_killed_for_other_reasons_is_read(service: Service) -> None:
    student = service.student()
    document = await student.upload(TEXT)
    for _ in range(11):
        await die_reading(service, document["id"])
    await service.process(document["id"])
    assert (await student.document(document["id"]))["status"] == "ready"


async def die_reading(service: Service, document_id: str) -> None:
    """A worker takes the document, and is not heard of again."""
    terms = service.processing.terms
    async with service.database.transaction() as session:
        assert await claim(session, UUID(document_id), service.clock(), terms.lease, terms.deaths) is not None
    service.clock.forward(seconds=31)


async def test_a_failed_document_can_be_tried_again(service: Service) -> None:
    student = service.student()
    service.embedder.failing = EmbeddingFailed("no answer", passing=True)
    document = await student.upload(TEXT)
    for _ in range(3):
        await service.process(document["id"])
        service.clock.forward(minutes=1)
    assert (await student.document(document["id"]))["status"] == "failed"
    service.embedder.failing = None
    again = await student.request("POST", f"/documents/{document['id']}/retry")
    assert (again.status_code, again.json()["status"], again.json()["error"]) == (202, "queued", None)
    await service.process(document["id"])
    ready = await student.document(document["id"])
    assert (ready["status"], ready["content_version"], ready["version"]) == ("ready", 2, 3)
    (event,) = await service.events("processed")
    assert (event["content_version"], event["version"]) == (2, 3)


async def test_only_a_failed_document_can_be_tried_again(service: Service) -> None:
    student = service.student()
    document = await student.read(TEXT)
    answer = await student.request("POST", f"/documents/{document['id']}/retry")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:studyteddy:problem:document-not-failed"


async def test_a_file_that_vanished_fails_the_document_in_the_end(service: Service) -> None:
    student = service.student()
    document = await student.upload(TEXT)
    for path in service.stored_files():
        path.unlink()
    for _ in range(3):
        await service.process(document["id"])
        service.clock.forward(minutes=2)
    assert (await student.document(document["id"]))["error"]["code"] == "document-unfinished"


async def test_lost_jobs_are_hinted_at_again_and_not_too_often(service: Service) -> None:
    document = await service.student().upload(TEXT)
    assert await service.sweeper.hint_again() == []
    service.clock.forward(seconds=31)
    before = counted("jobs_hinted_again")
    assert [str(found) for found in await service.sweeper.hint_again()] == [document["id"]]
    assert await service.sweeper.hint_again() == []
    assert counted("jobs_hinted_again") == before + 1
    await service.process(document["id"])
    service.clock.forward(hours=1)
    assert await service.sweeper.hint_again() == []


async def test_a_dead_workers_document_is_hinted_at_when_its_lease_is_over(service: Service) -> None:
    document, reading = await halfway(service)
    reading.cancel()
    await asyncio.wait({reading})
    assert await service.sweeper.hint_again() == []
    service.clock.forward(seconds=31)
    assert [str(found) for found in await service.sweeper.hint_again()] == [document["id"]]


async def test_a_lost_claim_cannot_write(service: Service) -> None:
    document = await service.student().upload(TEXT)
    async with service.database.transaction() as session:
        claimed = await claim(session, UUID(document["id"]), service.clock(), timedelta(seconds=1), 3)
    assert claimed is not None
    service.clock.forward(seconds=2)
    async with service.database.transaction() as session:
        assert await claim(session, UUID(document["id"]), service.clock(), timedelta(seconds=1), 3) is not None
    with pytest.raises(ClaimLost):
        async with service.processing._desk(claimed) as desk:
            await desk.store([], [], "model")


async def test_the_sweeper_erases_what_a_request_left_after_the_account_ended(service: Service) -> None:
    ada = service.student()
    async with service.database.transaction() as session:
        await erase(session, ada.id, service.clock())
    await ada.upload(TEXT)
    await service.sweeper.forget()
    assert await service.count("document") == 0


async def test_the_sweeper_forgets_what_is_old(service: Service) -> None:
    await service.student().send(TEXT, **{"Idempotency-Key": "k"})
    await service.execute("UPDATE idempotency_key SET created_at = :then", then=service.clock() - timedelta(days=2))
    await service.sweeper.forget()
    assert await service.count("idempotency_key") == 0
    assert await service.count("outbox") == 1


async def test_the_sweeper_runs_until_it_is_stopped(service: Service, tmp_path: Path) -> None:
    document = await service.student().upload(TEXT)
    await service.execute("UPDATE document SET hinted_at = NULL")
    stop = asyncio.Event()
    running = asyncio.create_task(service.sweeper.run(0.05, stop))

    async def hinted() -> bool:
        return bool(await service.rows("SELECT 1 FROM document WHERE hinted_at IS NOT NULL"))

    await until(hinted)
    stop.set()
    async with asyncio.timeout(5):
        await running
    assert document


async def test_a_student_of_whom_something_is_read_lets_another_go_first(service: Service) -> None:
    ada, bob = service.student(), service.student()
    _, reading = await halfway(service, student=ada)
    second = await ada.upload(b"Another text of hers, which waits.")
    his = await bob.upload(TEXT)
    next_one = asyncio.create_task(service.process(second["id"]))

    async def his_is_read() -> bool:
        return bool((await bob.document(his["id"]))["status"] == "processing")

    await until(his_is_read)
    service.embedder.open.set()
    await asyncio.gather(reading, next_one)
    # His hint is left, and hers is done with it: a hint is for any document.
    await service.process(his["id"])
    assert {(await bob.document(his["id"]))["status"], (await ada.document(second["id"]))["status"]} == {"ready"}
