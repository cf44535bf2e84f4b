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
# What decides whether a value fits. Words aside.
_RULES = (
    *("type", "format", "enum", "const", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
)


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
    before, after = old.get("properties", {}), new.get("properties", {})
    required = set(new.get("required", [])) - set(old.get("required", []))
    found = [f"{at}{name} was removed" for name in before.keys() - after.keys()]
    found += [f"{at}{name} is new and required" for name in required]
    for name in before.keys() & after.keys():
        found += _changed_value(before[name], after[name], f"{at}{name}")
    return sorted(found)


def _changed_value(old: Json, new: Json, at: str) -> list[str]:
    if any(old.get(rule) != new.get(rule) for rule in _RULES) or len(_options(old)) != len(_options(new)):
        return [f"{at} changed its type"]
    found = breaking_changes(old, new, f"{at}.")
    for before, after in zip(_options(old), _options(new), strict=True):
        found += _changed_value(before, after, at)
    if "items" in old or "items" in new:
        found += _changed_value(old.get("items", {}), new.get("items", {}), f"{at}[]")
    return found


def _options(schema: Json) -> list[Json]:
    options: list[Json] = schema.get("anyOf", [])
    return options


def as_json(document: Json) -> str:
    """The form in which documents are committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
