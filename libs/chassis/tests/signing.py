"""Keys and tokens for tests, and a clock that stands still."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chassis.tokens import ISSUER, USER_AUDIENCE, SigningKey, parse_jwks
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose.backends.base import Key

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
USER = UUID("00000000-0000-4000-8000-000000000001")
SESSION = UUID("00000000-0000-4000-8000-000000000002")


class StillClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **duration: float) -> None:
        self.now += timedelta(**duration)


def pem(curve: ec.EllipticCurve | None = None) -> str:
    private = ec.generate_private_key(curve or ec.SECP256R1())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def new_key(key_id: str = "one") -> SigningKey:
    return SigningKey(key_id, pem())


def published(*keys: SigningKey) -> dict[str, Key]:
    return parse_jwks({"keys": [key.public_jwk() for key in keys]})


def claims(**other: Any) -> dict[str, Any]:
    """A user's claims, valid at `NOW` for fifteen minutes; None takes one away."""
    issued = int(NOW.timestamp())
    said = {
        "iss": ISSUER,
        "aud": USER_AUDIENCE,
        "sub": str(USER),
        "sid": str(SESSION),
        "roles": ["student"],
        "jti": uuid4().hex,
        "iat": issued,
        "nbf": issued,
        "exp": issued + 900,
    }
    return {name: value for name, value in (said | other).items() if value is not None}


class Keys:
    """A key set that is fetched: it changes, fails, and counts how often it was asked for."""

    def __init__(self, *keys: SigningKey) -> None:
        self.present = published(*keys)
        self.fetched = 0
        self.failure: Exception | None = None

    async def keys(self) -> Mapping[str, Key]:
        self.fetched += 1
        if self.failure is not None:
            raise self.failure
        return self.present
