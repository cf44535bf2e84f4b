"""Which header fields go through the gateway, which it reads itself, and which stay outside."""

from collections.abc import Collection, Sequence
from enum import IntFlag

# RFC 9110 7.6.1, and what older proxies used.
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding "
    b"upgrade http2-settings".split()
)
# What only parts of the mesh say to each other: never taken from outside, never shown outside.
INSIDE_PREFIX = b"x-studyteddy-"
_REMEMBERED_NAMES = 4096


Pairs = Sequence[tuple[bytes, bytes]]


class Treatment(IntFlag):
    """What becomes of a field. `PASS | READ` is passed on and read."""

    DROP = 0
    PASS = 1
    READ = 2


PASS, READ, DROP = Treatment.PASS.value, Treatment.READ.value, Treatment.DROP.value


class Sieve(dict[bytes, int]):
    """Sorts fields by name: `sieve[name]` is the treatment.

    Names are remembered as they were spelled, so that the next message need not think.
    """

    def __init__(self, *, read: Collection[bytes], pass_and_read: Collection[bytes], drop: Collection[bytes]) -> None:
        super().__init__()
        self._known = (
            dict.fromkeys(HOP_BY_HOP | set(drop), DROP)
            | dict.fromkeys(read, READ)
            | dict.fromkeys(pass_and_read, PASS | READ)
        )

    def __missing__(self, name: bytes) -> int:
        lower = name.lower()
        treatment = self._known.get(lower)
        if treatment is None:
            # `x_forwarded_for` becomes the same variable as `x-forwarded-for` in some frameworks.
            foreign = lower.startswith((INSIDE_PREFIX, b"x-forwarded-", b"access-control-")) or b"_" in lower
            treatment = DROP if foreign else PASS
        if len(self) < _REMEMBERED_NAMES:
            self[name] = treatment
        return treatment


REQUEST_FIELDS = Sieve(
    read=(
        *(b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect", b"origin"),
        *(b"x-request-id", b"traceparent", b"tracestate", b"x-forwarded-for", b"x-forwarded-proto"),
        *(b"access-control-request-method",),
    ),
    pass_and_read=(b"authorization", b"range"),
    drop=(b"forwarded", b"x-real-ip", b"x-original-url", b"x-rewrite-url", b"baggage"),
)
RESPONSE_FIELDS = Sieve(
    read=(b"content-length", b"transfer-encoding", b"location", b"x-studyteddy-session", b"x-studyteddy-revoked"),
    pass_and_read=(b"content-type", b"cache-control", b"content-security-policy"),
    drop=(
        *(b"server", b"x-powered-by", b"x-request-id", b"alt-svc", b"ratelimit", b"ratelimit-policy"),
        *(b"x-content-type-options", b"x-frame-options", b"referrer-policy", b"strict-transport-security"),
        b"cross-origin-resource-policy",
    ),
)
# Present in one answer or request at most; two of them are two readings.
SINGLE = frozenset(
    {b"host", b"content-length", b"authorization", b"transfer-encoding", b"upgrade", b"origin", b"location"}
)


class Fields:
    """The header fields of one message, sorted: `lines` to pass on, `read` for ourselves, by name in lower case."""

    repeated: bytes | None = None

    def __init__(self, pairs: Pairs, sieve: Sieve) -> None:
        self.lines = b"".join([b"%b: %b\r\n" % pair for pair in pairs if sieve[pair[0]] & PASS])
        self.read: dict[bytes, bytes] = {}
        for name, value in pairs:
            if sieve[name] & READ:
                self._read(name.lower(), value)

    def _read(self, name: bytes, value: bytes) -> None:
        if name in self.read:
            if name in SINGLE:
                self.repeated = name
            value = self.read[name] + b", " + value
        self.read[name] = value

    def drop_named_by_connection(self) -> None:
        """RFC 9110 7.6.1: what `Connection` names is meant for this hop alone."""
        named = {name.strip().lower() for name in self.read.get(b"connection", b"").split(b",")}
        if named - {b"", b"close", b"keep-alive", b"upgrade"}:
            lines = self.lines.splitlines(keepends=True)
            self.lines = b"".join([line for line in lines if line.partition(b":")[0].lower() not in named])


def tokens(value: bytes | None) -> frozenset[bytes]:
    """The members of a comma-separated list, in lower case."""
    return frozenset(part.strip().lower() for part in value.split(b",")) if value else frozenset()


SECURITY = (
    b"x-content-type-options: nosniff\r\n"
    b"x-frame-options: DENY\r\n"
    b"referrer-policy: no-referrer\r\n"
    b"cross-origin-resource-policy: same-origin\r\n"
)
# For answers that are no pages: nothing in them may be run. A service that serves one says what may.
NO_CONTENT_POLICY = b"content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n"
SECURITY_HTTPS = SECURITY + b"strict-transport-security: max-age=31536000; includeSubDomains\r\n"
NO_STORE = b"cache-control: no-store\r\n"
