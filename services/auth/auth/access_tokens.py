"""Access tokens: what they say of a user's session, or of a service and whom it acts for."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chassis.identity import EMAIL_VERIFIED, SERVICE_SUBJECT
from chassis.tokens import ISSUER, USER_AUDIENCE, SigningKey

SERVICE_TOKEN_LIFETIME = timedelta(minutes=5)


def user_token(
    key: SigningKey,
    *,
    user_id: UUID,
    session_id: UUID,
    roles: Iterable[str],
    email_verified: bool,
    now: datetime,
    expires_at: datetime,
) -> str:
    """A token for a user's session."""
    claims = {
        "sub": str(user_id),
        "aud": USER_AUDIENCE,
        "sid": str(session_id),
        "roles": sorted(roles),
        EMAIL_VERIFIED: email_verified,
    }
    return key.sign(claims | _envelope(now, expires_at))


def service_token(
    key: SigningKey, *, service: str, audience: str, act_for: UUID | None, now: datetime, expires_at: datetime
) -> str:
    """A token for background work of a service, good at one audience."""
    claims = {"sub": f"{SERVICE_SUBJECT}{service}", "aud": audience}
    if act_for is not None:
        claims["act_for"] = str(act_for)
    return key.sign(claims | _envelope(now, expires_at))


def _envelope(now: datetime, expires_at: datetime) -> dict[str, Any]:
    issued = int(now.timestamp())
    return {"iss": ISSUER, "jti": uuid4().hex, "iat": issued, "nbf": issued, "exp": int(expires_at.timestamp())}
