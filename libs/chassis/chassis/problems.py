"""A problem as an HTTP answer."""

from opentelemetry import trace
from starlette.requests import Request
from starlette.responses import JSONResponse

from chassis.errors import PROBLEM_MEDIA_TYPE, Problem


def problem_response(problem: Problem, request: Request) -> JSONResponse:
    """`application/problem+json`, with the trace id that finds it in logs and traces."""
    document = problem.document(request.url.path)
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        document["trace_id"] = trace.format_trace_id(context.trace_id)
    return JSONResponse(
        document,
        status_code=problem.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=problem.headers,
    )
