"""The event bus: facts leave through an outbox, arrive through an inbox, and are lost or applied twice by nobody."""

from mesh.envelope import Envelope
from mesh.errors import EventTooLarge, MeshError, Permanent, Unreadable, UnresolvedParameter
from mesh.event import EphemeralEvent, Event
from mesh.outbox import Outbox
from mesh.retry import Retry, never, transient
from mesh.subscriptions import Subscription, Subscriptions
from mesh.tables import Tables, tables

__all__ = [
    "Envelope",
    "EphemeralEvent",
    "Event",
    "EventTooLarge",
    "MeshError",
    "Outbox",
    "Permanent",
    "Retry",
    "Subscription",
    "Subscriptions",
    "Tables",
    "Unreadable",
    "UnresolvedParameter",
    "never",
    "tables",
    "transient",
]
