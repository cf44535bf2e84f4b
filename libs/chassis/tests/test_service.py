"""A service's process, run for real: it serves, it stops when told and finishes what it began, and it says why it cannot run."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

SERVICE = Path(__file__).with_name("small_service.py")


class Running:
    """The process, its log and what it printed."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.log: list[dict[str, Any]] = []
        self.printed = ""

    async def url(self) -> str:
        """Where it serves, once it does."""
        assert self.process.stderr is not None
        async with asyncio.timeout(20):
            async for line in self.process.stderr:
                self.log.append(json.loads(line))
                if " on port " in self.said:
                    return f"http://127.0.0.1:{self.said.rsplit(' ', 1)[1]}"
        raise AssertionError(f"it never served: {self.log}")

    @property
    def said(self) -> str:
        return "\n".join(line["message"] for line in self.log)

    def tell(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def exit_code(self) -> int:
        assert self.process.stderr is not None
        assert self.process.stdout is not None
        async with asyncio.timeout(20):
            async for line in self.process.stderr:
                try:
                    self.log.append(json.loads(line))
                except ValueError:
                    self.log.append({"message": line.decode()})
            self.printed = (await self.process.stdout.read()).decode()
            return await self.process.wait()


@pytest.fixture(autouse=True)
def _measured(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    if pytestconfig.getoption("cov_source", default=None):
        monkeypatch.setenv("COVERAGE_PROCESS_START", str(SERVICE.with_name("processes.coveragerc")))


@asynccontextmanager
async def small(*arguments: str, **environment: str) -> AsyncIterator[Running]:
    kept = {name: os.environ[name] for name in os.environ if name.startswith(("PATH", "COVERAGE_"))}
    given = {**kept, "LOG_FORMAT": "json", "SMALL_PORT": "0", **environment}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SERVICE), *arguments, env=given, stderr=PIPE, stdout=PIPE
    )
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_finishes_what_is_in_flight_and_exits_with_zero(number: signal.Signals) -> None:
    async with small("api", "wait") as service, httpx.AsyncClient(base_url=await service.url()) as client:
        slow = asyncio.create_task(client.get("/slow"))
        assert service.process.stdout is not None
        assert await service.process.stdout.readline() == b"begun\n"
        service.tell(number)
        answer = await slow
        assert (answer.status_code, answer.json()) == (200, "done")
        assert await service.exit_code() == 0
    assert service.printed.split("\n") == ["finished what was in flight", "taken apart", ""]


async def test_after_a_stop_nobody_new_is_let_in() -> None:
    async with small("api") as service:
        url = await service.url()
        service.tell()
        assert await service.exit_code() == 0
        async with httpx.AsyncClient(base_url=url) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("/health/live")


async def test_a_stream_without_end_is_cut_within_the_grace() -> None:
    async with (
        small("api", SHUTDOWN_GRACE_SECONDS="3") as service,
        httpx.AsyncClient(base_url=await service.url()) as client,
    ):
        async with client.stream("GET", "/endless") as stream:
            first = await anext(stream.aiter_bytes())
            service.tell()
            async with asyncio.timeout(6):
                await service.exit_code()
        assert first.startswith(b"tick")


async def test_a_role_that_does_not_listen_is_left_behind_and_told() -> None:
    async with small("ignore", SHUTDOWN_GRACE_SECONDS="0.3") as service:
        await service.url()
        service.tell()
        assert await service.exit_code() == 1
    assert "role ignore did not stop within 0.3 s" in service.said


async def test_a_role_that_breaks_ends_the_process_once_told_and_without_secrets() -> None:
    async with small("api", "wait", "fail") as service:
        assert await service.exit_code() == 1
    assert service.said.count("role fail failed") == 1
    assert "RuntimeError" in json.dumps(service.log)
    assert "hush" not in json.dumps(service.log)
    assert "finished what was in flight" in service.printed


async def test_a_role_that_ends_by_itself_ends_the_process() -> None:
    async with small("wait", "leave") as service:
        assert await service.exit_code() == 1
    assert service.said.count("role leave ended before it was told to") == 1


async def test_every_process_can_be_probed_whatever_its_role() -> None:
    async with small("wait") as service, httpx.AsyncClient(base_url=await service.url()) as client:
        assert (await client.get("/health/ready")).status_code == 200
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.get("/slow")).status_code == 404


async def test_a_port_in_use_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with small("api", SMALL_PORT=str(port)) as service:
            assert await service.exit_code() == 1
    (line,) = service.log
    assert f"cannot listen on 127.0.0.1 port {port}" in line["message"]
    assert "SMALL_PORT" in line["message"]
    assert "error.stack_trace" not in line


async def test_commands_run_once_and_roles_follow() -> None:
    async with small("greet") as command, small("greet", "wait") as service:
        assert await command.exit_code() == 0
        await service.url()
        service.tell()
        assert await service.exit_code() == 0
    assert command.printed == "hello\ntaken apart\n"
    assert service.printed.startswith("hello\nfinished")


async def test_a_command_that_cannot_do_its_work_says_why() -> None:
    async with small("break-off") as service:
        assert await service.exit_code() == 1
    (line,) = service.log
    assert line["message"] == ("small ends: The service cannot reach its database. Try again in a moment. (refused)")


async def test_what_cannot_be_run_is_told_with_what_can() -> None:
    async with small() as nothing, small("api", "nonsense") as nonsense:
        for service in (nothing, nonsense):
            assert await service.exit_code() == 2
            assert "There is: greet, break-off, wait, ignore, fail, leave, api" in service.said
    assert "unknown: nonsense" in nonsense.said


async def test_wrong_settings_are_told_without_a_stack() -> None:
    async with small("api", SMALL_PORT="seventy", ENVIRONMENT="production") as service:
        assert await service.exit_code() == 1
    assert "SMALL_PORT" in service.said
    assert "Traceback" not in service.said


async def test_a_process_that_cannot_be_put_together_logs_it_and_fails() -> None:
    async with small("api", SMALL_UNCOMPOSABLE="1") as service:
        assert await service.exit_code() == 1
    (line,) = service.log
    assert line["message"] == "small ends"
    assert "ValueError: no parts" in line["error.stack_trace"]


async def test_a_trace_goes_on_and_stands_in_answer_and_log() -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with small("api") as service, httpx.AsyncClient(base_url=await service.url()) as client:
        answer = await client.get("/conflict", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
        service.tell()
        assert await service.exit_code() == 0
    assert answer.json()["trace_id"] == trace_id
    (line,) = [line for line in service.log if line["message"] == "GET /conflict 409"]
    assert line["trace.id"] == trace_id
    assert line["http.request.id"] == answer.headers["x-request-id"]
