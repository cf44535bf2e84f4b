"""Health that really asks: live is the process, ready is everything that it needs to do its work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from logging import getLogger
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

log = getLogger(__name__)
Check = Callable[[], Awaitable[None]]
CHECK_SECONDS = 2.0


async def run_checks(checks: Mapping[str, Check]) -> dict[str, str]:
    """What is wrong, by name of the check; empty when the process is ready. Takes at most `CHECK_SECONDS`."""
    outcomes = await asyncio.gather(*(_failure(name, check) for name, check in checks.items()))
    return {name: failure for name, failure in outcomes if failure is not None}


async def _failure(name: str, check: Check) -> tuple[str, str | None]:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except TimeoutError:
        return name, f"no answer within {CHECK_SECONDS:g} s"
    except Exception as error:  # whatever it is, the process is not ready, and the operator reads why
        log.warning("health check %s failed: %s", name, error)
        return name, type(error).__name__
    return name, None


def routes(service: str, checks: Mapping[str, Check]) -> list[Route]:
    """`/health/live`, `/health/ready` and `/metrics`, for inside the mesh."""

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live", "service": service})

    async def ready(_: Request) -> Response:
        failures = await run_checks(checks)
        body: dict[str, Any] = {
            "status": "unready" if failures else "ready",
            "service": service,
            "failures": failures,
        }
        return JSONResponse(
            body,
            status_code=503 if failures else 200,
            headers={"Cache-Control": "no-store"},
        )

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/health/live", live, include_in_schema=False),
        Route("/health/ready", ready, include_in_schema=False),
        Route("/metrics", metrics, include_in_schema=False),
    ]
