"""Heads on their way through: how the service sees a request, and how the client sees an answer."""

from gateway.addresses import Origin
from gateway.admission import Admission
from gateway.answers import status_line
from gateway.headers import NO_CONTENT_POLICY, NO_STORE, Fields
from gateway.pool import Pool
from gateway.requests import RequestHead
from gateway.routes import ALIAS, PREFIX

_UPGRADE = b"connection: Upgrade\r\nupgrade: websocket\r\n"
_CHUNKED = b"transfer-encoding: chunked\r\n"


def request_head(head: RequestHead, admission: Admission, pool: Pool, origin: Origin, trace_lines: bytes) -> bytes:
    """The request as the service gets it: our framing, our word on where it comes from."""
    if admission.route is not None and admission.route.websocket:
        framing = _UPGRADE
    elif head.fields.chunked:
        framing = _CHUNKED
    elif head.fields.may_have_more and b"content-length" in head.fields.read:
        framing = b"content-length: %d\r\n" % head.fields.content_length
    else:
        framing = b""
    return b"%b %b%b HTTP/1.1\r\nhost: %b\r\nx-forwarded-host: %b\r\n%b%b%b%b\r\n" % (
        admission.method,
        admission.inner_path,
        head.target.query,
        pool.authority,
        head.host,
        origin.forwarding,
        trace_lines,
        framing,
        head.fields.lines,
    )


def answer_head(status: int, fields: Fields, head: RequestHead, pool: Pool, *, common: bytes, framing: bytes) -> bytes:
    """The answer's head as the client gets it. `common` are lines of every answer, `framing` says how the body ends."""
    location = fields.read.get(b"location")
    return b"%b%b%b%b%b%b%b\r\n" % (
        status_line(status),
        fields.lines,
        b"location: %b\r\n" % outer_location(location, head, pool) if location is not None else b"",
        b"" if b"cache-control" in fields.read else NO_STORE,
        b"" if b"content-security-policy" in fields.read else NO_CONTENT_POLICY,
        common,
        framing,
    )


def outer_location(location: bytes, head: RequestHead, pool: Pool) -> bytes:
    """A place as the client can reach it: services know neither the prefix nor the host under which they are seen."""
    location = location.removeprefix(pool.origin)
    path = head.target.path
    if not location.startswith(b"/") or location.startswith((b"//", ALIAS + b"/")) or not path.startswith(ALIAS + b"/"):
        return location
    return (PREFIX if path.startswith(PREFIX + b"/") else ALIAS) + location


def has_body(status: int, method: bytes) -> bool:
    """Whether an answer of that status to that method has a body (RFC 9110 6.4.1)."""
    return method != b"HEAD" and status >= 200 and status not in (204, 304)
