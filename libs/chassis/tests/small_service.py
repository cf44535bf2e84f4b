"""A service as small as can be, for tests to run as a real process: `python small_service.py <role> …`."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from chassis.errors import Conflict, Unavailable
from chassis.http import create_app
from chassis.service import Process, Service, run
from chassis.settings import ServiceSettings
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

router = APIRouter()


class Settings(ServiceSettings, env_prefix="SMALL_"):
    service: ClassVar[str] = "small"


@router.get("/slow")
async def slow() -> str:
    """Take a while."""
    print("begun", flush=True)  # noqa: T201
    await asyncio.sleep(0.5)
    return "done"


@router.get("/endless")
async def endless() -> StreamingResponse:
    """Never end."""

    async def ticks() -> AsyncIterator[bytes]:
        while True:
            yield b"tick"
            await asyncio.sleep(0.1)

    return StreamingResponse(ticks())


@router.get("/conflict")
async def conflict() -> None:
    """Refuse."""
    raise Conflict("Somebody was faster.")


async def wait(stop: asyncio.Event) -> None:
    """A role that does what it is told."""
    await stop.wait()
    print("finished what was in flight", flush=True)  # noqa: T201


async def ignore(_: asyncio.Event) -> None:
    """A role that does not listen."""
    await asyncio.sleep(3600)


async def fail(_: asyncio.Event) -> None:
    """A role that breaks."""
    raise RuntimeError("the role broke with postgresql://u:hush@db")


async def leave(_: asyncio.Event) -> None:
    """A role that ends by itself."""


async def greet() -> None:
    """A command."""
    print("hello", flush=True)  # noqa: T201


async def break_off() -> None:
    """A command that cannot reach what it needs."""
    raise Unavailable("The service cannot reach its database. Try again in a moment.") from ConnectionRefusedError(
        "refused"
    )


@asynccontextmanager
async def compose(_: Settings) -> AsyncIterator[Process]:
    if os.environ.get("SMALL_UNCOMPOSABLE"):
        raise ValueError("no parts")
    app = create_app(title="Small", service="small", routers=[router], state={}, checks={})
    yield Process(
        roles={"wait": wait, "ignore": ignore, "fail": fail, "leave": leave},
        commands={"greet": greet, "break-off": break_off},
        app=app,
        checks={},
    )
    print("taken apart", flush=True)  # noqa: T201


if __name__ == "__main__":
    run(Service("small", Settings, compose))
