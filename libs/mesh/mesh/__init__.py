"""The event bus: facts leave through an outbox, arrive through an inbox, and are lost or applied twice by nobody."""

from mesh.consumer import Consumer
from mesh.database import Database
from mesh.envelope import Envelope
from mesh.ephemeral import EphemeralPublisher
from mesh.errors import EventTooLarge, MeshError, Permanent, Transient, Unreadable, UnresolvedParameter
from mesh.event import EphemeralEvent, Event
from mesh.limits import Limits, UnknownHandler
from mesh.operations import Operations
from mesh.outbox import Outbox
from mesh.relay import Relay
from mesh.republishing import NotRepublished, Republished, Wish
from mesh.retry import Retry, never, transient
from mesh.snapshots import LAST_VERSION, Snapshots
from mesh.subscriptions import Subscription, Subscriptions
from mesh.sweeping import sweep
from mesh.tables import Tables, tables
from mesh.topology import Topology

__all__ = [
    "LAST_VERSION",
    "Consumer",
    "Database",
    "Envelope",
    "EphemeralEvent",
    "EphemeralPublisher",
    "Event",
    "EventTooLarge",
    "Limits",
    "MeshError",
    "NotRepublished",
    "Operations",
    "Outbox",
    "Permanent",
    "Relay",
    "Republished",
    "Retry",
    "Snapshots",
    "Subscription",
    "Subscriptions",
    "Tables",
    "Topology",
    "Transient",
    "UnknownHandler",
    "Unreadable",
    "UnresolvedParameter",
    "Wish",
    "never",
    "sweep",
    "tables",
    "transient",
]
