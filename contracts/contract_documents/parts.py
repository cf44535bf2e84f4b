"""The parts of the mesh, as far as the world may know them. The only place that imports every service."""

import importlib
import importlib.util
from dataclasses import dataclass
from types import ModuleType

from fastapi import APIRouter
from mesh import Event, Subscriptions

# In the order of the pages in the merged documentation. A service has an `api`, an `events` and a module of contracts, or not.
SERVICES = ("auth", "ingestion", "chat", "flashcard", "notifier", "gateway")


@dataclass(frozen=True)
class HttpPart:
    """A service's public endpoints."""

    service: str
    title: str
    description: str
    routers: tuple[APIRouter, ...]


def http_parts() -> list[HttpPart]:
    """Services that answer requests: `api` names its `router` or `routers`, and its docstring describes them."""
    return [
        HttpPart(service, service.capitalize(), (api.__doc__ or "").strip(), _routers(api))
        for service in SERVICES
        if (api := _optional(f"{service}.api")) is not None
    ]


def subscriptions() -> list[Subscriptions]:
    """What each service takes: `events.py` names its `bus`, and so does `pushes.py` where other processes take the broadcasts."""
    edges = [f"{service}.{edge}" for service in SERVICES for edge in ("events", "pushes")]
    return [module.bus for edge in edges if (module := _optional(edge)) is not None]


def graphql_schema() -> str:
    """The one GraphQL schema of the mesh, as its own language writes it."""
    return f"# Generated from code; do not edit.\n\n{importlib.import_module('chat.graphql.schema').SCHEMA.as_str()}\n"


def published(service: str) -> list[type[Event]]:
    """The event classes of a service, in the order in which its contract lists them."""
    module = _optional(f"contracts.{service}")
    found = [] if module is None else [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, Event)]
    return [event for event in found if hasattr(event, "routing_key") and event.__module__ == f"contracts.{service}"]


def all_events() -> list[type[Event]]:
    """Every event of the mesh."""
    return [event for service in SERVICES for event in published(service)]


def _routers(api: ModuleType) -> tuple[APIRouter, ...]:
    return tuple(api.routers) if hasattr(api, "routers") else (api.router,)


def _optional(name: str) -> ModuleType | None:
    return importlib.import_module(name) if importlib.util.find_spec(name) else None
