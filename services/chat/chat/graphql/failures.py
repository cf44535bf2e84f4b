"""Failures over GraphQL: the same stable types as in problem documents, and nothing of our insides."""

from collections.abc import Iterator
from logging import getLogger
from typing import Any

from chassis.errors import TYPE_BASE, Problem, Unavailable
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import StreamExecutionResult

log = getLogger(__name__)
_INVALID = {"type": f"{TYPE_BASE}invalid-query", "title": "The query is not valid", "status": 400}
_OURS = Problem("Something went wrong on our side; it has been logged. Try again.")


class Failures(SchemaExtension):
    """Gives every error `extensions` with the `type`, `title` and `status` of a problem document, and its further members."""

    def __init__(self) -> None:
        super().__init__()
        self._told = False

    def on_operation(self) -> Iterator[None]:
        yield
        if not self._told:
            self._tell(self.execution_context.result)

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        self._told = True
        self._tell(result)
        yield

    def _tell(self, result: Any) -> None:
        if errors := getattr(result, "errors", None):
            result.errors = [told(error) for error in errors]


def told(error: GraphQLError) -> GraphQLError:
    """The error as a client may see it."""
    if error.extensions and "type" in error.extensions:
        return error
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if original is None or isinstance(original, GraphQLError):
        return GraphQLError(
            error.message, error.nodes, error.source, error.positions, error.path, extensions=dict(_INVALID)
        )
    problem = _problem(original, error)
    extensions = problem.document()
    detail = extensions.pop("detail")
    return GraphQLError(
        detail, error.nodes, error.source, error.positions, error.path, original_error=problem, extensions=extensions
    )


def _problem(original: Exception, error: GraphQLError) -> Problem:
    if isinstance(original, Problem):
        return original
    log.error("GraphQL %s failed", error.path, exc_info=original)
    if isinstance(original, OSError | TimeoutError):
        return Unavailable("A part of the service does not answer. Try again in a moment.")
    return _OURS
