"""JSON Schema of an event's payload, self-contained, so that it can be copied anywhere."""

from typing import Any

from mesh import Event

Json = dict[str, Any]


def payload_schema(event: type[Event]) -> Json:
    """Draft 2020-12, references resolved inside. Unknown members are allowed: consumers ignore them."""
    schema = event.model_json_schema(mode="serialization")
    definitions = schema.pop("$defs", {})
    resolved = _inline(schema, definitions)
    assert isinstance(resolved, dict)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": event.dataschema} | resolved


def _inline(node: Any, definitions: Json) -> Any:
    if isinstance(node, dict):
        if (reference := node.get("$ref")) is not None:
            target = definitions[str(reference).rsplit("/", 1)[-1]]
            siblings = {name: value for name, value in node.items() if name != "$ref"}
            return _inline(target | siblings, definitions)
        return {name: _inline(value, definitions) for name, value in node.items()}
    if isinstance(node, list):
        return [_inline(value, definitions) for value in node]
    return node
