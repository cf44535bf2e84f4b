"""Passwords: which are accepted, and how they are kept (Argon2id, off the event loop, so many at once)."""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from chassis.errors import Invalid, Unavailable

from auth.common_passwords import is_common
from auth.metrics import HASH_SECONDS, HASHES_WAITING

T = TypeVar("T")
SHORTEST = 10
LONGEST = 1024


class WeakPassword(Invalid):
    type, title = "weak-password", "The password is too easy to guess"


@dataclass(frozen=True, slots=True)
class HashingCost:
    """What Argon2id spends on one password: memory in KiB and passes over it, on one thread."""

    memory_kib: int
    passes: int

    def at_least(self, other: "HashingCost") -> bool:
        """Whether a guess costs no less than with the other."""
        return self.memory_kib >= other.memory_kib and self.passes >= other.passes


# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
OWASP_LEAST = HashingCost(memory_kib=19456, passes=2)


def require_strong(password: str, *, email: str) -> None:
    """Raise `WeakPassword` for what the first guesses of an attacker would find. No rules on kinds of characters (NIST 800-63B)."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"password: use {SHORTEST} to {LONGEST} characters. A short sentence is a good one.")
    said = password.casefold()
    local_part = email.casefold().partition("@")[0]
    if said.strip() in {email.casefold(), local_part} or len(set(said)) < 4:
        raise WeakPassword("password: do not use your email address or a repeated character. Use a short sentence.")
    if is_common(said):
        raise WeakPassword("password: this one is among the first that are guessed. Use a short sentence.")


class Passwords:
    """Hashes and checks passwords on threads of its own: `at_once` bounds the memory, `waiting` the queue before them."""

    def __init__(self, cost: HashingCost, *, at_once: int, waiting: int) -> None:
        self._hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=1)
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")
        self._most = at_once + waiting
        self._present = 0
        # What an unknown address is checked against, so that the answer takes as long.
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """The password as it is kept. Raises `Unavailable` when too many wait."""
        return await self._run(lambda: self._hasher.hash(_same_on_every_keyboard(password)))

    async def matches(self, kept: str | None, password: str) -> bool:
        """Whether it is the password; the same work, and False, for None. Raises `Unavailable` when too many wait."""
        return await self._run(lambda: self._matches(kept or self._nobody, password)) and kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether it was hashed with other costs than today's, and should be hashed again."""
        return self._hasher.check_needs_rehash(kept)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, _same_on_every_keyboard(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._present >= self._most:
            raise Unavailable("Too many people are signing in at once. Try again in a few seconds.", retry_after=2)
        self._present += 1
        HASHES_WAITING.set(self._present)
        started = perf_counter()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._present -= 1
            HASHES_WAITING.set(self._present)
            HASH_SECONDS.observe(perf_counter() - started)


def _same_on_every_keyboard(password: str) -> bytes:
    # One keyboard types é as one character, another as two (NIST 800-63B, 5.1.1.2).
    return unicodedata.normalize("NFKC", password).encode()
