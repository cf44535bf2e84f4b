"""What a client asks: one request head, checked before anything is done with it."""

import re
from functools import lru_cache

from chassis.errors import Malformed

from gateway.headers import REQUEST_FIELDS, Fields, Pairs, tokens
from gateway.refusals import HeadTooLarge, NotImplementedHere, VersionNotSupported
from gateway.targets import Target, parse

MAXIMUM_FIELDS = 100
_HOST = re.compile(rb"(?:[a-z0-9._-]*|\[[0-9a-f:.]+\])(?::\d{0,5})?")
# llhttp accepts more digits than any body has.
_LONGEST_LENGTH = 18


class RequestFields(Fields):
    """The header fields of a request. A client that keeps its connection sends the same ones again and again."""

    __slots__ = ("count", "may_have_more", "pairs", "size")

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(pairs, REQUEST_FIELDS)
        self.pairs = pairs
        self.count = len(pairs)
        self.size = sum([len(name) + len(value) + 4 for name, value in pairs])
        self.may_have_more = not self.read.keys().isdisjoint((b"content-length", b"transfer-encoding", b"upgrade"))
        """Whether something may follow the head: a body, or a WebSocket."""


class RequestHead:
    """A request line and its header fields.

    `check()` reads the rest of the attributes, and raises a `Problem` where the head may be read in two ways: who forwards
    such a head smuggles for somebody.
    """

    target = Target(b"/", b"")
    host = b""
    origin: bytes | None = None
    content_length = 0
    chunked = False
    has_body = False
    expects_continue = False
    wants_close = False
    wants_websocket = False

    def __init__(self, method: bytes, version: str, target: bytes, fields: "RequestFields") -> None:
        self.method = method
        self.version = version
        self.fields = fields
        self._raw_target = target

    def check(self, *, maximum_size: int) -> None:
        """Read the whole head; raises the problem that it deserves."""
        fields, read = self.fields, self.fields.read
        if fields.size + len(self._raw_target) > maximum_size or fields.count > MAXIMUM_FIELDS:
            raise HeadTooLarge(f"Send at most {MAXIMUM_FIELDS} header fields, and {maximum_size} bytes of them.")
        if self.version not in ("1.1", "1.0"):
            raise VersionNotSupported("Speak HTTP/1.1.")
        if fields.repeated is not None:
            raise Malformed(f"The header field {fields.repeated.decode()} stands there twice. Send it once.")
        if fields.may_have_more:
            self._check_framing(read)
        self.target = parse(self._raw_target)
        self._check_host(read)
        if b"connection" in read or self.version == "1.0":
            self._check_connection(read)
        self.origin = read.get(b"origin")

    def _check_framing(self, read: dict[bytes, bytes]) -> None:
        # The parser refuses Transfer-Encoding beside Content-Length, a Content-Length that is no number, and folded lines.
        if (encoding := read.get(b"transfer-encoding")) is not None:
            if encoding.strip().lower() != b"chunked":
                raise NotImplementedHere("The only transfer coding here is chunked.")
            if self.version == "1.0":
                raise Malformed("HTTP/1.0 knows no transfer codings. Send Content-Length, or speak HTTP/1.1.")
            self.chunked = True
        if (length := read.get(b"content-length")) is not None:
            digits = length.strip()
            if not digits.isdigit() or len(digits) > _LONGEST_LENGTH:
                raise Malformed("Content-Length is no number.")
            self.content_length = int(digits)
        self.has_body = self.chunked or self.content_length > 0
        if (expectation := read.get(b"expect")) is not None:
            self.expects_continue = self.has_body and expectation.strip().lower() == b"100-continue"

    def _check_host(self, read: dict[bytes, bytes]) -> None:
        host = read.get(b"host")
        if host is None and self.version == "1.1":
            raise Malformed("HTTP/1.1 needs exactly one Host header field.")
        self.host = _normal_host(self.target.authority or host or b"")

    def _check_connection(self, read: dict[bytes, bytes]) -> None:
        connection = tokens(read.get(b"connection"))
        self.wants_close = b"close" in connection or self.version == "1.0"
        if connection - {b"close", b"keep-alive"}:
            self.fields.drop_named_by_connection()
        if b"upgrade" in connection and b"upgrade" in read:
            if self.has_body:
                raise NotImplementedHere("A request with a body cannot change the protocol.")
            self.wants_websocket = self.method == b"GET" and read[b"upgrade"].strip().lower() == b"websocket"
            # The parser stops at an upgrade, taken or not.
            self.wants_close = True


@lru_cache(maxsize=1024)
def _normal_host(host: bytes) -> bytes:
    host = host.strip().lower()
    if not _HOST.fullmatch(host):
        raise Malformed("Host is no host name.")
    return host
