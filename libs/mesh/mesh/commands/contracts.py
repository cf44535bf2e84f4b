"""What the command line knows of events and consumers: it is told the name of a module, because contracts stand on the mesh."""

import importlib
import os
from collections.abc import Sequence
from typing import Protocol, cast

from mesh.errors import MeshError
from mesh.event import Event
from mesh.topology import Topology

DEFAULT = "contracts.catalogue"


class Contracts(Protocol):
    """A module that knows every event and every consumer."""

    def events(self) -> Sequence[type[Event]]: ...
    def topology(self) -> Topology: ...


class NoContracts(MeshError):
    """The module with the contracts cannot be imported."""


def load(name: str | None = None) -> Contracts:
    """The module `name`, or what MESH_CONTRACTS says."""
    wanted = name or os.environ.get("MESH_CONTRACTS") or DEFAULT
    try:
        return cast(Contracts, importlib.import_module(wanted))
    except ImportError as error:
        raise NoContracts(f"{wanted} cannot be imported ({error}). Set MESH_CONTRACTS.") from error
