"""The parts of the mesh, as far as the world may know them. The only place that imports every service."""

import importlib
import importlib.util
from dataclasses import dataclass
from types import ModuleType

from fastapi import APIRouter
from mesh import Event, Subscriptions

# The order is that of the pages in the merged documentation.
WITH_EVENTS = ("auth", "ingestion", "chat")
WITH_HTTP = ("auth", "ingestion", "chat")
CONSUMERS = ("gateway", "auth", "ingestion", "chat")
EVENT_MODULES = ("auth", "ingestion", "chat")


@dataclass(frozen=True)
class HttpPart:
    """A service's public endpoints."""

    service: str
    title: str
    description: str
    routers: tuple[APIRouter, ...]


def http_parts() -> list[HttpPart]:
    """Services that answer requests: `api` names its `router` or `routers`, and its docstring describes them."""
    return [_http_part(name) for name in WITH_HTTP]


def _http_part(name: str) -> HttpPart:
    module = importlib.import_module(f"{name}.api")
    routers = module.routers if hasattr(module, "routers") else (module.router,)
    return HttpPart(name, name.capitalize(), (module.__doc__ or "").strip(), tuple(routers))


def subscriptions() -> list[Subscriptions]:
    """What each service takes: `events.py` names its `bus`. A service without the module takes nothing."""
    return [module.bus for name in CONSUMERS if (module := _optional(f"{name}.events")) is not None]


def published(service: str) -> list[type[Event]]:
    """The event classes of a service, in the order in which its contract lists them."""
    if service not in EVENT_MODULES:
        return []
    module = importlib.import_module(f"contracts.{service}")
    found = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Event)]
    return [event for event in found if hasattr(event, "routing_key") and event.__module__ == module.__name__]


def all_events() -> list[type[Event]]:
    """Every event of the mesh."""
    return [event for service in EVENT_MODULES for event in published(service)]


def _optional(name: str) -> ModuleType | None:
    return importlib.import_module(name) if importlib.util.find_spec(name) else None
