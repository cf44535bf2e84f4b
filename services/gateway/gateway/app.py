"""The composition root of the gateway."""

import asyncio
import gc
import json
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from logging import getLogger
from typing import Any

import httpx
from chassis.errors import Problem
from chassis.identity import RemoteKeys, TokenVerifier
from chassis.revoked_sessions import RevokedSessions
from chassis.service import Process, Service
from chassis.service_tokens import ServiceTokens
from mesh import Consumer
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway import pages
from gateway.addresses import Neighbours
from gateway.cors import Cors
from gateway.edge import Edge
from gateway.events import bus
from gateway.identity import Verdicts
from gateway.journal import Journal
from gateway.leases import LeasedBuckets
from gateway.limits import Meter
from gateway.pool import Pool
from gateway.revocations import RevocationReader, Revocations
from gateway.routes import RouteTable
from gateway.server import Server
from gateway.settings import Settings
from gateway.streams import Streams
from gateway.tracing import Tracing

log = getLogger(__name__)
_KEYS_EVERY = 0.5
_COLLECT_AFTER = 50_000


class NoSuchService(Problem):
    """A route leads to a service that the gateway has no URL for."""


@dataclass(frozen=True)
class Gateway:
    """What one process runs."""

    edge: Edge
    buckets: LeasedBuckets
    reader: RevocationReader
    consumer: Consumer
    keys: "Keys"

    async def serve(self, listener: socket.socket, stop: asyncio.Event, grace: float) -> None:
        """Serve HTTP until `stop`, beside what keeps revocations, keys and quotas up to date."""
        # Nothing of a request is a cycle: a collection finds nothing.
        gc.set_threshold(_COLLECT_AFTER)
        done = asyncio.Event()  # what serves requests is needed until the last of them is answered
        beside = [
            asyncio.create_task(self.buckets.run(done)),
            asyncio.create_task(self.consumer.run(done)),
            asyncio.create_task(self.reader.keep_reading(lambda: self.consumer.is_ready, done)),
            asyncio.create_task(self.keys.load(done)),
        ]
        serving = asyncio.create_task(Server(self.edge).serve(listener, stop, grace))
        await asyncio.wait([serving, *beside[:3]], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await serving
        done.set()
        for outcome in await asyncio.gather(*beside, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


class Keys:
    """Loads the public keys of access tokens before the gateway is ready; from then on the verifier renews them."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier
        self.loaded = False

    async def load(self, stop: asyncio.Event) -> None:
        """Try until it succeeds."""
        while not self.loaded and not stop.is_set():
            try:
                await self._verifier.refresh()
                self.loaded = True
            except (httpx.HTTPError, ValueError) as error:
                log.info("the keys of access tokens cannot be fetched yet: %s", error)
                await asyncio.sleep(_KEYS_EVERY)


@asynccontextmanager
async def compose(settings: Settings) -> AsyncIterator[Process]:
    """Put the gateway's process together, and take it apart again."""
    document = json.loads(files("contracts").joinpath("openapi.json").read_text(encoding="utf-8"))
    async with make_gateway(settings, document) as gateway:
        yield Process(roles={}, commands={}, app=None, checks={}, server=gateway.serve)


@asynccontextmanager
async def make_gateway(settings: Settings, document: Mapping[str, Any]) -> AsyncIterator[Gateway]:
    """The gateway for a route table."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient())
        redis = _redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        clock = asyncio.get_running_loop().time
        streams = Streams(most=settings.streams, most_per_session=settings.streams_per_session)
        revocations = Revocations(streams.end_session, time.time)
        verifier = TokenVerifier(RemoteKeys(settings.jwks_url, client))
        keys = Keys(verifier)
        buckets = LeasedBuckets(redis, clock)
        tokens = ServiceTokens("gateway", settings.service_secret, auth_url=settings.auth_url, client=client)
        listed = RevokedSessions(auth_url=settings.auth_url, tokens=tokens, client=client)
        reader = RevocationReader(revocations, listed)
        provide = {RevocationReader: lambda: reader, Revocations: lambda: revocations}
        tracing = Tracing(exported=settings.otel_exporter_otlp_endpoint is not None)
        journal = Journal(tracing, clock, access_log=settings.access_log)
        table = RouteTable(document)

        def missing() -> dict[str, str]:
            states = {"keys": keys.loaded, "revocations": revocations.loaded}
            return {name: "not loaded yet" for name, is_there in states.items() if not is_there}

        edge = Edge(
            table=table,
            pools={
                name: Pool(name, url, settings.pool_limits, clock) for name, url in _reached(table, settings).items()
            },
            pages=pages.documentation(document) | pages.inside(missing, journal.fold),
            neighbours=Neighbours(trusted_proxies=settings.trusted_proxies, inside=settings.inside_networks),
            hosts=settings.answered_hosts,
            cors=Cors(settings.cors_origins, allow_local=settings.environment == "development"),
            verdicts=Verdicts(verifier, revocations, time.time),
            revocations=revocations,
            user_meters={name: Meter(quota, buckets) for name, quota in settings.user_quotas.items()},
            address_meters={name: Meter(quota, buckets) for name, quota in settings.address_quotas.items()},
            streams=streams,
            tracing=tracing,
            journal=journal,
            bounds=settings.bounds,
            clock=clock,
            wall_clock=time.time,
        )
        consumer = Consumer(bus, amqp_url=settings.amqp_url, provide=provide, limits=settings.limits(bus))
        yield Gateway(edge, buckets, reader, consumer, keys)


def _reached(table: RouteTable, settings: Settings) -> dict[str, str]:
    """The URL of each service that a route leads to."""
    if unknown := sorted(table.services - settings.services.keys()):
        raise NoSuchService(f"a route leads to {unknown[0]}, and settings.services has no URL for it")
    return {name: url for name, url in settings.services.items() if name in table.services}


def _redis(url: str) -> Redis:
    # No retries: while Redis is away the gateway limits alone, and nobody waits for it.
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


SERVICE = Service("gateway", Settings, compose)
