"""Health: live is the process, ready is what it needs, and a probe never waits for ever."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from chassis import health
from starlette.applications import Starlette


def client(checks: Mapping[str, health.Check]) -> httpx.AsyncClient:
    app = Starlette(routes=[*health.routes("tests", checks)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tests")


async def fine() -> None: ...


async def broken() -> None:
    raise ConnectionRefusedError("postgresql://tests:hush@db")


async def test_a_process_without_its_database_is_live_but_not_ready() -> None:
    probes = client({"database": broken, "broker": fine})
    assert (await probes.get("/health/live")).json() == {"status": "live", "service": "tests"}
    ready = await probes.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json() == {"status": "unready", "service": "tests", "failures": {"database": "ConnectionRefusedError"}}
    assert ready.headers["cache-control"] == "no-store"


async def test_a_process_that_has_what_it_needs_is_ready() -> None:
    ready = await client({"database": fine}).get("/health/ready")
    assert (ready.status_code, ready.json()["failures"]) == (200, {})


async def test_a_check_that_hangs_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)

    async def hang() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        ready = await client({"frozen": hang, "also frozen": hang}).get("/health/ready")
    assert ready.json()["failures"] == dict.fromkeys(["frozen", "also frozen"], "no answer within 0.05 s")


async def test_each_probe_asks_anew() -> None:
    state = {"up": False}

    async def sometimes() -> None:
        if not state["up"]:
            raise ConnectionError

    probes = client({"database": sometimes})
    assert (await probes.get("/health/ready")).status_code == 503
    state["up"] = True
    assert (await probes.get("/health/ready")).status_code == 200


async def test_metrics_are_prometheus_text() -> None:
    answer = await client({}).get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "# TYPE http_requests_total counter" in answer.text
