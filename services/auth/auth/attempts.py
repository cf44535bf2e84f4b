"""How often one may try: to guess a password, to find out who has an account, to make accounts, to have mail sent.

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
# Three mails of a kind at once, then one in five minutes: nobody's mailbox is filled by others.
RESET_MAIL = Limit("reset-mail-account", burst=3, per=timedelta(minutes=5))
VERIFICATION_MAIL = Limit("verification-mail-account", burst=3, per=timedelta(minutes=5))
MAIL_ADDRESS = Limit("mail-address", burst=30, per=timedelta(seconds=30))
# Wrong links; a right one does not count.
LINK_ADDRESS = Limit("link-address", burst=30, per=timedelta(seconds=30))
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

    async def forgive(self, account_key: str, address: str) -> None:
        """Who has a new password is not made to wait for the slips with the old one."""
        _, pair, _ = _sign_in(account_key, address)
        await self._ledger.clear(pair)

    async def reset_mail(self, account_key: str, address: str) -> None:
        """Count a wish for a mail that resets the password; raises `TooManyAttempts`, whether there is such an account or not."""
        _raise_if(await self._ledger.take(_mail(RESET_MAIL, account_key, address)))

    async def verification_mail(self, account_key: str, address: str) -> None:
        """Count a wish for another mail that verifies the address; raises `TooManyAttempts`."""
        _raise_if(await self._ledger.take(_mail(VERIFICATION_MAIL, account_key, address)))

    async def open_link(self, address: str) -> None:
        """Count a use of a mail's link; raises `TooManyAttempts`."""
        _raise_if(await self._ledger.take([Bucket(LINK_ADDRESS, network_of(address))]))

    async def opened_link(self, address: str) -> None:
        """The link was good."""
        await self._ledger.give_back([Bucket(LINK_ADDRESS, network_of(address))])

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
    network, account = network_of(address), _hidden(account_key)
    return (
        Bucket(SIGN_IN_ADDRESS, network),
        Bucket(SIGN_IN_PAIR, f"{account}:{network}"),
        Bucket(SIGN_IN_ACCOUNT, account),
    )


def _mail(limit: Limit, account_key: str, address: str) -> list[Bucket]:
    return [Bucket(MAIL_ADDRESS, network_of(address)), Bucket(limit, _hidden(account_key))]


def _hidden(account_key: str) -> str:
    return hashlib.sha256(account_key.encode()).hexdigest()[:32]  # Redis need not know who has an account


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
