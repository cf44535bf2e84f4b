"""OpenAPI of each service, and the merged one, which is the gateway's route table."""

from copy import deepcopy
from typing import Any

from chassis.http import create_app

from contract_documents.client_types import for_clients
from contract_documents.parts import HttpPart

Json = dict[str, Any]
PREFIX = "/api/v1"
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
BEARER: Json = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The access_token of POST /api/v1/auth/login, valid for 15 minutes",
}


def service_document(part: HttpPart) -> Json:
    """What one service serves inside the mesh, without the gateway's prefix."""
    app = create_app(title=part.title, service=part.service, routers=part.routers, state={}, checks={})
    document = app.openapi()
    document["info"] |= {"title": f"Study Teddy: {part.service}", "description": part.description}
    document.setdefault("components", {})["securitySchemes"] = {"bearer": BEARER}
    for operation in _operations(document):
        operation.setdefault("security", [{"bearer": []}])
        operation.setdefault("tags", [part.service])
    for_clients(document)
    return document


def merged(parts: list[HttpPart]) -> Json:
    """All services as the gateway shows them. Two services never share a path or a schema of another meaning."""
    paths: Json = {}
    schemas: Json = {}
    for part in parts:
        document = deepcopy(service_document(part))
        for operation in _operations(document):
            operation["x-service"] = part.service
        _add(paths, {_place(path, item): item for path, item in document["paths"].items()}, part.service)
        for name, schema in document["components"].get("schemas", {}).items():
            if schemas.setdefault(name, schema) != schema:
                raise ValueError(f"{part.service}: schema {name} means something else in another service; rename it")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Study Teddy",
            "version": "1",
            "description": "Upload the material of a course, ask it, and be quizzed on it. Errors are problem "
            "documents (RFC 9457). `/api/...` without a version is the same as `/api/v1/...`.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": part.service, "description": part.description} for part in parts],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": {"bearer": BEARER}},
    }


def _place(path: str, item: Json) -> str:
    """Where the gateway shows it: below the version, or at its root where an operation says `x-root`."""
    at_the_root = {item[method].pop("x-root", False) for method in METHODS if method in item}
    return path if True in at_the_root else PREFIX + path


def _operations(document: Json) -> list[Json]:
    return [item[method] for item in document["paths"].values() for method in METHODS if method in item]


def _add(paths: Json, more: Json, service: str) -> None:
    if shared := sorted(paths.keys() & more.keys()):
        raise ValueError(f"{service}: {shared[0]} belongs to another service already")
    paths.update(more)
