"""Real workers on real servers: hints arrive, a killed worker's document is finished, a stopped worker leaves cleanly."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from chassis.database import Database
from devstack.waiting import until
from dramatiq import Message
from ingestion.jobs import QUEUE
from ingestion.processing import DEATHS_PER_ATTEMPT
from ingestion.settings import Settings

from . import hostile_files
from .service_under_test import RealTime, Service

ROOT = Path(__file__).parents[3]
Start = Callable[[], Awaitable[Process]]
PAGES = 120
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def settings(database: Database, redis_url: str, amqp_url: str, tmp_path: Path) -> Settings:
    return Settings(
        environment="test",
        database_url=database.url,
        redis_url=redis_url,
        amqp_url=amqp_url,
        data_dir=tmp_path,
        worker_lease_seconds=2,
        sweep_seconds=0.2,
        rehint_seconds=1,
    )


@pytest.fixture
async def service(database: Database, settings: Settings) -> AsyncIterator[Service]:
    async with Service(settings, database, RealTime()) as service:
        yield service


@pytest.fixture
async def start(settings: Settings) -> AsyncIterator[Start]:
    """Starts workers; whatever is left of them in the end is killed."""
    started: list[Process] = []
    environment = {
        "INGESTION_DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "AMQP_URL": settings.amqp_url,
        "DATA_DIR": str(settings.data_dir),
        "ENVIRONMENT": "test",
        "INGESTION_WORKER_LEASE_SECONDS": "2",
        "INGESTION_SWEEP_SECONDS": "0.2",
        "INGESTION_REHINT_SECONDS": "1",
        "INGESTION_WORKER_ATTEMPTS": "1",
    }

    async def worker() -> Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.ingestion.tests.worker_process"),
            cwd=ROOT,
            env=os.environ | environment,
        )
        started.append(process)
        return process

    yield worker
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def statuses(service: Service) -> list[str]:
    return [row["status"] for row in await service.rows("SELECT status FROM document")]


async def pages_are_read(service: Service, pages: int) -> None:
    async def so_many() -> bool:
        return await service.count("page") >= pages

    await until(so_many, seconds=60)


async def all_are_ready(service: Service, documents: int) -> None:
    async def ready() -> bool:
        return await statuses(service) == ["ready"] * documents

    await until(ready, seconds=90)


async def none_lives(family: list[psutil.Process]) -> None:
    """The reading children of a killed worker end by themselves."""

    async def gone() -> bool:
        return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family)

    assert family
    await until(gone)


async def test_documents_whose_hints_were_lost_are_read_all_the_same(service: Service, start: Start) -> None:
    student = service.student()
    for number in range(3):
        await student.upload(b"text %d" % number)
    await asyncio.to_thread(service.jobs._broker.client.flushdb)
    await start()
    await all_are_ready(service, 3)
    assert len(await service.events("processed")) == 3


async def test_a_killed_and_then_a_stopped_workers_document_is_finished_once(service: Service, start: Start) -> None:
    first = await start()
    await service.student().upload(hostile_files.long_pdf(PAGES), "notes.pdf")
    await pages_are_read(service, 3)
    family = psutil.Process(first.pid).children(recursive=True)
    first.send_signal(signal.SIGKILL)
    await first.wait()
    assert await statuses(service) == ["processing"]
    read_by_first = await service.count("page")
    await none_lives(family)

    second = await start()
    await pages_are_read(service, read_by_first + 1)
    second.terminate()
    assert await asyncio.wait_for(second.wait(), 30) == 0
    assert [row["lease"] for row in await service.rows("SELECT lease FROM document")] == [None]
    assert await service.count("page") < PAGES

    await start()
    await all_are_ready(service, 1)
    (row,) = await service.rows("SELECT * FROM document")
    assert (row["pages_read"], row["lease"]) == (PAGES, None)
    assert await service.count("page") == PAGES
    indexes = [one["chunk_index"] for one in await service.rows("SELECT chunk_index FROM passage ORDER BY chunk_index")]
    assert indexes == list(range(row["passages"]))
    assert len(await service.events("processed")) == 1


async def test_two_workers_read_each_document_once(service: Service, start: Start) -> None:
    await asyncio.gather(start(), start())
    student = service.student()
    for number in range(10):
        await student.upload(hostile_files.pdf(f"document {number}", "its second page"), f"{number}.pdf")
    await all_are_ready(service, 10)
    assert len(await service.events("processed")) == 10
    assert await service.count("passage") == 20


async def test_a_document_that_kills_every_worker_is_given_up_with_a_reason_and_others_are_read(
    service: Service, start: Start
) -> None:
    student = service.student()
    deadly = await student.upload(b"a deadly text")
    killed = 0
    for _ in range(DEATHS_PER_ATTEMPT):
        worker = await start()
        killed += await asyncio.wait_for(worker.wait(), 60) == -signal.SIGKILL
    assert killed == DEATHS_PER_ATTEMPT
    harmless = await student.upload(b"a harmless text")
    await start()

    async def settled() -> bool:
        return sorted(await statuses(service)) == ["failed", "ready"]

    await until(settled, seconds=60)
    assert (await student.document(deadly["id"]))["error"]["code"] == "document-unfinished"
    assert (await student.document(harmless["id"]))["status"] == "ready"
    (told,) = await service.events("failed")
    assert told["document_id"] == deadly["id"]


async def test_jobs_that_nobody_can_do_stop_no_worker(service: Service, start: Start) -> None:
    student = service.student()
    broker = service.jobs._broker
    for actor, arguments in (("read_document", ("no id",)), ("read_document", ()), ("of_an_older_version", ())):
        job: Message[None] = Message(queue_name=QUEUE, actor_name=actor, args=arguments, kwargs={}, options={})
        await asyncio.to_thread(broker.enqueue, job)
    queue = f"ingestion:{QUEUE}"
    await asyncio.to_thread(broker.client.rpush, queue, "unreadable")
    await asyncio.to_thread(broker.client.hset, f"{queue}.msgs", "unreadable", b"\xff no job")
    await student.upload(b"a text")
    await start()
    await all_are_ready(service, 1)


async def test_redis_emptied_while_documents_are_read_loses_none(service: Service, start: Start) -> None:
    await start()
    student = service.student()
    for number in range(8):
        await student.upload(hostile_files.pdf(*(f"page {page} of {number}" for page in range(4))), f"{number}.pdf")
        await asyncio.to_thread(service.jobs._broker.client.flushdb)
    await all_are_ready(service, 8)
    assert len(await service.events("processed")) == 8
    assert await service.count("passage") == 8 * 4
