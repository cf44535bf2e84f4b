"""Which pages of other origins may call us from a browser."""

import re
from collections.abc import Sequence

_LOCAL = re.compile(rb"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_EXPOSED = (
    b"access-control-expose-headers: "
    b"x-request-id, location, content-disposition, content-range, ratelimit, ratelimit-policy, retry-after, "
    b"idempotency-replayed\r\n"
)
_PREFLIGHT = (
    b"access-control-allow-headers: "
    b"authorization, content-type, idempotency-key, last-event-id, range, x-request-id, traceparent\r\n"
    b"access-control-max-age: 600\r\n"
)


class Cors:
    """Tokens travel in a header and never in a cookie, so no answer allows credentials."""

    def __init__(self, origins: Sequence[str], *, allow_local: bool) -> None:
        self._origins = frozenset(origin.rstrip("/").lower().encode() for origin in origins)
        self._allow_local = allow_local

    def allows(self, origin: bytes) -> bool:
        """Whether a page of this origin may read our answers."""
        return origin.lower() in self._origins or (self._allow_local and _LOCAL.fullmatch(origin) is not None)

    def allows_socket(self, origin: bytes | None, host: bytes) -> bool:
        """Whether a page of this origin may open a WebSocket: browsers ask nobody before they do."""
        if origin is None:
            return True
        return origin.lower().partition(b"://")[2] == host or self.allows(origin)

    def lines(self, origin: bytes) -> bytes:
        """Header lines of an answer to a page of that origin."""
        if not self.allows(origin):
            return b"vary: origin\r\n"
        return b"access-control-allow-origin: %b\r\nvary: origin\r\n%b" % (origin, _EXPOSED)

    def preflight(self, origin: bytes, allow: bytes) -> bytes:
        """Header lines that answer a browser's question before the real request, beside `lines()`."""
        if not self.allows(origin):
            return b""
        return b"access-control-allow-methods: %b\r\n%b" % (allow, _PREFLIGHT)
