"""How often one may try: to guess a password, to find out who has an account, to make accounts.

Sign-in is limited per address, per account and address together, and per account from all *unfamiliar* addresses together. Whoever
attacks an account from anywhere can use up the last of these, but never the share of an address from which the owner has
signed in before. No wait is longer than a few minutes, and a wait is never made longer by trying.
"""

import hashlib
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from ipaddress import IPv6Address, ip_address

from chassis.errors import TooManyRequests

from auth.ledgers import Bucket, Ledger, Limit, Refused
from auth.metrics import ATTEMPTS_REFUSED

# A school behind one address: fifty slips at once, then four a minute.
SIGN_IN_ADDRESS = Limit("sign-in-address", burst=50, per=timedelta(seconds=15))
SIGN_IN_PAIR = Limit("sign-in-account-address", burst=5, per=timedelta(minutes=1))
SIGN_IN_ACCOUNT = Limit("sign-in-account", burst=20, per=timedelta(minutes=3))
# Sign-up says when an address is taken: ten such answers, then one in six minutes.
SIGN_UP_TAKEN = Limit("sign-up-taken", burst=10, per=timedelta(minutes=6))
SIGN_UP_ADDRESS = Limit("sign-up-address", burst=60, per=timedelta(seconds=30))


class TooManyAttempts(TooManyRequests):
    type, title = "too-many-attempts", "Too many attempts"


class Attempts:
    """The limits, applied. An attempt is counted before it is made, so that a thousand at once do not all slip through."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def sign_in(self, account_key: str, address: str, familiar: Callable[[], Awaitable[bool]]) -> None:
        """Count an attempt to sign in; raises `TooManyAttempts`. `familiar` is asked only where the account is under attack."""
        network, pair, account = _sign_in(account_key, address)
        refused = await self._ledger.take([network, pair, account])
        if refused is not None and refused.bucket == account and await familiar():
            refused = await self._ledger.take([network, pair])
        _raise_if(refused)

    async def signed_in(self, account_key: str, address: str) -> None:
        """The attempt was the owner's: it does not count, nor do the slips before it from there."""
        network, pair, account = _sign_in(account_key, address)
        await self._ledger.give_back([network, account])
        await self._ledger.clear(pair)

    async def sign_up(self, address: str) -> None:
        """Count an attempt to sign up; raises `TooManyAttempts`."""
        _raise_if(await self._ledger.take(_sign_up(address)))

    async def signed_up(self, address: str) -> None:
        """The address was free: nobody learned anything."""
        await self._ledger.give_back([Bucket(SIGN_UP_TAKEN, network_of(address))])


def network_of(address: str) -> str:
    """What one subscriber holds: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


def _sign_in(account_key: str, address: str) -> tuple[Bucket, Bucket, Bucket]:
    network = network_of(address)
    account = hashlib.sha256(account_key.encode()).hexdigest()[:32]  # Redis need not know who has an account
    return (
        Bucket(SIGN_IN_ADDRESS, network),
        Bucket(SIGN_IN_PAIR, f"{account}:{network}"),
        Bucket(SIGN_IN_ACCOUNT, account),
    )


def _sign_up(address: str) -> list[Bucket]:
    network = network_of(address)
    return [Bucket(SIGN_UP_ADDRESS, network), Bucket(SIGN_UP_TAKEN, network)]


def _raise_if(refused: Refused | None) -> None:
    if refused is None:
        return
    ATTEMPTS_REFUSED.labels(refused.bucket.limit.name).inc()
    seconds = max(1, math.ceil(refused.wait.total_seconds()))
    raise TooManyAttempts(f"Too many attempts. Try again in {_spoken(seconds)}.", retry_after=seconds)


def _spoken(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
