"""The composition root of chat: what a process is made of, and which roles it can take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import httpx
from chassis.clock import Clock, system_clock
from chassis.database import Database
from chassis.health import Check
from chassis.http import create_app
from chassis.identity import RemoteKeys, TokenVerifier
from chassis.migrations import upgrade
from chassis.service import Process, Service
from contracts.chat import Mode
from fastapi import FastAPI
from mesh import Consumer, EphemeralPublisher, Relay, Topology

from chat import prompts, retrieval, trails
from chat.answering import Answers, Terms
from chat.api import routers
from chat.events import bus
from chat.following import Following
from chat.model import ChatCompletions, connect
from chat.models import SCHEMA, tables
from chat.retrieval import IngestionSearch
from chat.settings import OPENAI, Settings
from chat.shelf import Shelf
from chat.studying import StudyMode
from chat.tokens import token_counter
from chat.trails import Trails
from chat.tutoring import ModelTutor, OfflineTutor, Tutor, TutorMode
from chat.upkeep import Upkeep

MIGRATIONS = Path(__file__).parents[1] / "migrations"
# The search's own limit, and the writing of the answer, beside what the model may take.
_AROUND_THE_MODEL = retrieval.WHOLE_CALL_SECONDS + 10


@dataclass(frozen=True)
class Parts:
    """What roles and endpoints are made of."""

    settings: Settings
    database: Database
    answers: Answers
    following: Following
    verifier: TokenVerifier
    clock: Clock


@asynccontextmanager
async def compose(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Process]:
    """Put a process of chat together, and take it apart again: answers that are being written are finished first."""
    async with AsyncExitStack() as stack:
        parts = await _parts(settings, clock, stack)
        database = parts.database
        checks: dict[str, Check] = {"database": database.check}
        consumer = Consumer(bus, amqp_url=settings.amqp_url, database=database, provide={Shelf: Shelf})
        upkeep = Upkeep(database, clock, settings.sweep_seconds)

        async def relay(stop: asyncio.Event) -> None:
            topology = Topology.load(Path(str(files("contracts") / "topology.json")))
            await Relay(SCHEMA, database=database, amqp_url=settings.amqp_url, topology=topology).run(stop)

        async def migrate() -> None:
            await upgrade(database, MIGRATIONS, tables.metadata)

        yield Process(
            roles={"consumer": consumer.run, "relay": relay, "scheduler": upkeep.run},
            commands={"migrate": migrate},
            app=application(parts, checks),
            checks=checks,
        )


def application(parts: Parts, checks: dict[str, Check]) -> FastAPI:
    """The HTTP application of role `api`. Ingestion and the model are no part of its readiness: their failures are answered."""
    return create_app(
        title="Chat",
        service=SCHEMA,
        routers=routers,
        state={
            "database": parts.database,
            "verifier": parts.verifier,
            "verified_email_required": parts.settings.verified_email_required,
            "answers": parts.answers,
            "following": parts.following,
            "clock": parts.clock,
            "opening_seconds": parts.settings.opening_seconds,
        },
        checks=checks,
    )


async def _parts(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Parts:
    database = Database(settings.database_url, schema=SCHEMA, pool_size=settings.database_pool_size)
    stack.push_async_callback(database.close)
    keys = await stack.enter_async_context(_client(settings.auth_url))
    ingestion = await stack.enter_async_context(_client(settings.ingestion_url))
    modes: dict[Mode, StudyMode] = {"tutor": TutorMode(await _tutor(settings, stack))}
    laid = await _trails(settings, stack)
    answers = Answers(database, IngestionSearch(ingestion), modes, _terms(settings), clock, trails=laid)
    stack.push_async_callback(answers.drain, settings.shutdown_grace_seconds / 4)
    following = Following(database, answers.live, laid, clock)
    verifier = TokenVerifier(RemoteKeys(settings.jwks_url, keys), clock=clock)
    return Parts(settings, database, answers, following, verifier, clock)


async def _trails(settings: Settings, stack: AsyncExitStack) -> Trails:
    writing = trails.connect(settings.redis_url, connections=settings.answers_at_once)
    reading = trails.connect(settings.redis_url, connections=settings.followers)
    for redis in (writing, reading):
        stack.push_async_callback(redis.aclose)
    announcements = await stack.enter_async_context(EphemeralPublisher(SCHEMA, settings.amqp_url))
    return Trails(writing, reading, announcements)


def _client(url: str) -> httpx.AsyncClient:
    # Inside the mesh there is mostly no TLS, and reading the certificates for it takes a tenth of a second.
    tls = url.startswith("https:")
    return httpx.AsyncClient(base_url=url, timeout=retrieval.TIMEOUT, limits=retrieval.LIMITS, verify=tls)


async def _tutor(settings: Settings, stack: AsyncExitStack) -> Tutor:
    if settings.llm_model is None:
        return OfflineTutor()
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none"
    client = connect(settings.llm_base_url or OPENAI, key, settings.patience, retries=settings.llm_retries)
    await stack.enter_async_context(client)
    model = ChatCompletions(client, settings.llm_model, settings.patience)
    return ModelTutor(model, prompts.load(prompts.TUTOR), token_counter(settings.llm_model), settings.budget)


def _terms(settings: Settings) -> Terms:
    return Terms(
        at_once=settings.answers_at_once,
        lease=settings.lease,
        passages=settings.passages,
        longest=settings.llm_answer_seconds + _AROUND_THE_MODEL,
    )


SERVICE = Service("chat", Settings, compose)
