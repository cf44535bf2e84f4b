"""Who is calling: a principal from a verified token. Nobody trusts a header that says who you are."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from logging import getLogger
from typing import Annotated, Any, Protocol
from uuid import UUID

import httpx
from fastapi import Depends, Request
from jose.backends.base import Key

from chassis.clock import Clock, system_clock
from chassis.errors import Forbidden, Unauthorized, Unavailable
from chassis.logs import bind
from chassis.tokens import USER_AUDIENCE, TokenRefused, UnknownKey, parse_jwks, verify

log = getLogger(__name__)
SERVICE_SUBJECT = "service:"
EMAIL_VERIFIED = "email_verified"


class EmailNotVerified(Forbidden):
    type, title = "email-not-verified", "The email address is not verified"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: a user (`user_id`, `session_id`), or a service (`service`) that may act for a user."""

    user_id: UUID | None
    session_id: UUID | None
    roles: frozenset[str]
    service: str | None
    token: str
    expires_at: datetime
    email_verified: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in user, and the token to pass on in calls made for this request."""

    id: UUID
    session_id: UUID
    roles: frozenset[str]
    token: str
    email_verified: bool = False


class KeySource(Protocol):
    """Where the present public keys come from."""

    async def keys(self) -> Mapping[str, Key]:
        """Public keys by id."""
        ...


class RemoteKeys:
    """The JWKS document of auth, over HTTP."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url
        self._client = client

    async def keys(self) -> Mapping[str, Key]:
        """Fetch the set; raises `httpx.HTTPError`."""
        response = await self._client.get(self._url, timeout=3.0)
        response.raise_for_status()
        return parse_jwks(response.json())


class TokenVerifier:
    """Turns tokens into principals. Keys and verdicts are cached; expiry is checked at every call.

    Rotation needs no restart: a token that names an unknown key makes the set be fetched, at most once in `refresh_interval`
    (a forger costs no more than that), and a set older than `max_age` is fetched behind the scenes, so that a key that auth
    withdrew stops working here.
    """

    def __init__(
        self,
        source: KeySource,
        *,
        audience: str = USER_AUDIENCE,
        clock: Clock = system_clock,
        refresh_interval: timedelta = timedelta(seconds=5),
        max_age: timedelta = timedelta(minutes=5),
        cache_size: int = 10_000,
    ) -> None:
        self._source = source
        self._audience = audience
        self._clock = clock
        self._refresh_interval = refresh_interval
        self._max_age = max_age
        self._cache_size = cache_size
        self._keys: Mapping[str, Key] = {}
        self._asked_at = self._fetched_at = datetime.min.replace(tzinfo=UTC)
        self._refreshing = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None
        self._verdicts: OrderedDict[str, Principal] = OrderedDict()

    def of_audience(self, audience: str) -> "TokenVerifier":
        """The same for tokens of services that name another audience."""
        return TokenVerifier(self._source, audience=audience, clock=self._clock)

    async def verify(self, token: str) -> Principal:
        """The principal of a valid token. Raises `Unauthorized`, or `Unavailable` while no keys can be had."""
        now = self._clock()
        self._renew_if_old(now)
        if (known := self._verdicts.get(token)) is not None:
            if now < known.expires_at:
                return known
            del self._verdicts[token]
        try:
            claims = await self._claims(token, now)
            principal = principal_of(claims, token)
        except TokenRefused as refusal:
            log.info("token refused: %s", refusal)
            raise Unauthorized(
                "The access token is not valid or has expired. Refresh it, or sign in again."
            ) from refusal
        self._verdicts[token] = principal
        if len(self._verdicts) > self._cache_size:
            self._verdicts.popitem(last=False)
        return principal

    async def refresh(self) -> None:
        """Fetch the keys now, and forget the verdicts that older keys gave."""
        self._keys = await self._source.keys()
        self._fetched_at = self._clock()
        self._verdicts.clear()

    async def _claims(self, token: str, now: datetime) -> dict[str, Any]:
        try:
            return verify(token, self._keys, audience=self._audience, now=now)
        except UnknownKey:
            await self._refresh_if_due()
            return verify(token, self._keys, audience=self._audience, now=now)

    def _renew_if_old(self, now: datetime) -> None:
        if self._keys and now - self._fetched_at >= self._max_age and now - self._asked_at >= self._refresh_interval:
            self._asked_at = now
            self._renewal = asyncio.create_task(self._try_refresh())

    async def _refresh_if_due(self) -> None:
        async with self._refreshing:
            if self._renewal is not None:
                await asyncio.shield(self._renewal)  # it was asked for already, and may bring the key
            now = self._clock()
            # Without keys nothing can be answered: ask sooner, but never once per request, each waiting its time out.
            interval = self._refresh_interval if self._keys else min(self._refresh_interval, timedelta(seconds=1))
            if now - self._asked_at >= interval:
                self._asked_at = now
                await self._try_refresh()
            if not self._keys:
                raise Unavailable("Sign-in cannot be checked right now. Try again in a moment.", retry_after=1)

    async def _try_refresh(self) -> None:
        try:
            await self.refresh()
        except Exception as error:  # whatever the source is, the keys that are known go on working
            log.warning("the keys of access tokens cannot be fetched: %s", error)


