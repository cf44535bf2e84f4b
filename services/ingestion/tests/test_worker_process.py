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
from ingestion.settings import Settings

from . import hostile_files
from .service_under_test import RealTime, Service
from .waiting import eventually

ROOT = Path(__file__).parents[3]
Start = Callable[[], Awaitable[Process]]
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def settings(ingestion_database_url: str, redis_url: str, amqp_url: str, tmp_path: Path) -> Settings:
    return Settings(
        environment="test",
        database_url=ingestion_database_url,
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


async def status(service: Service) -> str:
    return str((await service.rows("SELECT status FROM document"))[0]["status"])


async def some_pages_are_read(service: Service) -> None:
    async def some() -> bool:
        return await service.count("page") >= 3

    await eventually(some, seconds=30)


async def it_is(service: Service, wanted: str) -> None:
    async def so() -> bool:
        return await status(service) == wanted

    await eventually(so, seconds=60)


async def assert_read_once(service: Service, pages: int) -> None:
    (row,) = await service.rows("SELECT * FROM document")
    assert (row["pages_read"], row["lease"]) == (pages, None)
    assert await service.count("page") == pages
    indexes = [one["chunk_index"] for one in await service.rows("SELECT chunk_index FROM passage ORDER BY chunk_index")]
    assert indexes == list(range(row["passages"]))
    assert len(await service.events("processed")) == 1


async def test_an_upload_is_read_by_a_worker_elsewhere(service: Service, start: Start) -> None:
    await start()
    await service.student().upload(hostile_files.long_pdf(20), "notes.pdf")
    await it_is(service, "ready")
    await assert_read_once(service, 20)


async def test_the_document_of_a_killed_worker_is_finished_once_after_a_restart(service: Service, start: Start) -> None:
    worker = await start()
    await service.student().upload(hostile_files.long_pdf(60), "notes.pdf")
    await some_pages_are_read(service)
    family = psutil.Process(worker.pid).children(recursive=True)
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    assert await status(service) == "processing"
    read_before = await service.count("page")
    assert 0 < read_before < 60
    await start()
    await it_is(service, "ready")
    await assert_read_once(service, 60)

    async def gone() -> bool:
        return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family)

    assert family
    await eventually(gone)


async def test_a_stopped_worker_puts_its_document_back_and_ends_well(service: Service, start: Start) -> None:
    worker = await start()
    await service.student().upload(hostile_files.long_pdf(60), "notes.pdf")
    await some_pages_are_read(service)
    worker.terminate()
    assert await asyncio.wait_for(worker.wait(), 20) == 0
    assert await status(service) == "queued"
    await start()
    await it_is(service, "ready")
    await assert_read_once(service, 60)


async def test_documents_whose_hints_were_lost_are_read_all_the_same(service: Service, start: Start) -> None:
    student = service.student()
    for number in range(3):
        await student.upload(b"text %d" % number)
    await asyncio.to_thread(service.jobs._broker.client.flushdb)
    await start()

    async def all_ready() -> bool:
        return {row["status"] for row in await service.rows("SELECT status FROM document")} == {"ready"}

    await eventually(all_ready, seconds=30)
    assert len(await service.events("processed")) == 3


async def test_two_workers_read_each_document_once(service: Service, start: Start) -> None:
    await start()
    await start()
    student = service.student()
    for number in range(10):
        await student.upload(hostile_files.pdf(f"document {number}", "its second page"), f"{number}.pdf")

    async def all_ready() -> bool:
        return [row["status"] for row in await service.rows("SELECT status FROM document")] == ["ready"] * 10

    await eventually(all_ready, seconds=60)
    assert len(await service.events("processed")) == 10
    assert await service.count("passage") == 20
