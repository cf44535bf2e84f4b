"""The composition root of flashcard: what a process is made of, and which roles it can take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
from chassis.clock import Clock, system_clock
from chassis.database import Database
from chassis.health import Check
from chassis.http import create_app
from chassis.identity import RemoteKeys, TokenVerifier
from chassis.migrations import upgrade
from chassis.sealing import KeyRing
from chassis.service import Process, Service
from chassis.storage import Storage
from fastapi import FastAPI
from mesh import Consumer, Operations, Relay, Topology
from sqlalchemy.ext.asyncio import AsyncSession

from flashcard.api import routers
from flashcard.drafts import Proposals
from flashcard.erasure import Erasure
from flashcard.events import bus
from flashcard.import_work import ImportWork
from flashcard.inventories import inventories
from flashcard.metrics import begin_counting
from flashcard.models import SCHEMA, tables
from flashcard.recalls import Recalls
from flashcard.replay_work import ReplayWork
from flashcard.settings import Settings
from flashcard.snapshots import snapshots
from flashcard.sources import Sources
from flashcard.students import Students
from flashcard.upkeep import Upkeep

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@asynccontextmanager
async def compose(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Process]:
    """Put a process of flashcard together, and take it apart again."""
    begin_counting()
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url, schema=SCHEMA, pool_size=settings.database_pool_size)
        stack.push_async_callback(database.close)
        # Inside the mesh there is mostly no TLS, and reading the certificates for it takes a tenth of a second.
        keys = await stack.enter_async_context(httpx.AsyncClient(verify=settings.auth_url.startswith("https:")))
        verifier = TokenVerifier(RemoteKeys(settings.jwks_url, keys), clock=clock)
        checks: dict[str, Check] = {"database": database.check}
        storage = Storage(settings.storage)
        provide = {
            Students: Students,
            Sources: Sources,
            Proposals: Proposals,
            Recalls: _recalls,
            Erasure: partial(_erasure, storage),
        }
        limits, keep = settings.limits(bus), settings.keep_events
        consumer = Consumer(bus, amqp_url=settings.amqp_url, database=database, provide=provide, limits=limits)
        work = ImportWork(database, storage, clock, settings.fresh)
        replays = ReplayWork(database, clock)
        upkeep = Upkeep(database, clock, settings.sweep_seconds, imports=work, storage=storage, keep_events=keep)

        async def relay(stop: asyncio.Event) -> None:
            topology = Topology.load(Path(str(files("contracts") / "topology.json")))
            await Relay(SCHEMA, database=database, amqp_url=settings.amqp_url, topology=topology).run(stop)

        async def worker(stop: asyncio.Event) -> None:
            async with asyncio.TaskGroup() as both:
                both.create_task(work.run(stop))
                both.create_task(replays.run(stop))

        async def migrate() -> None:
            await upgrade(database, MIGRATIONS, tables.metadata)

        yield Process(
            roles={"consumer": consumer.run, "relay": relay, "worker": worker, "scheduler": upkeep.run},
            commands={"migrate": migrate},
            app=application(
                {
                    "database": database,
                    "verifier": verifier,
                    "ring": KeyRing(settings.key_ring.get_secret_value()),
                    "storage": storage,
                    "clock": clock,
                    "fresh": settings.fresh,
                },
                checks,
                Operations(
                    SCHEMA,
                    database=database,
                    amqp_url=settings.amqp_url,
                    snapshots=snapshots,
                    inventories=inventories,
                    bus=bus,
                ),
            ),
            checks=checks,
        )


def _recalls(session: AsyncSession) -> Recalls:
    return Recalls(session, Proposals(session))


def _erasure(storage: Storage, session: AsyncSession) -> Erasure:
    return Erasure(session, storage)


def application(state: dict[str, Any], checks: dict[str, Check], operations: Operations | None = None) -> FastAPI:
    """The HTTP application of role `api`."""
    return create_app(
        title="Flashcard", service=SCHEMA, routers=routers, state=state, checks=checks, operations=operations
    )


SERVICE = Service("flashcard", Settings, compose)
