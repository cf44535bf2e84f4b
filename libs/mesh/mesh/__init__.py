"""The event bus: facts leave through an outbox, arrive through an inbox, and are lost or applied twice by nobody."""

from mesh.consumer import Consumer
from mesh.database import Database
from mesh.envelope import Envelope
from mesh.ephemeral import EphemeralPublisher
from mesh.errors import EventTooLarge, MeshError, Permanent, Transient, Unreadable, UnresolvedParameter
from mesh.event import EphemeralEvent, Event
from mesh.outbox import Outbox
from mesh.relay import Relay
from mesh.retry import Retry, never, transient
from mesh.subscriptions import Subscription, Subscriptions
from mesh.sweeping import sweep
from mesh.tables import Tables, tables
from mesh.topology import Topology

__all__ = [
    "Consumer",
    "Database",
    "Envelope",
    "EphemeralEvent",
    "EphemeralPublisher",
    "Event",
    "EventTooLarge",
    "MeshError",
    "Outbox",
    "Permanent",
    "Relay",
    "Retry",
    "Subscription",
    "Subscriptions",
    "Tables",
    "Topology",
    "Transient",
    "Unreadable",
    "UnresolvedParameter",
    "never",
    "sweep",
    "tables",
    "transient",
]
