"""How a process of a service runs: `python -m <service> <role> [<role> …]`.

SIGTERM or SIGINT sets the stop event; each role then finishes what is in flight and returns; the process exits with 0 inside
the grace period. A role that fails ends the process with 1, and whoever supervises it starts it again.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from logging import getLogger
from typing import Any, Generic, TypeVar

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.types import ASGIApp

from chassis import health, logs, telemetry
from chassis.errors import Problem
from chassis.settings import ServiceSettings, SettingsError, load

log = getLogger(__name__)
Role = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
HttpServer = Callable[[socket.socket, asyncio.Event, float], Coroutine[Any, Any, None]]
"""Serves a listening socket until the event is set, then finishes within the grace period (seconds)."""
S = TypeVar("S", bound=ServiceSettings)
API = "api"


class CannotListen(Problem):
    """The process's address is not to be had."""


@dataclass(frozen=True)
class Process:
    """What one process of a service can do, made by the composition root."""

    roles: Mapping[str, Role]
    """Long-running work by role name; each returns soon after the event is set. `api` is added by `app`."""
    commands: Mapping[str, Callable[[], Awaitable[None]]]
    """What runs once and ends, such as `migrate`."""
    app: ASGIApp | None
    """The HTTP application of role `api`; it has health and metrics of its own."""
    checks: Mapping[str, health.Check]
    server: HttpServer | None = None
    """Serves role `api` instead of uvicorn and `app`."""
    inside: Mapping[str, ASGIApp] = field(default_factory=dict)
    """By role: what it answers to other processes of its service where it runs without `api`; with health and metrics."""

    @property
    def serves_api(self) -> bool:
        """Whether there is a role `api`."""
        return self.app is not None or self.server is not None


@dataclass(frozen=True)
class Service(Generic[S]):
    """A service: its settings, and how its process is put together from them (opened and closed around the roles)."""

    name: str
    settings: type[S]
    compose: Callable[[S], AbstractAsyncContextManager[Process]]


def run(service: Service[S], arguments: Sequence[str] | None = None) -> None:
    """The body of a service's `__main__`. Exits the process."""
    wanted = list(sys.argv[1:] if arguments is None else arguments)
    try:
        settings = load(service.settings)
    except SettingsError as error:
        sys.exit(str(error))
    logs.configure(service.name, level=settings.log_level, form=settings.log_format)
    flush = telemetry.configure(service.name, otlp_endpoint=settings.otel_exporter_otlp_endpoint)
    try:
        code = uvloop.run(_run(service, settings, wanted))
    finally:
        flush()
    # Not sys.exit: threads of native libraries that outlive their event loop must not hold a finished process.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def _run(service: Service[S], settings: S, wanted: list[str]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with service.compose(settings) as process:
            known = [*process.commands, *process.roles, *([API] if process.serves_api else [])]
            if not wanted or (unknown := [name for name in wanted if name not in known]):
                said = f"unknown: {', '.join(unknown)}" if wanted else "name what to run"
                print(f"{service.name}: {said}. There is: {', '.join(known)}", file=sys.stderr)
                return 2
            for command in [process.commands[name] for name in wanted if name in process.commands]:
                await command()
            roles = [name for name in wanted if name not in process.commands]
            return await _run_roles(service, settings, process, roles, stop) if roles else 0
    except SettingsError as error:
        log.error("%s cannot start: %s", service.name, error)  # noqa: TRY400 - a sentence, no stack
    except Problem as problem:
        log.error("%s ends: %s (%s)", service.name, problem, problem.__cause__)  # noqa: TRY400 - a sentence, no stack
    except Exception:
        log.exception("%s ends", service.name)
    return 1


async def _run_roles(service: Service[S], settings: S, process: Process, roles: list[str], stop: asyncio.Event) -> int:
    listener = _listen(settings)
    # Every process answers on its port for health and metrics, so that each role can be probed alone.
    app = (
        process.app if API in roles else next((process.inside[role] for role in roles if role in process.inside), None)
    )
    served = app or Starlette(routes=health.routes(service.name, process.checks))
    server = process.server if process.server is not None and API in roles else partial(serve, served)
    running = [asyncio.create_task(process.roles[role](stop), name=role) for role in roles if role != API]
    running.append(asyncio.create_task(server(listener, stop, settings.shutdown_grace_seconds), name="http"))
    # What was made until here stays: a full collection, which stops every request of the process, need not look through it.
    gc.collect()
    gc.freeze()
    log.info("%s runs %s on port %d", service.name, ", ".join(roles), listener.getsockname()[1])
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    early = [] if stop.is_set() else [task for task in running if task.done()]
    stop.set()
    return await _finish(running, early, settings.shutdown_grace_seconds)


async def _finish(running: list[asyncio.Task[None]], early: list[asyncio.Task[None]], grace: float) -> int:
    """Wait for the roles to return, and say what went wrong; the exit code."""
    _, late = await asyncio.wait(running, timeout=grace)
    for task in late:
        log.error("role %s did not stop within %g s", task.get_name(), grace)
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=2)
    failed = False
    for task in running:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            log.error("role %s failed", task.get_name(), exc_info=error)
            failed = True
        elif task in early:
            log.error("role %s ended before it was told to", task.get_name())
    return 1 if failed or early or late else 0


async def serve(app: ASGIApp, listener: socket.socket, stop: asyncio.Event, grace: float, **options: Any) -> None:
    """Serve HTTP until `stop`, then let requests in flight finish within the grace period (seconds). `options` are uvicorn's."""
    usual: dict[str, Any] = {
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "lifespan": "off",
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": max(1, int(grace) - 2),
        "limit_concurrency": 1000,
    }
    config = uvicorn.Config(app, **usual | options)
    with listener:
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await serving


def _listen(settings: ServiceSettings) -> socket.socket:
    # Bound here, because uvicorn answers a port in use with sys.exit from inside a task.
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=512)
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {settings.host} port {settings.port}. Stop what uses it, or set "
            f"{settings.variable('host')} and {settings.variable('port')} to what is free"
        ) from error


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: one place of the process is told to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
