"""`contracts/released/`: every schema that ever landed, with a payload of that day. Append-only.

`<type>.v<version>/<n>.schema.json` and `<n>.example.json`; n grows when a version gets a compatible change. What was released is
never edited, so consumers can be tested against everything that may still come out of a queue.
"""

import json
from pathlib import Path
from typing import Any

from mesh import Event

from contract_documents.examples import example_of
from contract_documents.schemas import payload_schema

Json = dict[str, Any]


class Incompatible(Exception):
    """A change inside a version that would break somebody; the message says what to do."""


def release(event: type[Event], folder: Path) -> dict[Path, str]:
    """The files to add for an event as the code has it now: none if it was released. Raises `Incompatible`."""
    home = folder / event.routing_key
    numbers = sorted(int(path.name.split(".")[0]) for path in home.glob("*.schema.json"))
    schema = payload_schema(event)
    if numbers:
        latest = json.loads((home / f"{numbers[-1]}.schema.json").read_text())
        if latest == schema:
            return {}
        if breaks := breaking_changes(latest, schema):
            raise Incompatible(
                f"{event.__name__}: {'; '.join(breaks)}. Queues may still hold version {event.schema_version}: leave it as it "
                f"is, and make a class with version={event.schema_version + 1} for the new meaning."
            )
    number = (numbers[-1] if numbers else 0) + 1
    return {
        home / f"{number}.schema.json": as_json(schema),
        home / f"{number}.example.json": as_json(example_of(event).model_dump(mode="json")),
    }


def breaking_changes(old: Json, new: Json, at: str = "") -> list[str]:
    """What a reader of `old` would miss in `new`, and the other way round, in words."""
    found = []
    before, after = old.get("properties", {}), new.get("properties", {})
    found += [f"{at}{name} was removed" for name in before.keys() - after.keys()]
    found += [f"{at}{name} is new and required" for name in set(new.get("required", [])) - set(old.get("required", []))]
    for name in sorted(before.keys() & after.keys()):
        if _shape(before[name]) != _shape(after[name]):
            found.append(f"{at}{name} changed its type")
        found += breaking_changes(before[name], after[name], f"{at}{name}.")
    return sorted(found)


def _shape(schema: Json) -> Json:
    """What decides whether a value fits; words and nested properties aside."""
    return {
        name: [_shape(option) for option in value] if name == "anyOf" else _shape(value) if name == "items" else value
        for name, value in schema.items()
        if name in ("type", "format", "enum", "const", "anyOf", "items", "minimum", "maximum")
    }


def as_json(document: Json) -> str:
    """The form in which documents are committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
