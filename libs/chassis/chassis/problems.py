"""Errors as HTTP answers: what is expected becomes a problem document, what is not is left to `RequestContext`."""

from collections.abc import Mapping, Sequence
from logging import getLogger
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from pydantic_core import PydanticSerializationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from chassis.database import DatabaseAway
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

log = getLogger(__name__)

_NO_JSON = "The body is not valid JSON. Check its quotes, commas and encoding (UTF-8)."
# What FastAPI says of a body that is no UTF-8, nested too deeply, or holds a number too long to be read.
_UNPARSED = "There was an error parsing the body"
_BY_STATUS: dict[int, type[Problem]] = {
    400: Malformed,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: Invalid,
}
# PostgreSQL's classes: 08 connection, 53 resources, 57P going down or coming up, 40 lost a race for locks.
_PASSING = ("08", "53", "57P", "40")
_LOCK_NOT_HAD = "55P03"
_BEING_CHANGED = "What this request is about is being changed right now. Try again in a moment."
# What JSON can hold and neither PostgreSQL's text (22021) nor its jsonb (22P05) nor UTF-8: NUL, half of a surrogate pair.
_UNSTORABLE = {"22021", "22P05"}
_HALF_A_CHARACTER = "surrogates not allowed"


class BeingChanged(Unavailable):
    """A lock on it was not to be had in the time that was given."""

    type, title = "being-changed", "It is being changed right now"


def answer_with_documents(app: FastAPI) -> None:
    """Answer every expected error of the application with a problem document."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(PoolTimeout, _answer_overload)
    app.add_exception_handler(DBAPIError, _answer_database)
    app.add_exception_handler(UnicodeEncodeError, _answer_unstorable)
    app.add_exception_handler(PydanticSerializationError, _answer_unstorable)
    app.add_exception_handler(ConnectionError, _answer_cut)
    app.add_exception_handler(TimeoutError, _answer_cut)


def problem_response(problem: Problem, request: Request) -> JSONResponse:
    """`application/problem+json`, with the trace id that finds it in logs and traces."""
    return _response(problem.document(request.url.path), problem.headers)


def _response(document: dict[str, Any], headers: Mapping[str, str] | None) -> JSONResponse:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        document["trace_id"] = trace.format_trace_id(context.trace_id)
    return JSONResponse(document, document["status"], headers=headers, media_type=PROBLEM_MEDIA_TYPE)


async def _answer_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    if isinstance(error, DatabaseAway):
        log.error("the database cannot be reached: %s", error.__cause__)
    return problem_response(error, request)


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [{"field": _field(e["loc"]), "message": e["msg"].removeprefix("Value error, ")} for e in error.errors()]
    if any(e["type"] == "json_invalid" for e in error.errors()):
        return problem_response(Malformed(_NO_JSON), request)
    said = "; ".join(f"{e['field']}: {e['message'].rstrip('.')}" for e in errors[:5])
    return problem_response(
        Invalid(f"{said}. Correct the request and send it again.", errors=errors[:50]),
        request,
    )


def _field(location: Sequence[int | str]) -> str:
    # Only the first part says where in the request; a field may be called query or path itself.
    named = location[1:] if location[:1] and location[0] in ("body", "query", "path", "header") else location
    return ".".join(str(part) for part in named) or "body"


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if (kind := _BY_STATUS.get(error.status_code)) is not None:
        said = str(error.detail)
        return problem_response(kind(_NO_JSON if said == _UNPARSED else said), request)
    document = {
        "type": f"{TYPE_BASE}http-{error.status_code}",
        "title": str(error.detail),
        "status": error.status_code,
        "detail": f"{error.detail}: {request.method} {request.url.path}",
        "instance": request.url.path,
    }
    return _response(document, error.headers)


async def _answer_overload(request: Request, error: Exception) -> JSONResponse:
    log.warning("no database connection within the time limit: %s", error)
    return problem_response(Unavailable("Too many requests at once. Try again in a few seconds."), request)


async def _answer_database(request: Request, error: Exception) -> JSONResponse:
    """What passes with time is a 503; a statement that fails is a mistake of ours."""
    assert isinstance(error, DBAPIError)
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state in _UNSTORABLE or _HALF_A_CHARACTER in str(error.orig):
        return _unstorable(request)
    if state == _LOCK_NOT_HAD:
        log.warning("a lock was waited for in vain: %s", error.orig)
        return problem_response(BeingChanged(_BEING_CHANGED, retry_after=1), request)
    if not (error.connection_invalidated or state.startswith(_PASSING)):
        raise error
    log.error("the database broke off", exc_info=error)
    return problem_response(Unavailable("The service lost its database for a moment. Try again."), request)


async def _answer_unstorable(request: Request, error: Exception) -> JSONResponse:
    if _HALF_A_CHARACTER not in str(error):
        raise error
    return _unstorable(request)


def _unstorable(request: Request) -> JSONResponse:
    sentence = "The request holds a NUL character or half of a surrogate pair. Take it out and send it again."
    return problem_response(Invalid(sentence), request)


async def _answer_cut(request: Request, error: Exception) -> JSONResponse:
    log.error("a connection broke or did not answer in time", exc_info=error)
    return problem_response(Unavailable("A part of the service does not answer. Try again in a moment."), request)
