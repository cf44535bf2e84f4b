"""The composition root of chat: what a process is made of, and which roles it can take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

import httpx
from chassis.clock import Clock, system_clock
from chassis.database import Database
from chassis.health import Check
from chassis.http import create_app
from chassis.identity import RemoteKeys, TokenVerifier, User, expect_verified_email
from chassis.migrations import upgrade
from chassis.revoked_sessions import RevokedSessions
from chassis.sealing import KeyRing
from chassis.service import Process, Service
from chassis.service_tokens import ServiceTokens
from chassis.sockets import SocketServer
from chassis.tickets import Tickets
from contracts.chat import Mode
from fastapi import FastAPI
from mesh import Consumer, EphemeralPublisher, Limits, Operations, Relay, Topology

from chat import prompts, pushes, retrieval, trails
from chat.answering import Answers, Terms
from chat.api import routers
from chat.completions import ChatCompletions, connect
from chat.events import bus
from chat.flashcards.making import Maker, OfflineMaker
from chat.flashcards.model_making import ModelMaker, SparedMaker
from chat.following import Following
from chat.graphql.sockets import OpenSockets
from chat.graphql.student import Desk
from chat.graphql.transport import Sockets
from chat.inventories import inventories
from chat.limits import BODY_BYTES
from chat.model import LanguageModel
from chat.models import SCHEMA, tables
from chat.modes import modes
from chat.proposing import Workshop
from chat.providers import A_SHORT_WAIT, Provider, Providers
from chat.retrieval import IngestionSearch
from chat.settings import Settings
from chat.shelf import Shelf
from chat.snapshots import snapshots
from chat.spare import Spared
from chat.structured import Structured
from chat.studying import StudyMode
from chat.tokens import token_counter
from chat.trails import Trails
from chat.upkeep import Upkeep

# A WebSocket that does not answer a ping for so long is closed.
_PING_SECONDS = 20.0
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
    desk: Desk
    tickets: Tickets
    sockets: OpenSockets
    revoked: RevokedSessions
    workshop: Workshop
    limits: Limits


@asynccontextmanager
async def compose(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Process]:
    """Put a process of chat together, and take it apart again: answers that are being written are finished first."""
    async with AsyncExitStack() as stack:
        parts = await _parts(settings, clock, stack)
        database = parts.database
        checks: dict[str, Check] = {"database": database.check}
        consumer = Consumer(
            bus, amqp_url=settings.amqp_url, database=database, provide={Shelf: Shelf}, limits=parts.limits
        )
        upkeep = Upkeep(database, clock, settings.sweep_seconds, settings.keep_events)

        async def relay(stop: asyncio.Event) -> None:
            topology = Topology.load(Path(str(files("contracts") / "topology.json")))
            await Relay(SCHEMA, database=database, amqp_url=settings.amqp_url, topology=topology).run(stop)

        async def migrate() -> None:
            await upgrade(database, MIGRATIONS, tables.metadata)

        app = application(parts, checks)
        yield Process(
            roles={"consumer": consumer.run, "relay": relay, "scheduler": upkeep.run},
            commands={"migrate": migrate},
            app=app,
            checks=checks,
            server=_server(parts, app).serve,
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
            "workshop": parts.workshop,
            "graphql_desk": parts.desk,
            "graphql_sockets": Sockets(parts.desk, parts.tickets, parts.sockets),
        },
        checks=checks,
        operations=Operations(
            SCHEMA,
            database=parts.database,
            amqp_url=parts.settings.amqp_url,
            snapshots=snapshots,
            inventories=inventories,
            bus=bus,
        ),
    )


def _server(parts: Parts, app: FastAPI) -> SocketServer:
    """The role `api`, which hears of sessions that end. It is ready without the broker: tokens end by themselves, too."""
    missed = pushes.MissedEnds(parts.revoked, parts.sockets)
    heard = Consumer(
        pushes.bus,
        amqp_url=parts.settings.amqp_url,
        provide={OpenSockets: parts.sockets, pushes.MissedEnds: missed},
        limits=parts.limits,
        name="chat pushes",
    )
    return SocketServer(
        app,
        (heard.run, missed.run),
        sockets=parts.settings.sockets,
        ping_seconds=_PING_SECONDS,
        pong_seconds=_PING_SECONDS,
        longest_message=BODY_BYTES,
    )


async def _parts(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Parts:
    database = Database(settings.database_url, schema=SCHEMA, pool_size=settings.database_pool_size)
    stack.push_async_callback(database.close)
    auth = await stack.enter_async_context(_client(settings.auth_url))
    ingestion = await stack.enter_async_context(_client(settings.ingestion_url))
    search, model = IngestionSearch(ingestion), await _model(settings, stack)
    laid = await _trails(settings, stack)
    answers = Answers(database, search, _ways(model, settings), _terms(settings), clock, trails=laid)
    stack.push_async_callback(answers.drain, settings.shutdown_grace_seconds / 4)
    following = Following(database, answers.live, laid, clock)
    verifier = TokenVerifier(RemoteKeys(settings.jwks_url, auth), clock=clock)
    redis = trails.connect(settings.redis_url, connections=settings.sockets)
    stack.push_async_callback(redis.aclose)
    return Parts(
        settings=settings,
        database=database,
        answers=answers,
        following=following,
        verifier=verifier,
        clock=clock,
        desk=Desk(database, answers, following, clock, partial(_expect_verified, settings), settings.introspection),
        tickets=Tickets(redis, KeyRing(settings.key_ring.get_secret_value()), verifier),
        workshop=Workshop(_maker(model, settings), search, settings.answers_at_once, _terms(settings).longest),
        revoked=_revoked(settings, auth),
        sockets=OpenSockets(clock, per_user=settings.sockets_per_user, operations=settings.socket_operations),
        limits=settings.limits(bus, pushes.bus),
    )


def _revoked(settings: Settings, auth: httpx.AsyncClient) -> RevokedSessions:
    tokens = ServiceTokens(SCHEMA, settings.service_secret, auth_url=settings.auth_url, client=auth)
    return RevokedSessions(auth_url=settings.auth_url, tokens=tokens, client=auth)


def _expect_verified(settings: Settings, user: User) -> None:
    if settings.verified_email_required:
        expect_verified_email(user)


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


def _ways(model: LanguageModel | None, settings: Settings) -> dict[Mode, StudyMode]:
    ways = modes(model, settings.budget, questions=settings.recall_questions)
    if model is None or not settings.llm_offline_fallback:
        return ways
    offline = modes(None, settings.budget, questions=settings.recall_questions)
    return {name: Spared(way, offline[name]) for name, way in ways.items()}


def _maker(model: LanguageModel | None, settings: Settings) -> Maker:
    if model is None:
        return OfflineMaker()
    prompt, tokens = prompts.load(prompts.FLASHCARDS), token_counter(model.name)
    maker = ModelMaker(Structured(model), prompt, tokens, settings.budget, settings.llm_answer_seconds)
    return SparedMaker(maker) if settings.llm_offline_fallback else maker


async def _model(settings: Settings, stack: AsyncExitStack) -> LanguageModel | None:
    """Every provider that is configured, behind one port; clients connect when they are needed."""
    if settings.llm_model is None:
        return None
    providers = []
    for place, given in enumerate(settings.providers, start=1):
        key = given.api_key.get_secret_value() if given.api_key else "none"
        wait = None if place == len(settings.providers) else A_SHORT_WAIT
        client = connect(given.base_url, key, settings.patience, retries=settings.llm_retries, longest_wait=wait)
        await stack.enter_async_context(client)
        model = ChatCompletions(
            client,
            given.model,
            settings.patience,
            thinking=given.thinking,
            price=given.price,
            tokens=token_counter(given.model),
        )
        providers.append(Provider(given.label, model))
    return Providers(providers, settings.patience)


def _terms(settings: Settings) -> Terms:
    return Terms(
        at_once=settings.answers_at_once,
        lease=settings.lease,
        passages=settings.passages,
        longest=settings.llm_answer_seconds + _AROUND_THE_MODEL,
    )


SERVICE = Service("chat", Settings, compose)
