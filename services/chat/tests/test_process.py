"""Chat as a process: settings, schema, roles, and a kill in the middle of an answer."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from socket import create_server

import httpx
import pytest
from chassis.database import Database
from chassis.migrations import differences
from chassis.settings import SettingsError, load
from chat.app import compose
from chat.models import tables
from chat.settings import Settings
from chat.upkeep import Upkeep
from pydantic import SecretStr
from sqlalchemy import text

from .builders import passage
from .neighbours import Neighbours
from .provider import falls_silent, provider
from .school import EVENTS, School, happenings


async def test_schema_is_what_the_models_say(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences, tables.metadata) == []


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"CHAT_LLM_BASE_URL": "http://x/v1"}, "CHAT_LLM_MODEL"),
        ({"CHAT_LLM_MODEL": "m"}, "CHAT_LLM_BASE_URL"),
        ({"CHAT_LLM_CONTEXT": "2000", "CHAT_LLM_ANSWER": "1500"}, "CHAT_LLM_CONTEXT"),
        ({"CHAT_PASSAGES": "many"}, "CHAT_PASSAGES"),
    ],
)
def test_settings_say_what_is_wrong(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=named):
        load(Settings)


async def test_process_knows_its_roles_and_names_its_tutor(database: Database, neighbours: Neighbours) -> None:
    settings = Settings(
        environment="test",
        llm_model="m",
        llm_api_key=SecretStr("k"),
        database_url=database.url,
        auth_url=neighbours.url,
        ingestion_url=neighbours.url,
    )
    async with compose(settings) as process:
        assert set(process.roles) == {"consumer", "relay", "scheduler"}
        assert set(process.commands) == {"migrate"}
        await process.commands["migrate"]()
        for check in process.checks.values():
            await check()


async def test_scheduler_tidies_until_it_is_stopped_and_survives_an_outage(database: Database) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=30)
    async with database.transaction() as session:
        insert = "INSERT INTO idempotency_key (user_id, route, key, body_hash, created_at) VALUES (gen_random_uuid(), 'r', 'k', '', :at)"
        await session.execute(text(insert), {"at": long_ago})
    beats = 0

    def clock() -> datetime:
        nonlocal beats
        beats += 1
        if beats == 1:
            raise ConnectionError("the database is away")
        return datetime.now(UTC)

    stop = asyncio.Event()
    running = asyncio.create_task(Upkeep(database, clock, every=0.01).run(stop))
    async with asyncio.timeout(10):
        while True:
            async with database.transaction() as session:
                if not (await session.execute(text("SELECT count(*) FROM idempotency_key"))).scalar_one():
                    break
    stop.set()
    await running
    assert beats > 2


@asynccontextmanager
async def process(
    database: Database, neighbours: Neighbours, **variables: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`python -m chat api`, and its URL."""
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "ENVIRONMENT": "test",
        "CHAT_PORT": str(port),
        "CHAT_DATABASE_URL": database.url,
        "CHAT_INGESTION_URL": neighbours.url,
        "AUTH_URL": neighbours.url,
        "REDIS_URL": neighbours.redis_url,
        "CHAT_LEASE_SECONDS": "1",
    }
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", "chat", "api", env=environment | variables)
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(verify=False) as client, asyncio.timeout(50):
            while True:
                try:
                    if (await client.get(f"{url}/health/ready")).status_code == 200:
                        break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        yield running, url
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def test_kill_in_the_middle_of_an_answer_leaves_a_question_that_can_be_retried(
    database: Database, neighbours: Neighbours
) -> None:
    neighbours.passages = [passage("The cell is alive.")]
    async with provider(falls_silent("Cells ")) as model, School.open(database, neighbours) as school:
        variables = {"CHAT_LLM_BASE_URL": model.url, "CHAT_LLM_MODEL": "m"}
        async with process(database, neighbours, **variables) as (running, url):
            ada = school.student()
            session = await ada.starts()
            path = f"{url}/chat/sessions/{session['id']}/messages"
            with suppress(httpx.TransportError):
                async with ada.client.stream(
                    "POST", path, json={"content": "What is a cell?"}, headers=EVENTS
                ) as response:
                    async for happening in happenings(response):
                        if happening.name == "token":
                            running.send_signal(signal.SIGKILL)
            assert await running.wait() == -signal.SIGKILL
        question, answer = await ada.messages(session)
        assert (question["content"], answer["status"]) == ("What is a cell?", "answering")
        school.ahead = timedelta(seconds=2)
        assert await Upkeep(database, school.clock, 5).mark_interrupted() == 1
        retried = await ada.client.post(f"/chat/messages/{question['id']}/retry")
        assert retried.json()["content"].startswith("The cell is alive. [1]")


async def test_readers_of_a_killed_process_are_told_that_the_answer_was_interrupted_and_can_retry(
    database: Database, neighbours: Neighbours
) -> None:
    neighbours.passages = [passage("The cell is alive.")]
    async with provider(falls_silent("Cells ", "are ")) as model, School.open(database, neighbours) as school:
        variables = {"CHAT_LLM_BASE_URL": model.url, "CHAT_LLM_MODEL": "m"}
        async with process(database, neighbours, **variables) as (running, url):
            ada = school.student()
            session = await ada.starts()
            path = f"{url}/chat/sessions/{session['id']}/messages"
            asking = asyncio.create_task(ada.client.post(path, json={"content": "What is a cell?"}))
            message_id = await ada.awaits_answer(session)
            async with ada.follows(message_id) as stream:
                heard = [await anext(stream) for _ in range(2)]
                running.send_signal(signal.SIGKILL)
                heard += [happening async for happening in stream]
            with suppress(httpx.TransportError):
                await asking
        assert [happening.name for happening in heard[:2]] == ["message", "token"]
        assert (heard[-1].name, heard[-1].id) == ("error", f"{message_id}.1.{len(heard)}")
        assert heard[-1].data["type"].endswith("answer-interrupted")
        retried = await ada.client.post(f"/chat/messages/{heard[-1].data['message_id']}/retry")
        assert retried.json()["content"].startswith("The cell is alive. [1]")
