"""`CATALOGUE.md`: every event on one page, who sends it, who takes it, what it holds, and an example."""

from collections.abc import Iterable, Iterator
from typing import Any

from mesh import Event, Subscription
from mesh.subscriptions import Kind

from contract_documents.examples import example_of
from contract_documents.schemas import payload_schema

Json = dict[str, Any]
_BEGINNING = """\
# Catalogue of events

Generated from code by `make contracts`; do not edit. Every event is a CloudEvent 1.0 in binary mode on the topic exchange `studyteddy.events`, with its name and version as routing
key. `version` is the aggregate's: apply an event only if it is newer than what you have of its aggregate. Fields that you do not know may be added; everything else needs a
new version. The whole of it for machines: `asyncapi/`, `released/`.
"""


def page(sent: Iterable[tuple[str, type[Event]]], taken: Iterable[Subscription]) -> str:
    """The page; `sent` are services and their events, in order."""
    sent, taken = list(sent), list(taken)
    lines = [_BEGINNING, "| event | sent by | taken by |", "|---|---|---|"]
    for service, event in sent:
        anchor = event.routing_key.replace(".", "")
        lines.append(f"| [{event.routing_key}](#{anchor}) | {service} | {_takers(event, taken)} |")
    for service, event in sent:
        lines += ["", *_section(service, event, taken)]
    return "\n".join(lines) + "\n"


def _section(service: str, event: type[Event], taken: list[Subscription]) -> Iterator[str]:
    way = "may be lost, and is sent at once" if event.ephemeral else "at least once; its id tells repetitions"
    yield f"## {event.routing_key}"
    yield ""
    yield " ".join((event.__doc__ or event.__name__).split())
    yield ""
    yield f"Sent by {service}, {way}. Taken by {_takers(event, taken)}. Its aggregate is `{event.aggregate_field}`."
    yield ""
    yield "| field | type | |"
    yield "|---|---|---|"
    yield from _rows(payload_schema(event))
    yield ""
    yield "```json"
    yield example_of(event).model_dump_json(indent=2)
    yield "```"


def _takers(event: type[Event], taken: list[Subscription]) -> str:
    names = [
        f"`{one.queue}`" + (" (every process)" if one.kind is Kind.BROADCAST else "")
        for one in taken
        if event in one.events
    ]
    return ", ".join(names) or "nobody yet"


def _rows(schema: Json, at: str = "") -> Iterator[str]:
    required = set(schema.get("required", []))
    for name, field in schema.get("properties", {}).items():
        said = (
            field.get("description", "")
            if name in required
            else f"optional; {field.get('description', '')}".rstrip("; ")
        )
        yield f"| `{at}{name}` | {_type(field)} | {said} |"
        for inner, path in _inside(field, f"{at}{name}"):
            yield from _rows(inner, f"{path}.")


def _inside(field: Json, at: str) -> Iterator[tuple[Json, str]]:
    for option in [field, *field.get("anyOf", [])]:
        if "properties" in option:
            yield option, at
        if "items" in option:
            yield from _inside(option["items"], f"{at}[]")


def _type(field: Json) -> str:
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(option) for option in field["anyOf"]))
    if "enum" in field or "const" in field:
        return " or ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    return str(field.get("format") or field.get("type", "anything"))
