"""A process's view of the signing keys: read again often enough, and used for signing, publishing and checking."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.clock import Clock, system_clock
from chassis.sealing import KeyRing
from chassis.tokens import SigningKey, parse_jwks
from jose.backends.base import Key

from auth.metrics import KEY_AGE
from auth.models import SealedKey
from auth.signing_keys import opened, signer

# Well within the shortest lead (60 s), so that every process publishes a key before any process signs with it.
READ_AGAIN = timedelta(seconds=15)


class KeysInUse:
    """`load` reads the rows (and makes the first key); it opens a transaction of its own, so call this outside of one."""

    def __init__(
        self, load: Callable[[], Awaitable[Sequence[SealedKey]]], ring: KeyRing, clock: Clock = system_clock
    ) -> None:
        self._load = load
        self._ring = ring
        self._clock = clock
        self._rows: Sequence[SealedKey] = ()
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self._reading = asyncio.Lock()
        self._opened: dict[str, SigningKey] = {}

    async def signer(self) -> SigningKey:
        """The key that signs now."""
        rows, now = await self._current(), self._clock()
        row = signer(rows, now)
        KEY_AGE.set((now - row.created_at).total_seconds())
        if row.id not in self._opened:
            self._opened = {row.id: opened(row, self._ring)}
        return self._opened[row.id]

    async def document(self) -> dict[str, list[dict[str, Any]]]:
        """The JWKS document."""
        return {"keys": [row.public_jwk for row in await self._current()]}

    async def keys(self) -> Mapping[str, Key]:
        """The public keys, for the verifier of this very service."""
        self._read_at = datetime.min.replace(tzinfo=UTC)  # it asks because it met a key that it does not know
        return parse_jwks(await self.document())

    async def check(self) -> None:
        """Raise unless tokens can be signed."""
        await self.signer()

    async def _current(self) -> Sequence[SealedKey]:
        if self._clock() - self._read_at >= READ_AGAIN:
            async with self._reading:
                if self._clock() - self._read_at >= READ_AGAIN:
                    self._rows = await self._load()
                    self._read_at = self._clock()
        return self._rows
