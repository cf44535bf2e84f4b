"""A service's HTTP application: problem documents, request context, health, and the composition root's objects on its state."""

from collections.abc import Mapping, Sequence
from logging import getLogger
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from chassis import health
from chassis.errors import (
    PROBLEM_MEDIA_TYPE,
    TYPE_BASE,
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Problem,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from chassis.problems import problem_response
from chassis.requests import RequestContext, is_inside

log = getLogger(__name__)


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None


def create_app(
    *,
    title: str,
    service: str,
    routers: Sequence[APIRouter],
    state: Mapping[str, Any],
    checks: Mapping[str, health.Check],
    version: str = "1",
) -> FastAPI:
    """The application of a service's `api` role.

    `state` becomes `app.state`: `database`, `verifier`, `service_verifier` are what chassis' own dependencies look for.
    """
    app = FastAPI(
        title=title,
        version=version,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        telemetry={"exclude": is_inside, "logs": False, "operation_spans": False},
        responses={
            "default": {
                "model": ProblemDocument,
                "description": "A problem document (RFC 9457)",
            }
        },
    )
    for name, value in state.items():
        setattr(app.state, name, value)
    for router in routers:
        app.include_router(router)
    app.router.routes.extend(health.routes(service, checks))
    app.add_middleware(RequestContext, service=service)
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(PoolTimeout, _answer_overload)
    app.add_exception_handler(DBAPIError, _answer_database)
    app.add_exception_handler(OSError, _answer_database)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


async def _answer_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return problem_response(error, request)


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [{"field": _field(e["loc"]), "message": e["msg"].removeprefix("Value error, ")} for e in error.errors()]
    if any(e["type"] == "json_invalid" for e in error.errors()):
        return problem_response(
            Malformed("The body is not valid JSON. Check its quotes, commas and encoding (UTF-8)."),
            request,
        )
    said = "; ".join(f"{e['field']}: {e['message']}" for e in errors[:5])
    return problem_response(
        Invalid(f"{said}. Correct the request and send it again.", errors=errors[:50]),
        request,
    )


def _field(location: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path", "header")) or "body"


_BY_STATUS: dict[int, type[Problem]] = {
    400: Malformed,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: Invalid,
}


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if (kind := _BY_STATUS.get(error.status_code)) is not None:
        return problem_response(kind(str(error.detail)), request)
    document = {
        "type": f"{TYPE_BASE}http-{error.status_code}",
        "title": str(error.detail),
        "status": error.status_code,
        "detail": f"{error.detail}: {request.method} {request.url.path}",
    }
    return JSONResponse(
        document,
        error.status_code,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=dict(error.headers or {}),
    )


async def _answer_overload(request: Request, error: Exception) -> JSONResponse:
    log.warning("no database connection within the time limit: %s", error)
    return problem_response(Unavailable("Too many requests at once. Try again in a few seconds."), request)


async def _answer_database(request: Request, error: Exception) -> JSONResponse:
    """A database that cannot be reached is a 503; a statement that fails is a mistake of ours."""
    lost = isinstance(error, OSError) or (
        isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(error, OperationalError))
    )
    if not lost:
        raise error
    log.error("the database cannot be reached", exc_info=error)
    return problem_response(
        Unavailable("The service cannot reach its database. Try again in a moment."),
        request,
    )
