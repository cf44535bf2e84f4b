"""Holds every answer that an end-to-end test gets against the OpenAPI document: clients are generated from it."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from jsonschema import Draft202012Validator

Json = dict[str, Any]


def conformance(document: Json) -> Callable[[httpx.Response], Awaitable[None]]:
    """A hook for httpx that fails where an answer has another status, kind or form than the document says."""
    by_path = sorted(document["paths"].items(), key=lambda item: item[0].count("{"))
    patterns = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), item) for path, item in by_path]

    async def check(response: httpx.Response) -> None:
        request = response.request
        item: Json = next((item for pattern, item in patterns if pattern.fullmatch(request.url.path)), {})
        operation, kind = item.get(request.method.lower()), response.headers.get("content-type", "").split(";")[0]
        if operation is None or not kind.endswith("json") or response.status_code == 204:
            return
        where = f"{request.method} {request.url.path}: {response.status_code} {kind}"
        said = operation["responses"].get(str(response.status_code), operation["responses"]["default"])
        assert kind in said.get("content", {}), f"{where} is not in the document"
        await response.aread()
        schema = said["content"][kind]["schema"] | {"components": document["components"]}
        fault = next(Draft202012Validator(schema).iter_errors(response.json()), None)
        assert fault is None, f"{where}: {fault.json_path}: {fault.message}"

    return check
