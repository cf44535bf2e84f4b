"""The one place where python-jose is called: access tokens are ES256 and nothing else.

What is refused here, each for an attack that happened to somebody: another `alg` than ES256 (`none`, HMAC with the public
key as its secret), a key that is no P-256 key, a token over 4 KiB, nested tokens (`cty`), `crit`, and keys that the token
brings along (`jwk`, `jku`, `x5u`, `x5c`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jose import jwk, jwt
from jose.backends.base import Key
from jose.exceptions import JOSEError

ALGORITHM = "ES256"
ISSUER = "studyteddy"
USER_AUDIENCE = "studyteddy"
MAXIMUM_LENGTH = 4096
LEEWAY = timedelta(seconds=5)
_REFUSED_HEADERS = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "cty", "zip", "enc"})


class TokenRefused(Exception):
    """The token does not prove anything; the message says why, for a log."""


class UnknownKey(TokenRefused):
    """The token names a key that is not in the set; a newer set may have it."""


@dataclass(frozen=True)
class SigningKey:
    """A private P-256 key in PEM, and the id under which its public half is published."""

    key_id: str
    pem: str

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWS over the claims."""
        token = jwt.encode(dict(claims), self.pem, algorithm=ALGORITHM, headers={"kid": self.key_id})
        assert isinstance(token, str)
        return token

    def public_jwk(self) -> dict[str, str]:
        """The public half, as it stands in a JWKS document."""
        public = jwk.construct(self.pem, ALGORITHM).public_key().to_dict()
        members = {name: value.decode() if isinstance(value, bytes) else value for name, value in public.items()}
        return members | {"kid": self.key_id, "use": "sig", "alg": ALGORITHM}


def parse_jwks(document: Mapping[str, Any]) -> dict[str, Key]:
    """Public keys by id, parsed once; entries that are not P-256 signature keys are left out."""
    keys = {}
    for entry in document.get("keys", []):
        if (
            entry.get("kty") == "EC"
            and entry.get("crv") == "P-256"
            and entry.get("use", "sig") == "sig"
            and entry.get("kid")
        ):
            keys[str(entry["kid"])] = jwk.construct({k: entry[k] for k in ("kty", "crv", "x", "y")}, ALGORITHM)
    return keys


def key_id_of(token: str) -> str:
    """The id of the key that a token claims; raises `TokenRefused` for a header that we never write."""
    if len(token) > MAXIMUM_LENGTH:
        raise TokenRefused(f"longer than {MAXIMUM_LENGTH} characters")
    if token.count(".") != 2:
        raise TokenRefused("not a signed token")
    try:
        header = jwt.get_unverified_header(token)
    except JOSEError as error:
        raise TokenRefused("unreadable header") from error
    if header.get("alg") != ALGORITHM:
        raise TokenRefused(f"algorithm {str(header.get('alg'))[:16]!r} instead of {ALGORITHM}")
    if refused := _REFUSED_HEADERS & header.keys():
        raise TokenRefused(f"header {min(refused)!r} is not accepted")
    key_id = header.get("kid")
    if not isinstance(key_id, str):
        raise TokenRefused("names no key")
    return key_id


def verify(token: str, keys: Mapping[str, Key], *, audience: str, now: datetime) -> dict[str, Any]:
    """The claims of a valid token; raises `TokenRefused`, or `UnknownKey` where a fresher key set may help."""
    key_id = key_id_of(token)
    if key_id not in keys:
        raise UnknownKey(f"no key {key_id[:64]!r}")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            keys[key_id],
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=ISSUER,
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                # A missing claim passes for a right one, the audience too, unless it is required. Not so the times:
                # to require one is to have it checked against the machine's clock.
                "require_aud": True,
                "require_sub": True,
            },
        )
    except JOSEError as error:
        raise TokenRefused(str(error)) from error
    _check_times(claims, now)
    return claims


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    # Against the clock that was handed in: python-jose knows only the machine's.
    try:
        expires = datetime.fromtimestamp(claims["exp"], UTC)
        starts = datetime.fromtimestamp(claims.get("nbf", claims["iat"]), UTC)
    except KeyError as error:
        raise TokenRefused(f"says no {error}") from error
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise TokenRefused("its times are no times") from error
    if now >= expires:
        raise TokenRefused("expired")
    if now + LEEWAY < starts:
        raise TokenRefused("not valid yet")
