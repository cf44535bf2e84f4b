"""A whole process: every role starts, says that it is ready, does its work, and ends when it is told to."""

import asyncio
from pathlib import Path

import httpx
import pytest
from chassis.health import run_checks
from devstack.waiting import until
from ingestion.app import SERVICE, compose
from ingestion.settings import Settings


@pytest.mark.timeout(120)
async def test_a_process_with_every_role_starts_and_ends(
    database_url: str, redis_url: str, amqp_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        environment="test", database_url=database_url, redis_url=redis_url, amqp_url=amqp_url, data_dir=tmp_path
    )
    stop = asyncio.Event()
    async with compose(settings) as process:
        await process.commands["migrate"]()
        running = [asyncio.create_task(role(stop), name=name) for name, role in process.roles.items()]

        async def ready() -> bool:
            assert not any(task.done() for task in running)
            return not await run_checks(process.checks)

        await until(ready, seconds=30)
        assert process.app is not None
        async with httpx.AsyncClient(transport=httpx.ASGITransport(process.app), base_url="http://ingestion") as client:
            assert (await client.get("/documents")).status_code == 401
            assert (await client.get("/health/ready")).status_code == 200
        stop.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*running)
    assert SERVICE.name == "ingestion"
