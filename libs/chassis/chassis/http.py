"""A service's HTTP application: problem documents, request context, health, and the composition root's objects on its state."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from mesh import Operations
from pydantic import BaseModel, ConfigDict

from chassis import health, problems
from chassis.errors import PROBLEM_MEDIA_TYPE
from chassis.operations import router as operating
from chassis.requests import RequestContext, is_inside


class FieldError(BaseModel):
    """What is wrong with one field of a request."""

    field: str
    message: str


class ProblemDocument(BaseModel):
    """RFC 9457. `type` is stable and for programs, `detail` is for the person; some problems have further members."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    trace_id: str | None = None
    errors: list[FieldError] | None = None


class Application(FastAPI):
    """FastAPI, whose document says that every error is a problem document."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of the application's public routes."""
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs") | {ProblemDocument.__name__: problem}
        return document


# Not `model=`: FastAPI would say that errors are application/json.
_ANY_ERROR: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem document (RFC 9457)",
        "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}}},
    }
}


def create_app(
    *,
    title: str,
    service: str,
    routers: Sequence[APIRouter],
    state: Mapping[str, Any],
    checks: Mapping[str, health.Check],
    operations: Operations | None = None,
    version: str = "1",
) -> FastAPI:
    """The application of a service's `api` role.

    `state` becomes `app.state`: `database`, `verifier`, `service_verifier`, `verified_email_required` are what chassis' own
    dependencies look for. `operations` are what the command line `mesh` may ask for, by a token that names this service.
    """
    app = Application(
        title=title,
        version=version,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        telemetry={"exclude": is_inside, "logs": False, "operation_spans": False},
        responses=_ANY_ERROR,
    )
    for name, value in state.items():
        setattr(app.state, name, value)
    for router in routers:
        app.include_router(router)
    if operations is not None:
        app.state.operations = operations
        if "service_verifier" not in state:
            app.state.service_verifier = state["verifier"].of_audience(service)
        app.include_router(operating)
    app.router.routes.extend(health.routes(service, checks))
    app.add_middleware(RequestContext, service=service)
    problems.answer_with_documents(app)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
