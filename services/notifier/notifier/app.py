"""The composition root of notifier: what a process is made of, and which roles it can take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import httpx
from chassis.clock import Clock, system_clock
from chassis.database import Database
from chassis.health import Check
from chassis.http import create_app
from chassis.identity import RemoteKeys, TokenVerifier
from chassis.migrations import upgrade
from chassis.sealing import KeyRing
from chassis.service import Process, Service
from chassis.sockets import SocketServer
from chassis.tickets import Tickets
from fastapi import FastAPI
from mesh import Consumer, Limits, Operations, Relay, Topology
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from notifier import events, pushes
from notifier.addresses import sender
from notifier.api import routers
from notifier.hub import Hub
from notifier.inventories import inventories
from notifier.metrics import begin_counting
from notifier.models import SCHEMA, tables
from notifier.notifications import Desk
from notifier.post_office import PostOffice
from notifier.posting import MailFolder, Pace, Post, SmtpServer
from notifier.presence import Attendance
from notifier.reminding import Reminding
from notifier.retention import Retention
from notifier.settings import Settings
from notifier.unsubscribing import Unsubscribing

# What clients send is not for us: a frame longer than this ends the socket.
_LONGEST_MESSAGE = 4096
T = TypeVar("T")
MIGRATIONS = Path(__file__).parents[1] / "migrations"


@dataclass(frozen=True)
class Parts:
    """What roles and endpoints are made of."""

    settings: Settings
    database: Database
    hub: Hub
    attendance: Attendance
    tickets: Tickets
    unsubscribing: Unsubscribing
    verifier: TokenVerifier
    clock: Clock
    limits: Limits


@asynccontextmanager
async def compose(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Process]:
    """Put a process of notifier together, and take it apart again."""
    begin_counting()
    async with AsyncExitStack() as stack:
        parts = await _parts(settings, clock, stack)
        database = parts.database
        provide = {
            Desk: Desk,
            PostOffice: partial(_value, _post_office(parts)),
            Clock: partial(_value, clock),
        }
        consumer = Consumer(
            events.bus, amqp_url=settings.amqp_url, database=database, provide=provide, limits=parts.limits
        )
        checks: dict[str, Check] = {"database": database.check}

        async def relay(stop: asyncio.Event) -> None:
            topology = Topology.load(Path(str(files("contracts") / "topology.json")))
            await Relay(SCHEMA, database=database, amqp_url=settings.amqp_url, topology=topology).run(stop)

        async def scheduler(stop: asyncio.Event) -> None:
            keep = (settings.keep, settings.keep_mails)
            retention = Retention(database, clock, *keep, keep_events=settings.keep_events)
            reminding = Reminding(database, clock, settings.reminder_seconds)
            await asyncio.gather(retention.run(stop), reminding.run(stop))

        async def migrate() -> None:
            await upgrade(database, MIGRATIONS, tables.metadata)

        yield Process(
            roles={
                "consumer": consumer.run,
                "relay": relay,
                "scheduler": scheduler,
            },
            commands={"migrate": migrate},
            app=None,
            checks=checks,
            server=_server(parts, checks).serve,
        )


def _server(parts: Parts, checks: dict[str, Check]) -> SocketServer:
    """The role `api`: it is ready once it hears what it is to push. Redis is no part of that: without it lists still work."""
    provide = {Hub: parts.hub, Database: parts.database, Clock: partial(_value, parts.clock)}
    heard = Consumer(
        pushes.bus,
        amqp_url=parts.settings.amqp_url,
        provide=provide,
        limits=parts.limits,
        name="notifier pushes",
    )
    return SocketServer(
        application(parts, checks | {"pushes": heard.check}),
        (heard.run, parts.attendance.keep),
        sockets=parts.settings.sockets,
        ping_seconds=parts.settings.ping_seconds,
        pong_seconds=parts.settings.pong_seconds,
        longest_message=_LONGEST_MESSAGE,
    )


def application(parts: Parts, checks: dict[str, Check]) -> FastAPI:
    """The HTTP application."""
    return create_app(
        title="Notifier",
        service=SCHEMA,
        routers=routers,
        state={
            "database": parts.database,
            "verifier": parts.verifier,
            "hub": parts.hub,
            "attendance": parts.attendance,
            "tickets": parts.tickets,
            "unsubscribing": parts.unsubscribing,
            "mail_folder": parts.settings.shown_mail_folder,
            "clock": parts.clock,
        },
        checks=checks,
        operations=Operations(
            SCHEMA,
            database=parts.database,
            amqp_url=parts.settings.amqp_url,
            inventories=inventories,
            bus=events.bus,
        ),
    )


async def _parts(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Parts:
    database = Database(settings.database_url, schema=SCHEMA, pool_size=settings.database_pool_size)
    stack.push_async_callback(database.close)
    keys = await stack.enter_async_context(httpx.AsyncClient(verify=settings.auth_url.startswith("https:")))
    redis = Redis.from_url(
        *(settings.redis_url,),
        decode_responses=True,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 1),  # a kept connection may have been closed meanwhile
    )
    stack.push_async_callback(redis.aclose)
    verifier = TokenVerifier(RemoteKeys(settings.jwks_url, keys), clock=clock)
    ring = KeyRing(settings.key_ring.get_secret_value())
    hub = Hub(
        most=settings.sockets,
        most_per_user=settings.sockets_per_user,
        most_waiting=settings.socket_waiting,
    )
    return Parts(
        settings=settings,
        database=database,
        hub=hub,
        attendance=Attendance(hub, database, clock),
        unsubscribing=Unsubscribing(ring, settings.public_url),
        tickets=Tickets(redis, ring, verifier, life=settings.ticket_life),
        verifier=verifier,
        clock=clock,
        limits=settings.limits(events.bus, pushes.bus),
    )


def _post_office(parts: Parts) -> PostOffice:
    return PostOffice(
        database=parts.database,
        post=_post(parts.settings),
        ring=parts.unsubscribing.ring,
        unsubscribing=parts.unsubscribing,
        sender=sender(parts.settings.mail_sender),
        clock=parts.clock,
        pace=Pace(parts.settings.mails_per_second),
        study_url=parts.settings.study_page,
    )


def _post(settings: Settings) -> Post:
    if settings.smtp_host is None:
        return MailFolder(settings.local_mail_folder)
    return SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        encryption=settings.smtp_tls,
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        certificates=settings.smtp_certificates,
        seconds=settings.smtp_seconds,
    )


def _value(value: T) -> T:
    return value


SERVICE = Service("notifier", Settings, compose)
