"""Request targets: one normal form, and nothing else.

A path that two parsers may read differently (`..`, `//`, an encoded slash, a backslash, an encoded control character) is
refused rather than repaired: what the gateway matched is, byte for byte, what the service gets.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from chassis.errors import Malformed

from gateway.refusals import TargetTooLong

MAXIMUM_LENGTH = 8192
_REMEMBERED_LENGTH = 256
_SAFE = rb"[A-Za-z0-9\-._~!$&'()*+,;=:@]"
# Any encoded byte but a dot, a slash, a backslash and control characters.
_ENCODED = rb"%(?!2[EeFf]|5[Cc]|[01][0-9A-Fa-f]|7[Ff])[0-9A-Fa-f]{2}"
_PATH = re.compile(rb"/|(?:/(?!\.{1,2}(?:/|$))(?:" + _SAFE + rb"|" + _ENCODED + rb")+)+/?")
_QUERY = re.compile(rb"[!\"$-~]*")
_ABSOLUTE = re.compile(rb"https?://([^/?#@\\]+)([^#]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request wants to go. `query` keeps its question mark; `authority` is given by an absolute URL alone."""

    path: bytes
    query: bytes
    authority: bytes | None = None


def parse(raw: bytes) -> Target:
    """Read the target of a request line; raises `Malformed` or `TargetTooLong`."""
    return _parse_short(raw) if len(raw) <= _REMEMBERED_LENGTH else _parse(raw)


def _parse(raw: bytes) -> Target:
    if len(raw) > MAXIMUM_LENGTH:
        raise TargetTooLong(f"A URL has at most {MAXIMUM_LENGTH} characters here. Send long input in the body.")
    authority = None
    if not raw.startswith(b"/"):
        absolute = _ABSOLUTE.fullmatch(raw)
        if absolute is None:
            raise Malformed("Ask for a path that begins with a slash, such as /api/v1/documents.")
        authority, raw = absolute[1], absolute[2]
        if not raw.startswith(b"/"):
            raw = b"/" + raw
    path, mark, query = raw.partition(b"?")
    if not _PATH.fullmatch(path):
        raise Malformed(
            "The path is not in its normal form. Leave out empty, `.` and `..` segments, backslashes, and encoded "
            "slashes, dots and control characters."
        )
    if mark and not _QUERY.fullmatch(query):
        raise Malformed("The query holds characters that must be percent-encoded.")
    return Target(path, mark + query, authority)


# Most requests ask for what was asked for before.
_parse_short = lru_cache(maxsize=4096)(_parse)
