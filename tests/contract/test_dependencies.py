"""FastAPI sends what is no coroutine to a thread: a fifth of a millisecond and a turn of the interpreter's lock, for each request."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from contract_documents.parts import HttpPart, http_parts
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute


def calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """An endpoint and all that it depends on."""
    if dependant.call is not None:
        yield dependant.call
    for other in dependant.dependencies:
        yield from calls(other)


@pytest.mark.parametrize("part", http_parts(), ids=lambda part: part.service)
def test_no_request_waits_for_a_thread(part: HttpPart) -> None:
    routes = [route for router in part.routers for route in router.routes if isinstance(route, APIRoute)]
    assert routes
    found = {call for route in routes for call in calls(route.dependant)}
    assert {
        call for call in found if not (inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call))
    } == set()
