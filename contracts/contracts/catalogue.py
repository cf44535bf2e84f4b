"""Everything at once, for programs that must know every event and every consumer, such as the command line `mesh`."""

import importlib
import json
import pkgutil
from importlib.resources import files
from typing import Any

from mesh import Event, Topology

import contracts


def events() -> list[type[Event]]:
    """Every event of the mesh."""
    names = [f"{contracts.__name__}.{module.name}" for module in pkgutil.iter_modules(contracts.__path__)]
    modules = [importlib.import_module(name) for name in sorted(names) if name != __name__]
    return [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Event)
        and value.__module__ == module.__name__
        and hasattr(value, "routing_key")
    ]


def topology() -> Topology:
    """Every consumer's queue."""
    data: dict[str, Any] = json.loads((files(contracts) / "topology.json").read_text(encoding="utf-8"))
    return Topology.load(data)
