"""Who asks: verdicts on access tokens, so that a signature is checked once and not at every request."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from chassis.errors import Unauthorized, Unavailable
from chassis.identity import TokenVerifier, bearer_of

from gateway.revocations import Revocations

_REMEMBERED = 20_000
# chassis' verifier is asked again after so long: it forgets its own verdicts when auth withdraws a key.
_FRESH_SECONDS = 30.0


@dataclass(slots=True)
class Caller:
    """A signed-in user, as far as the gateway cares. Times are seconds since 1970."""

    user_id: str
    session_id: UUID
    expires_at: float
    fresh_until: float
    generation: int = -1
    """Of the revocations that its session is known not to be among."""


class Verdicts:
    """Remembers what was found out about an `Authorization` value. Expiry and revocation are checked at every request."""

    def __init__(self, verifier: TokenVerifier, revocations: Revocations, clock: Callable[[], float]) -> None:
        self._verifier = verifier
        self._revocations = revocations
        self._clock = clock
        self._known: dict[bytes, Caller] = {}

    def known(self, authorization: bytes) -> Caller | None:
        """The caller, where the token was checked a short while ago. Raises `Unauthorized` for an ended session."""
        caller = self._known.get(authorization)
        if caller is None:
            return None
        now = self._clock()
        if now >= caller.expires_at or now >= caller.fresh_until:
            del self._known[authorization]
            return None
        if caller.generation != self._revocations.generation:
            self._refuse_ended(caller)
        return caller

    async def find_out(self, authorization: bytes | None) -> Caller:
        """Check the token; raises `Unauthorized`, or `Unavailable` while that cannot be done."""
        token = bearer_of(authorization.decode("latin-1") if authorization else None)
        if not self._revocations.loaded:
            raise Unavailable(
                "The gateway has just started and does not know yet who signed out. Try again.", retry_after=1
            )
        principal = await self._verifier.verify(token)
        if principal.user_id is None or principal.session_id is None:
            raise Unauthorized("This token is not a user's. Sign in: POST /api/v1/auth/login.")
        now = self._clock()
        caller = Caller(
            str(principal.user_id), principal.session_id, principal.expires_at.timestamp(), now + _FRESH_SECONDS
        )
        self._refuse_ended(caller)
        if authorization is not None:
            self._remember(authorization, caller)
        return caller

    def _refuse_ended(self, caller: Caller) -> None:
        self._revocations.refuse_ended(caller.session_id)
        caller.generation = self._revocations.generation

    def _remember(self, authorization: bytes, caller: Caller) -> None:
        if len(self._known) >= _REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[authorization] = caller
