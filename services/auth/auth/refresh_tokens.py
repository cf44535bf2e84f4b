"""Refresh tokens: 256 random bits, opaque to everybody, kept as a hash."""

import hashlib
import secrets

# Recognisable, so that logs can redact it and scanners of leaked secrets can find it.
PREFIX = "strt_"


def new_token() -> str:
    """A token that nobody can guess."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(token: str) -> bytes:
    """What is kept of it. A fast hash will do: 256 bits cannot be tried out."""
    return hashlib.sha256(token.encode()).digest()
