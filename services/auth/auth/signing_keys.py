"""The keys that sign access tokens: when each begins to sign, how long it stays published, and the rows they rest in.

A key is published from the moment its row is committed, signs from `signs_from` until its successor does, and stays
published until the last token that it can have signed has expired. All of it follows from rows and a clock, so several
processes agree without talking to each other, as long as each looks at the rows well within the lead.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import uuid4

from chassis.sealing import KeyRing
from chassis.tokens import SigningKey
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import delete, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from auth.audit import Action, AuditLog
from auth.models import SealedKey

# Processes that disagree about the present by more than this should not sign tokens.
SKEW = timedelta(minutes=5)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('auth.signing_key'))")


class NoSigningKey(Exception):
    """There is no key that may sign yet."""


def signer(keys: Sequence[SealedKey], now: datetime) -> SealedKey:
    """The key that signs now: the last that began to. Raises `NoSigningKey`."""
    begun = [key for key in keys if key.signs_from <= now]
    if not begun:
        raise NoSigningKey("no signing key may sign yet")
    return max(begun, key=_in_order)


def outlived(keys: Sequence[SealedKey], now: datetime, longest_token: timedelta) -> Iterator[SealedKey]:
    """Keys whose every token has expired: their successor began to sign longer ago than a token lives."""
    for key, successor in pairwise(sorted(keys, key=_in_order)):
        if successor.signs_from + longest_token + SKEW < now:
            yield key


def _in_order(key: SealedKey) -> tuple[datetime, datetime, str]:
    return key.signs_from, key.created_at, key.id


def opened(key: SealedKey, ring: KeyRing) -> SigningKey:
    """The key, ready to sign; raises `SealBroken` where the ring has lost the key that sealed it."""
    return SigningKey(key.id, ring.open(key.private_sealed))


class SigningKeyRows:
    """The rows, in one transaction. Writers wait for each other."""

    def __init__(self, session: AsyncSession, ring: KeyRing, now: datetime) -> None:
        self._session = session
        self._ring = ring
        self._now = now

    async def all(self) -> Sequence[SealedKey]:
        """Every key that is published."""
        return (await self._session.exec(select(SealedKey).order_by(col(SealedKey.signs_from)))).all()

    async def at_least_one(self) -> Sequence[SealedKey]:
        """Every key; the first is made here, and signs at once: nobody knows a set without it."""
        if keys := await self.all():
            return keys
        await self._session.execute(_LOCK)
        return await self.all() or [self._add(signs_from=self._now)]

    async def rotate(self, lead: timedelta) -> SealedKey:
        """Add a key that signs after `lead`."""
        await self._session.execute(_LOCK)
        return self._add(signs_from=self._now + lead)

    async def rotate_if_due(self, age: timedelta, lead: timedelta) -> SealedKey | None:
        """Add a key if the youngest is older than `age`."""
        await self._session.execute(_LOCK)
        keys = await self.all()
        if keys and max(key.created_at for key in keys) + age > self._now:
            return None
        return self._add(signs_from=self._now + lead if keys else self._now)

    async def withdraw_all(self) -> SealedKey:
        """For a key that became known to somebody: no token signed before is valid any more; a new key signs at once."""
        await self._session.execute(_LOCK)
        await self._session.execute(delete(SealedKey))
        AuditLog(self._session, self._now).add(Action.KEYS_WITHDRAWN)
        return self._add(signs_from=self._now)

    async def drop_outlived(self, longest_token: timedelta) -> int:
        """Delete keys that can have signed nothing that is still valid; how many."""
        await self._session.execute(_LOCK)
        gone = [key.id for key in outlived(await self.all(), self._now, longest_token)]
        if gone:
            await self._session.execute(delete(SealedKey).where(col(SealedKey.id).in_(gone)))
        return len(gone)

    def _add(self, signs_from: datetime) -> SealedKey:
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        key = SigningKey(uuid4().hex, pem)
        row = SealedKey(
            id=key.key_id,
            public_jwk=key.public_jwk(),
            private_sealed=self._ring.seal(pem),
            created_at=self._now,
            signs_from=signs_from,
        )
        self._session.add(row)
        AuditLog(self._session, self._now).add(
            Action.KEY_ADDED, key_id=key.key_id, signs_from=signs_from.isoformat(timespec="seconds")
        )
        return row
