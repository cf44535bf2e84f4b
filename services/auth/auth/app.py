"""The composition root of auth: what a process is made of, and which roles it can take."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files
from pathlib import Path

from chassis.clock import Clock, system_clock
from chassis.database import Database
from chassis.http import create_app
from chassis.identity import TokenVerifier
from chassis.migrations import upgrade
from chassis.sealing import KeyRing
from chassis.service import Process, Service
from fastapi import FastAPI
from mesh import Consumer, Operations, Relay, Topology
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from auth.api import routers
from auth.api.parts import Parts
from auth.attempts import Attempts
from auth.events import bus
from auth.inventories import inventories
from auth.keys_in_use import KeysInUse
from auth.ledgers import Ledger, LocalLedger, RedisLedger, SturdyLedger
from auth.models import SCHEMA, SealedKey, tables
from auth.passwords import Passwords
from auth.personal_data import Progress
from auth.service_secrets import ServiceSecrets
from auth.settings import Settings
from auth.signing_keys import SigningKeyRows
from auth.snapshots import snapshots
from auth.upkeep import Upkeep

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@asynccontextmanager
async def compose(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Process]:
    """Put a process of auth together, and take it apart again."""
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url, schema=SCHEMA, pool_size=settings.database_pool_size)
        stack.push_async_callback(database.close)
        redis = _redis(settings)
        stack.push_async_callback(redis.aclose)
        ledger = SturdyLedger(RedisLedger(redis), LocalLedger(clock), clock=clock)
        parts = parts_of(settings, database, ledger, clock)
        stack.callback(parts.passwords.close)
        upkeep = Upkeep(settings, database, parts.ring, clock)

        provide = {Progress: Progress, Clock: lambda: clock}
        limits = settings.limits(bus)
        consumer = Consumer(bus, amqp_url=settings.amqp_url, database=database, provide=provide, limits=limits)

        async def relay(stop: asyncio.Event) -> None:
            await Relay(SCHEMA, database=database, amqp_url=settings.amqp_url, topology=_topology()).run(stop)

        async def migrate() -> None:
            await upgrade(database, MIGRATIONS, tables.metadata)

        yield Process(
            roles={"consumer": consumer.run, "relay": relay, "scheduler": upkeep.run},
            commands={"migrate": migrate, "rotate-keys": upkeep.rotate_now, "withdraw-keys": upkeep.withdraw_keys},
            app=application(
                parts,
                Operations(
                    SCHEMA,
                    database=database,
                    amqp_url=settings.amqp_url,
                    snapshots=snapshots,
                    inventories=inventories,
                    bus=bus,
                ),
            ),
            checks={"database": database.check},
        )


def parts_of(settings: Settings, database: Database, ledger: Ledger, clock: Clock) -> Parts:
    """What endpoints are given."""
    ring = KeyRing(settings.key_ring.get_secret_value())

    async def load_keys() -> Sequence[SealedKey]:
        async with database.transaction() as session:
            return await SigningKeyRows(session, ring, clock()).at_least_one()

    return Parts(
        database=database,
        ring=ring,
        keys=KeysInUse(load_keys, ring, clock),
        passwords=Passwords(settings.hashing_cost, at_once=settings.hashing_at_once, waiting=settings.hashing_waiting),
        attempts=Attempts(ledger),
        service_secrets=ServiceSecrets(settings.secret_by_service),
        lifetimes=settings.lifetimes,
        first_admin_email=settings.first_admin_email,
        public_url=settings.public_url,
        verified_email_required=settings.verified_email_required,
        clock=clock,
    )


def application(parts: Parts, operations: Operations | None = None) -> FastAPI:
    """The HTTP application of role `api`. Redis is no part of its readiness: without it attempts are still counted."""
    return create_app(
        title="Auth",
        service=SCHEMA,
        routers=routers,
        state={
            "database": parts.database,
            "parts": parts,
            "verifier": TokenVerifier(parts.keys, clock=parts.clock),
            "service_verifier": TokenVerifier(parts.keys, audience=SCHEMA, clock=parts.clock),
        },
        checks={"database": parts.database.check, "signing keys": parts.keys.check},
        operations=operations,
    )


def _redis(settings: Settings) -> Redis:
    return Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 0),
    )


def _topology() -> Topology:
    return Topology.load(Path(str(files("contracts") / "topology.json")))


SERVICE = Service("auth", Settings, compose)
