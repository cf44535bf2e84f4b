"""What generators of clients make good types of, where Pydantic and FastAPI say less than is true.

- Everything that an answer's schema names is sent, with null where there is none: it is required, though the model has defaults.
- What may be left out of a request is not required. Generators take a default for a value that is always there, so it is told in words.
- A parameter is there or not; it is never null.
"""

import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
_SCHEMAS = "#/components/schemas/"
# Sent as it comes: its members depend on the problem.
_OPEN = {"ProblemDocument"}


def for_clients(document: Json) -> None:
    """Say it in the document."""
    operations = [
        item[method] for item in document["paths"].values() for method in item if isinstance(item[method], dict)
    ]
    schemas: Json = document["components"]["schemas"]
    asked = _reached([operation.get("requestBody", {}) for operation in operations], schemas)
    answered = _reached([operation["responses"] for operation in operations], schemas)
    for name in answered - asked - _OPEN:
        if "properties" in schemas[name]:
            schemas[name]["required"] = list(schemas[name]["properties"])
    for name in asked | _OPEN & schemas.keys():
        for value in schemas[name].get("properties", {}).values():
            _tell_default(value)
    for operation in operations:
        for parameter in operation.get("parameters", []):
            parameter["schema"] = _without_null(parameter["schema"])


def _reached(roots: list[Json], schemas: Json) -> set[str]:
    """The names of all schemas that these refer to, and those to others."""
    found: set[str] = set()
    names = [name for root in roots for name in _references(root)]
    while names:
        if (name := names.pop()) not in found:
            found.add(name)
            names += _references(schemas[name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str) and reference.startswith(_SCHEMAS):
            yield reference.removeprefix(_SCHEMAS)
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def _tell_default(value: Json) -> None:
    default = value.pop("default", None)
    if default is not None:
        said = value.get("description", "")
        value["description"] = f"{said}{'. ' if said else ''}Default: {json.dumps(default, ensure_ascii=False)}"


def _without_null(schema: Json) -> Json:
    options: list[Json] = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(options) != 1 or "anyOf" not in schema:
        return schema
    return {name: value for name, value in schema.items() if name not in {"anyOf", "default"}} | options[0]
