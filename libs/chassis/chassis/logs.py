"""Structured logs with ECS field names: JSON for machines, a readable form on a terminal, no secrets in either."""

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog
from opentelemetry import trace
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars

Fields = MutableMapping[str, Any]

# ECS 8: https://www.elastic.co/docs/reference/ecs
_ECS = {
    "event": "message",
    "level": "log.level",
    "logger": "log.logger",
    "timestamp": "@timestamp",
    "request_id": "http.request.id",
    "user_id": "user.id",
    "exception": "error.stack_trace",
}
_SECRET_NAME = re.compile(r"password|secret|token|authorization|cookie|api_?key|key_ring", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?P<bearer>[Bb]earer\s+)[\w.~+/=-]{8,}"
    r"|(?P<userinfo>://[^:/\s@]*:)[^@/\s]+(?=@)"
    r"|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|\bsk-[\w-]{8,}"
    r"|\bst(?:rt|ml)_[\w-]{8,}"  # our refresh tokens, and what stands in links of mails
)
# What structlog hands from step to step; it becomes text, and is looked at, later.
_CARRIED_ALONG = frozenset({"exc_info", "_record", "_from_structlog"})
# Loud at INFO and of no use to an operator.
_QUIET = (
    "httpx",
    "httpcore",
    "aiormq",
    "aio_pika",
    "uvicorn",
    "uvicorn.error",
    "granian.access",
    "openai._base_client",
    "alembic",
)


def configure(service: str, *, level: str = "INFO", form: str = "auto") -> None:
    """Send every log line of the process, structlog's and the standard library's, through one chain to stderr."""
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    shared: list[structlog.types.Processor] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        _redact,
    ]
    rendering: list[structlog.types.Processor] = (
        [
            structlog.processors.format_exc_info,
            _redact,
            _to_ecs(service),
            structlog.processors.JSONRenderer(),
        ]
        if as_json
        else [
            structlog.processors.format_exc_info,
            _redact,
            # Not rich: it prints the local variables of every frame, passwords among them.
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *rendering,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def bind(**fields: str) -> None:
    """Add fields to every further line of this request, message or job."""
    bind_contextvars(**fields)


def clear() -> None:
    """Forget the fields of the request, message or job that ended."""
    clear_contextvars()


def _add_trace(_: Any, __: str, fields: Fields) -> Fields:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        fields["trace.id"] = trace.format_trace_id(context.trace_id)
        fields["span.id"] = trace.format_span_id(context.span_id)
    return fields


def _redact(_: Any, __: str, fields: Fields) -> Fields:
    for name, value in fields.items():
        if name not in _CARRIED_ALONG:
            fields[name] = _without_secrets(name, value)
    return fields


def _without_secrets(name: str, value: Any) -> Any:
    if isinstance(value, bool | int | float | None):
        return value  # prompt_tokens=812 is a count
    if _SECRET_NAME.search(name):
        return "[redacted]"
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _without_secrets(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_secrets(name, inner) for inner in value]
    return value


def redact(text: str) -> str:
    """The text with what looks like a credential taken out."""
    return _SECRET_TEXT.sub(lambda m: (m["bearer"] or m["userinfo"] or "") + "[redacted]", text)


def _to_ecs(service: str) -> Callable[[Any, str, Fields], Fields]:
    def rename(_: Any, __: str, fields: Fields) -> Fields:
        renamed: Fields = {_ECS.get(name, name): value for name, value in fields.items()}
        renamed.update({"service.name": service, "ecs.version": "8.11"})
        return renamed

    return rename
