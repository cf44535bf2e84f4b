"""The composition root of ingestion: what a process is made of, and which roles it can take."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path

import httpx
from chassis.clock import Clock, system_clock
from chassis.database import Database
from chassis.health import Check
from chassis.http import create_app
from chassis.identity import RemoteKeys, TokenVerifier
from chassis.migrations import upgrade
from chassis.service import Process, Role, Service
from chassis.storage import Storage
from fastapi import FastAPI
from mesh import Consumer, EphemeralPublisher, Operations, Relay, Topology

from ingestion.api import inside, routers
from ingestion.embedding import Embedder, embedder
from ingestion.events import bus
from ingestion.index import PassageIndex
from ingestion.intake import Intake
from ingestion.inventories import index_inventories, inventories_of
from ingestion.jobs import Jobs
from ingestion.likeness import Likeness, LocalLikeness, RemoteLikeness
from ingestion.metrics import begin_counting
from ingestion.models import SCHEMA, tables
from ingestion.processing import Processing, Terms
from ingestion.reading.children import Children
from ingestion.rebuilding import request_rebuild
from ingestion.search import LocalSearch, RemoteSearch, Search
from ingestion.settings import Settings
from ingestion.snapshots import snapshots
from ingestion.sweeping import Sweeper

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@dataclass(frozen=True)
class Parts:
    """What roles and endpoints are made of."""

    settings: Settings
    database: Database
    storage: Storage
    jobs: Jobs
    embedder: Embedder
    index: PassageIndex
    search: Search
    local_search: Search
    likeness: Likeness
    verifier: TokenVerifier
    clock: Clock


@asynccontextmanager
async def compose(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Process]:
    """Put a process of ingestion together, and take it apart again."""
    begin_counting()
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url, schema=SCHEMA, pool_size=settings.database_pool_size)
        stack.push_async_callback(database.close)
        model = embedder(settings)
        stack.push_async_callback(model.close)
        index = PassageIndex(settings, database, model)
        stack.push_async_callback(index.close)
        local_search = LocalSearch(database, index, least_score=settings.answerable_score)
        parts = Parts(
            settings=settings,
            database=database,
            storage=Storage(settings.storage),
            jobs=_jobs(settings, stack),
            embedder=model,
            index=index,
            search=_remote(settings, stack) or local_search,
            local_search=local_search,
            likeness=_remote_likeness(settings, stack) or LocalLikeness(model),
            verifier=TokenVerifier(RemoteKeys(settings.jwks_url, await _http(stack)), clock=clock),
            clock=clock,
        )
        checks: dict[str, Check] = {
            "database": parts.database.check,
            "storage": parts.storage.check,
            "index": index.check,
        }

        yield Process(
            roles=_roles(parts),
            commands=_commands(parts),
            app=application(parts, checks),
            inside={"index": answering(parts, checks)},
            checks=checks,
        )


def _roles(parts: Parts) -> Mapping[str, Role]:
    settings, database, clock = parts.settings, parts.database, parts.clock
    consumer = Consumer(
        bus,
        amqp_url=settings.amqp_url,
        database=database,
        provide={Clock: lambda: clock},
        limits=settings.limits(bus),
    )

    async def relay(stop: asyncio.Event) -> None:
        topology = Topology.load(Path(str(files("contracts") / "topology.json")))
        await Relay(SCHEMA, database=database, amqp_url=settings.amqp_url, topology=topology).run(stop)

    async def scheduler(stop: asyncio.Event) -> None:
        await sweeper(parts).run(settings.sweep_seconds, stop)

    return {
        "consumer": consumer.run,
        "worker": partial(work, parts),
        "relay": relay,
        "scheduler": scheduler,
        "index": parts.index.run,
    }


def _commands(parts: Parts) -> Mapping[str, Callable[[], Awaitable[None]]]:
    database, clock = parts.database, parts.clock
    return {
        "migrate": partial(upgrade, database, MIGRATIONS, tables.metadata),
        "reindex": partial(request_rebuild, database, clock),
        "reembed": partial(request_rebuild, database, clock, embed_again=True),
    }


async def work(parts: Parts, stop: asyncio.Event) -> None:
    """The role `worker`: reads documents until it is told to stop, then puts back what it has not finished."""
    settings = parts.settings
    async with (
        Children(settings.reading_limits) as children,
        EphemeralPublisher(SCHEMA, settings.amqp_url) as news,
    ):
        processing = Processing(
            database=parts.database,
            storage=parts.storage,
            children=children,
            embedder=parts.embedder,
            news=news,
            terms=Terms(settings.worker_lease, settings.worker_attempts),
            clock=parts.clock,
            stop=stop,
        )
        await parts.jobs.work(processing.process, settings.worker_documents, stop)


def sweeper(parts: Parts) -> Sweeper:
    """What the role `scheduler` runs."""
    return Sweeper(
        database=parts.database,
        storage=parts.storage,
        jobs=parts.jobs,
        clock=parts.clock,
        rehint=timedelta(seconds=parts.settings.rehint_seconds),
        keep_events=parts.settings.keep_events,
    )


def application(parts: Parts, checks: dict[str, Check]) -> FastAPI:
    """The HTTP application of role `api`. Redis is no part of its readiness: documents are taken in without it."""
    settings = parts.settings
    intake = Intake(
        database=parts.database,
        storage=parts.storage,
        clock=parts.clock,
        most=settings.max_upload_bytes,
        patience=timedelta(seconds=settings.upload_seconds),
    )
    return create_app(
        title="Ingestion",
        service=SCHEMA,
        routers=[*routers, inside],
        state={
            "database": parts.database,
            "verifier": parts.verifier,
            "verified_email_required": settings.verified_email_required,
            "intake": intake,
            "storage": parts.storage,
            "jobs": parts.jobs,
            "search": parts.search,
            "local_search": parts.local_search,
            "likeness": parts.likeness,
            "local_likeness": LocalLikeness(parts.embedder),
            "clock": parts.clock,
        },
        checks=checks,
        operations=Operations(
            SCHEMA,
            database=parts.database,
            amqp_url=settings.amqp_url,
            snapshots=snapshots,
            inventories=inventories_of(parts.index.items, settings.index_url),
            bus=bus,
        ),
    )


def answering(parts: Parts, checks: dict[str, Check]) -> FastAPI:
    """What the role `index` answers to processes that have `api` and no index of their own."""
    local_likeness = LocalLikeness(parts.embedder)
    return create_app(
        title="Ingestion, inside",
        service=SCHEMA,
        routers=[inside],
        state={"verifier": parts.verifier, "local_search": parts.local_search, "local_likeness": local_likeness},
        checks=checks,
        operations=Operations(
            SCHEMA,
            database=parts.database,
            amqp_url=parts.settings.amqp_url,
            inventories=index_inventories(parts.index.items),
        ),
    )


def _jobs(settings: Settings, stack: AsyncExitStack) -> Jobs:
    jobs = Jobs(settings.redis_url)
    stack.push_async_callback(jobs.close)
    return jobs


async def _http(stack: AsyncExitStack) -> httpx.AsyncClient:
    return await stack.enter_async_context(httpx.AsyncClient())


def _remote(settings: Settings, stack: AsyncExitStack) -> Search | None:
    if settings.index_url is None:
        return None
    remote = RemoteSearch(settings.index_url)
    stack.push_async_callback(remote.close)
    return remote


def _remote_likeness(settings: Settings, stack: AsyncExitStack) -> Likeness | None:
    if settings.index_url is None:
        return None
    remote = RemoteLikeness(settings.index_url)
    stack.push_async_callback(remote.close)
    return remote


SERVICE = Service("ingestion", Settings, compose)
