"""Keys and tokens as auth has and gives them, for tests and benches of who only verifies them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chassis.tokens import ISSUER, USER_AUDIENCE, SigningKey
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def new_signing_key(key_id: str = "test") -> SigningKey:
    """A key that nobody else has."""
    private = ec.generate_private_key(ec.SECP256R1())
    return SigningKey(key_id, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def user_token(key: SigningKey, user_id: UUID, **claims: Any) -> str:
    """A student's token, valid for an hour from now; `claims` overrule what it says."""
    now = datetime.now(UTC)
    usual = {
        "iss": ISSUER,
        "aud": USER_AUDIENCE,
        "sub": str(user_id),
        "sid": str(uuid4()),
        "roles": ["student"],
        "jti": uuid4().hex,
        "iat": now,
        "exp": now + timedelta(hours=1),
    }
    return key.sign(usual | claims)
