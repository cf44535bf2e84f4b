"""Timed work: rotate signing keys, and delete what has expired. Any number of schedulers may run it at once."""

import asyncio
from datetime import timedelta
from logging import getLogger

import mesh
from chassis.clock import Clock
from chassis.database import Database
from chassis.sealing import KeyRing

from auth.retention import drop_expired
from auth.settings import LONGEST_ACCESS_TOKEN, Settings
from auth.signing_keys import SigningKeyRows

log = getLogger(__name__)
EVERY = timedelta(minutes=1)


class Upkeep:
    """What role `scheduler` does, and the commands that do parts of it now."""

    def __init__(self, settings: Settings, database: Database, ring: KeyRing, clock: Clock) -> None:
        self._settings = settings
        self._database = database
        self._ring = ring
        self._clock = clock
        self._lead = timedelta(seconds=settings.key_publish_lead_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Do it all again and again until `stop`; what fails is logged and tried again."""
        while not stop.is_set():
            for work in (self.rotate_if_due, self.drop_expired, self.sweep_events):
                try:
                    await work()
                except Exception:
                    log.exception("upkeep failed: %s", work.__name__)
            try:
                async with asyncio.timeout(EVERY.total_seconds()):
                    await stop.wait()
            except TimeoutError:
                continue

    async def rotate_if_due(self) -> None:
        """Publish a new signing key where the youngest is old enough, and drop those that nobody needs."""
        age = timedelta(days=self._settings.key_rotation_days)
        async with self._database.transaction() as session:
            rows = SigningKeyRows(session, self._ring, self._clock())
            if (added := await rows.rotate_if_due(age, self._lead)) is not None:
                log.info("signing key %s is published and signs from %s", added.id, added.signs_from.isoformat())
            await rows.drop_outlived(LONGEST_ACCESS_TOKEN)

    async def rotate_now(self) -> None:
        """Command `rotate-keys`: publish a new signing key now; it signs after the lead."""
        async with self._database.transaction() as session:
            rows = SigningKeyRows(session, self._ring, self._clock())
            added = await rows.rotate(self._lead)
            log.info("signing key %s is published and signs from %s", added.id, added.signs_from.isoformat())

    async def withdraw_keys(self) -> None:
        """Command `withdraw-keys`: a private key became known. Every access token is void within minutes; sessions go on."""
        async with self._database.transaction() as session:
            added = await SigningKeyRows(session, self._ring, self._clock()).withdraw_all()
            log.warning("all signing keys are withdrawn; %s signs from now on", added.id)

    async def drop_expired(self) -> None:
        """Delete rows that have outlived their use."""
        async with self._database.transaction() as session:
            await drop_expired(
                session,
                self._clock(),
                keep_sessions=timedelta(days=self._settings.keep_ended_sessions_days),
                keep_audit=timedelta(days=self._settings.keep_audit_days),
            )

    async def sweep_events(self) -> None:
        """Delete events that were sent long ago."""
        await mesh.sweep(self._database, self._settings.keep_events)
