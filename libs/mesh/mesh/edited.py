"""Another body for a message, held against what the event's class takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mesh.envelope import PREFIX
from mesh.errors import MeshError
from mesh.event import Event


class DoesNotFit(MeshError):
    """The body is nothing that the event's consumers could read."""


@dataclass(frozen=True, slots=True)
class Edited:
    """The headers that change with the body, and whether it could be checked at all."""

    headers: dict[str, Any]
    checked: bool


def edited(type_: str, body: bytes, events: Iterable[type[Event]]) -> Edited:
    """What changes in the envelope of an event of that type and version. Raises `DoesNotFit`."""
    kind = next((event for event in events if event.routing_key == type_), None)
    if kind is None:
        return Edited({}, checked=False)
    try:
        event = kind.model_validate_json(body)
    except ValidationError as invalid:
        raise DoesNotFit(f"The body is no {type_}: {invalid}") from invalid
    subject, version = f"{PREFIX}subject", f"{PREFIX}aggregateversion"
    return Edited({subject: event.aggregate_id, version: event.version}, checked=True)
