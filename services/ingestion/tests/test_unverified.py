"""In production, who has not verified the address looks around and uploads nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.database import Database
from ingestion.settings import Settings

from .service_under_test import Clock, Service


@pytest.fixture
async def strict(database: Database, redis_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Service]:
    settings = Settings(environment="test", require_verified_email=True, redis_url=redis_url, data_dir=tmp_path)
    async with Service(settings, database, clock) as service:
        yield service


async def test_an_upload_is_refused_with_what_to_do_and_leaves_nothing(strict: Service) -> None:
    student = strict.student(email_verified=False)
    answer = await student.send(b"Supply is what producers offer. " * 100_000)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:studyteddy:problem:email-not-verified")
    assert "verify-email" in answer.json()["detail"]
    assert strict.stored_files() == []
    assert await strict.count("document") == await strict.count("stray_file") == 0
    assert (await student.get("/documents")).json()["items"] == []


async def test_who_is_verified_uploads(strict: Service) -> None:
    assert (await strict.student(email_verified=True).send(b"Supply is what producers offer.")).status_code == 202
