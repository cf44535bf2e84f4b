"""What the gateway answers itself: health, metrics, and the documentation of the whole API, readable without network."""

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chassis.errors import NotFound
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.answers import Answer, json_answer
from gateway.edge import Page
from gateway.headers import NO_CONTENT_POLICY, NO_STORE

_ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
# Swagger UI sets inline styles and reads pictures from data URLs; everything else comes from us.
_DOCS_POLICY = (
    b"content-security-policy: default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    b"style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n"
)
_CACHED = b"cache-control: public, max-age=3600\r\n"
_DOCS = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Study Teddy: the API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon.png">
</head>
<body>
<div id="docs"></div>
<noscript>The document itself: <a href="/openapi.json">openapi.json</a></noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""


def documentation(document: Mapping[str, Any]) -> dict[bytes, Page]:
    """`/docs`, what it needs, and the way there from `/`. The merged document is shown as it is, without what only the gateway reads."""
    shown = json.dumps(_without_extensions(document), separators=(",", ":")).encode()
    page = Answer(200, _DOCS_POLICY + _CACHED, _DOCS.encode(), "text/html; charset=utf-8")
    start = Answer(200, NO_CONTENT_POLICY + _CACHED, _START.encode(), "text/javascript; charset=utf-8")
    openapi = Answer(200, NO_CONTENT_POLICY + b"cache-control: no-cache\r\n", shown, "application/json")
    home = Answer(307, b"location: /docs\r\n" + NO_CONTENT_POLICY + b"cache-control: no-cache\r\n")
    assets = {f"/docs/{name}".encode(): _asset(name, media_type) for name, media_type in _ASSETS.items()}
    return {
        b"/": lambda _: home,
        b"/docs": lambda _: page,
        b"/docs/start.js": lambda _: start,
        b"/openapi.json": lambda _: openapi,
    } | assets


def inside(missing: Callable[[], Mapping[str, str]], fold: Callable[[], None]) -> dict[bytes, Page]:
    """Health and metrics. `missing` says what the gateway still needs to be ready, by name; `fold` brings metrics up to date."""

    def live(_: bool) -> Answer:
        return json_answer({"status": "live", "service": "gateway"})

    def ready(from_inside: bool) -> Answer:
        failures = missing()
        document: dict[str, object] = {"status": "unready" if failures else "ready", "service": "gateway"}
        if from_inside:
            document["failures"] = failures
        return json_answer(document, 503 if failures else 200)

    def metrics(from_inside: bool) -> Answer:
        if not from_inside:
            raise NotFound("There is nothing at this path. /docs lists what there is.")
        fold()
        return Answer(200, NO_STORE + NO_CONTENT_POLICY, generate_latest(), CONTENT_TYPE_LATEST)

    return {b"/health/live": live, b"/health/ready": ready, b"/metrics": metrics}


def _asset(name: str, media_type: str) -> Page:
    answer = Answer(200, NO_CONTENT_POLICY + _CACHED, (_asset_folder() / name).read_bytes(), media_type)
    return lambda _: answer


def _asset_folder() -> Path:
    """Swagger UI as the package fastapi-offline brings it; its code is not imported."""
    spec = importlib.util.find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "static"


def _without_extensions(document: Mapping[str, Any]) -> dict[str, Any]:
    paths = {
        path: {
            method: {name: value for name, value in operation.items() if not name.startswith("x-")}
            if isinstance(operation, dict)
            else operation
            for method, operation in item.items()
        }
        for path, item in document.get("paths", {}).items()
    }
    return dict(document) | {"paths": paths}
