"""The parts that every exchange needs, put together once by the composition root."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.addresses import Neighbours
from gateway.answers import Answer
from gateway.cors import Cors
from gateway.identity import Verdicts
from gateway.journal import Journal
from gateway.limits import Meter
from gateway.pool import Pool
from gateway.revocations import Revocations
from gateway.routes import LimitName, RouteTable
from gateway.streams import Streams
from gateway.tracing import Tracing

Page = Callable[[bool], Answer]
"""An answer of our own to a GET; it is told whether the request comes from inside."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how large things may be; seconds and bytes."""

    head_bytes: int
    head_seconds: float
    keep_alive_seconds: float
    idle_body_seconds: float
    stream_idle_seconds: float
    slowest_upload: int
    client_connections: int


@dataclass(frozen=True, slots=True)
class Edge:
    """What an exchange is decided with. `clock` gives monotonic seconds, `wall_clock` seconds since 1970."""

    table: RouteTable
    pools: Mapping[str, Pool]
    pages: Mapping[bytes, Page]
    neighbours: Neighbours
    hosts: frozenset[bytes]
    cors: Cors
    verdicts: Verdicts
    revocations: Revocations
    user_meters: Mapping[LimitName, Meter]
    address_meters: Mapping[LimitName, Meter]
    streams: Streams
    tracing: Tracing
    journal: Journal
    bounds: Bounds
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
