"""Auth as operators run it: real processes, and its events on a real broker."""

import asyncio
import base64
import json
import os
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from auth import app
from auth.app import compose
from auth.settings import Settings
from chassis.database import Database
from contracts.auth import SessionRevoked, UserRegistered
from devstack.waiting import until
from mesh import Consumer, Subscriptions, Topology

from .auth_service import PASSWORD


class Running:
    """A process of auth and what it has logged."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def says(self, part: str) -> dict[str, Any]:
        """Read its log until a message has that part."""
        assert self.process.stderr is not None
        async with asyncio.timeout(20):
            async for line in self.process.stderr:
                self.lines.append(json.loads(line))
                if part in self.lines[-1]["message"]:
                    return self.lines[-1]
        raise AssertionError(f"it never said {part!r}: {self.lines}")

    async def exit_code(self) -> int:
        assert self.process.stderr is not None
        async with asyncio.timeout(20):
            self.lines += [json.loads(line) async for line in self.process.stderr]
            return await self.process.wait()


@asynccontextmanager
async def auth_process(environment: Mapping[str, str], *arguments: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "auth", *arguments, env=dict(environment), stderr=PIPE, stdout=PIPE
    )
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def environment(database_url: str, redis_url: str) -> dict[str, str]:
    """An empty database and what else an API process asks for; it needs no broker."""
    return {
        "PATH": os.environ["PATH"],
        "ENVIRONMENT": "production",
        "KEY_RING": f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "AUTH_DATABASE_URL": database_url,
        "AUTH_SERVICE_SECRET": "an auth secret",
        "AUTH_SERVICE_SECRETS": "auth:an auth secret,gateway:a gateway secret",
        "AUTH_PORT": "0",
        "AUTH_PUBLIC_URL": "https://study.example.org",
        "REDIS_URL": redis_url,
        "LOG_FORMAT": "json",
    }


async def test_a_new_installation_migrates_serves_and_stops_cleanly(environment: dict[str, str]) -> None:
    async with auth_process(environment, "migrate") as migration:
        assert await migration.exit_code() == 0
    async with auth_process(environment, "api", "scheduler") as service:
        port = (await service.says("auth runs api, scheduler on port"))["message"].rsplit(" ", 1)[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert (await client.get("/health/ready")).json()["status"] == "ready"
            body = {"email": "ada@example.org", "password": PASSWORD, "name": "Ada"}
            signed_up = await client.post("/auth/signup", json=body)
            assert signed_up.status_code == 201
            bearer = {"Authorization": f"Bearer {signed_up.json()['access_token']}"}
            assert (await client.get("/users/me", headers=bearer)).status_code == 200
            wrong = await client.post("/auth/login", json=body | {"password": "not the password"})
            assert wrong.status_code == 401
            metrics = (await client.get("/metrics")).text
            assert 'auth_sign_ins_total{outcome="wrong"} 1.0' in metrics
            service.process.send_signal(signal.SIGTERM)
        assert await service.exit_code() == 0
    said = json.dumps(service.lines)
    for secret in (PASSWORD, signed_up.json()["refresh_token"], signed_up.json()["access_token"], "a gateway secret"):
        assert secret not in said


async def test_keys_are_rotated_by_command(environment: dict[str, str]) -> None:
    async with auth_process(environment, "migrate", "rotate-keys") as command:
        assert await command.exit_code() == 0
    assert any("is published and signs from" in line["message"] for line in command.lines)


async def test_production_does_not_start_on_development_secrets(environment: dict[str, str]) -> None:
    del environment["KEY_RING"]
    async with auth_process(environment, "api") as service:
        assert service.process.stderr is not None
        said = (await service.process.stderr.read()).decode()
        assert await service.process.wait() == 1
    assert "KEY_RING" in said
    assert "Traceback" not in said


async def test_a_role_that_is_not_there_is_told(environment: dict[str, str]) -> None:
    async with auth_process(environment, "cook") as service:
        assert service.process.stderr is not None
        said = (await service.process.stderr.read()).decode()
        assert await service.process.wait() == 2
    assert "unknown: cook" in said
    for name in ("migrate", "rotate-keys", "withdraw-keys", "consumer", "relay", "scheduler", "api"):
        assert name in said


async def test_what_happened_reaches_everybody_on_the_bus(
    database: Database, redis_url: str, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[SessionRevoked | UserRegistered] = []
    bus = Subscriptions("listener")

    @bus.broadcast(SessionRevoked, UserRegistered)
    async def hear(event: SessionRevoked | UserRegistered) -> None:
        heard.append(event)

    monkeypatch.setattr(app, "_topology", lambda: Topology.of(bus))
    settings = Settings(
        database_url=database.url, redis_url=redis_url, amqp_url=amqp_url, hashing_memory_kib=8, hashing_passes=1
    )
    stop, consumer = asyncio.Event(), Consumer(bus, amqp_url=amqp_url)

    async def listening() -> bool:
        return consumer.is_ready

    async def heard_both() -> bool:
        return len(heard) == 2

    async with compose(settings) as process:
        assert process.app is not None
        roles = [asyncio.create_task(consumer.run(stop)), asyncio.create_task(process.roles["relay"](stop))]
        await until(listening)
        transport = httpx.ASGITransport(process.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://auth") as client:
            body = {"email": "ada@example.org", "password": PASSWORD, "name": "Ada"}
            signed_up = (await client.post("/auth/signup", json=body)).json()
            bearer = {"Authorization": f"Bearer {signed_up['access_token']}"}
            assert (await client.post("/auth/logout", headers=bearer)).status_code == 204
        await until(heard_both)
        stop.set()
        async with asyncio.timeout(20):
            await asyncio.gather(*roles)
    registered, revoked = heard
    assert isinstance(registered, UserRegistered)
    assert isinstance(revoked, SessionRevoked)
    assert str(registered.user_id) == str(revoked.user_id) == signed_up["user"]["id"]
    assert revoked.reason == "logout"


async def test_without_its_database_auth_says_so(database: Database, redis_url: str) -> None:
    nowhere = database.url.replace("auth_", "gone_")
    settings = Settings(database_url=nowhere, redis_url=redis_url, hashing_memory_kib=8, hashing_passes=1)
    async with compose(settings) as process:
        assert process.app is not None
        transport = httpx.ASGITransport(process.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://auth") as client:
            answer = await client.post("/auth/login", json={"email": "ada@example.org", "password": PASSWORD})
            ready = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["type"].endswith(":database-away")
    assert set(ready.json()["failures"]) == {"database", "signing keys"}