def principal_of(claims: Mapping[str, Any], token: str) -> Principal:
    """Read our claims; raises `TokenRefused` where they are not of our form."""
    try:
        subject, service = str(claims["sub"]), None
        if subject.startswith(SERVICE_SUBJECT):
            service = subject.removeprefix(SERVICE_SUBJECT)
            user_id = UUID(claims["act_for"]) if claims.get("act_for") else None
        else:
            user_id = UUID(subject)
        session_id = UUID(claims["sid"]) if claims.get("sid") else None
        roles = frozenset(str(role) for role in claims.get("roles", []))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise TokenRefused("its claims are not ours") from error
    if service is None and session_id is None:
        raise TokenRefused("a user's token names its session")
    return Principal(
        user_id,
        session_id,
        roles,
        service,
        token,
        datetime.fromtimestamp(claims["exp"], UTC),
        claims.get(EMAIL_VERIFIED) is True,
    )


def bearer_of(authorization: str | None) -> str:
    """The token of an Authorization header; raises `Unauthorized`."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("Send an access token: `Authorization: Bearer …`. POST /api/v1/auth/login gives one.")
    return token.strip()


def user_of(principal: Principal) -> User:
    """The signed-in user that a principal is. Raises `Forbidden` for a service."""
    if principal.user_id is None or principal.session_id is None:
        raise Forbidden("This is for signed-in users.")
    return User(principal.user_id, principal.session_id, principal.roles, principal.token, principal.email_verified)


async def _current_user(request: Request) -> User:
    verifier: TokenVerifier = request.app.state.verifier
    user = user_of(await verifier.verify(bearer_of(request.headers.get("authorization"))))
    bind(user_id=str(user.id))
    return user


def require_verified_email(request: Request, user: User) -> None:
    """Raise `EmailNotVerified` where this service asks for a verified address and the token does not say that it is."""
    if request.app.state.verified_email_required:
        expect_verified_email(user)


def expect_verified_email(user: User) -> None:
    """Raise `EmailNotVerified` where the token does not say that the address is verified."""
    if not user.email_verified:
        raise EmailNotVerified(
            "Open the link in the mail that was sent to you when you signed up, then refresh your access token. "
            "POST /api/v1/auth/verify-email/resend sends another mail."
        )


async def _verified_user(request: Request, user: Annotated[User, Depends(_current_user)]) -> User:
    require_verified_email(request, user)
    return user


async def _current_admin(user: Annotated[User, Depends(_current_user)]) -> User:
    if "admin" not in user.roles:
        raise Forbidden("This needs the role admin.")
    return user


async def _current_service(request: Request) -> str:
    verifier: TokenVerifier = request.app.state.service_verifier
    principal = await verifier.verify(bearer_of(request.headers.get("authorization")))
    if principal.service is None:
        raise Forbidden("This is for services of the mesh.")
    return principal.service


CurrentUser = Annotated[User, Depends(_current_user)]
VerifiedUser = Annotated[User, Depends(_verified_user)]
CurrentAdmin = Annotated[User, Depends(_current_admin)]
CurrentService = Annotated[str, Depends(_current_service)]
