"""What a client asks: one request head, checked before anything is done with it."""

import re

from chassis.errors import Malformed

from gateway.headers import REQUEST_FIELDS, Fields, Pairs, tokens
from gateway.refusals import HeadTooLarge, NotImplementedHere, VersionNotSupported
from gateway.targets import Target, parse

MAXIMUM_FIELDS = 100
_HOST = re.compile(rb"(?:[a-z0-9._-]*|\[[0-9a-f:.]+\])(?::\d{0,5})?")
# llhttp accepts more digits than any body has.
_LONGEST_LENGTH = 18


class RequestFields(Fields):
    """The header fields of a request. A client that keeps its connection sends the same ones again and again.

    `check` reads the other attributes, and raises a `Problem` where the fields may be read in two ways: who forwards such a
    head smuggles for somebody.
    """

    content_length = 0
    chunked = False
    has_body = False
    expects_continue = False
    wants_close = False
    wants_websocket = False
    host = b""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(pairs, REQUEST_FIELDS)
        self.pairs = pairs
        self.size = sum([len(name) + len(value) + 4 for name, value in pairs])
        self.may_have_more = not self.read.keys().isdisjoint((b"content-length", b"transfer-encoding", b"upgrade"))
        """Whether something may follow the head: a body, or a WebSocket."""
        self.origin = self.read.get(b"origin")
        self.authorization = self.read.get(b"authorization")
        self._checked_for: str | None = None

    def check(self, version: str) -> None:
        """Read what is needed to forward them; the fields of the request before were checked already."""
        if version == self._checked_for:
            return
        if version not in ("1.1", "1.0"):
            raise VersionNotSupported("Speak HTTP/1.1.")
        if len(self.pairs) > MAXIMUM_FIELDS:
            raise HeadTooLarge(f"Send at most {MAXIMUM_FIELDS} header fields.")
        if self.repeated is not None:
            raise Malformed(f"The header field {self.repeated.decode()} stands there twice. Send it once.")
        self._check_framing(version)
        self._check_host(version)
        self._check_connection(version)
        self._checked_for = version

    def _check_framing(self, version: str) -> None:
        # The parser refuses Transfer-Encoding beside Content-Length, a Content-Length that is no number, and folded lines.
        if (encoding := self.read.get(b"transfer-encoding")) is not None:
            if encoding.strip().lower() != b"chunked":
                raise NotImplementedHere("The only transfer coding here is chunked.")
            if version == "1.0":
                raise Malformed("HTTP/1.0 knows no transfer codings. Send Content-Length, or speak HTTP/1.1.")
            self.chunked = True
        if (length := self.read.get(b"content-length")) is not None:
            digits = length.strip()
            if not digits.isdigit() or len(digits) > _LONGEST_LENGTH:
                raise Malformed("Content-Length is no number.")
            self.content_length = int(digits)
        self.has_body = self.chunked or self.content_length > 0
        expectation = self.read.get(b"expect", b"")
        self.expects_continue = self.has_body and expectation.strip().lower() == b"100-continue"

    def _check_host(self, version: str) -> None:
        host = self.read.get(b"host")
        if host is None and version == "1.1":
            raise Malformed("HTTP/1.1 needs exactly one Host header field.")
        self.host = _normal_host(host or b"")

    def _check_connection(self, version: str) -> None:
        connection = tokens(self.read.get(b"connection"))
        self.wants_close = b"close" in connection or version == "1.0"
        if connection - {b"close", b"keep-alive"}:
            self.drop_named_by_connection()
        if b"upgrade" in connection and b"upgrade" in self.read:
            if self.has_body:
                raise NotImplementedHere("A request with a body cannot change the protocol.")
            self.wants_websocket = self.read[b"upgrade"].strip().lower() == b"websocket"
            # The parser stops at an upgrade, taken or not.
            self.wants_close = True


class RequestHead:
    """A request line and its header fields. `check` raises the problem that it deserves, and reads target and host."""

    target = Target(b"/", b"")
    host = b""

    def __init__(self, method: bytes, version: str, target: bytes, fields: RequestFields) -> None:
        self.method = method
        self.version = version
        self.fields = fields
        self._raw_target = target

    def check(self, *, maximum_size: int) -> None:
        """Read the whole head."""
        fields = self.fields
        if fields.size + len(self._raw_target) > maximum_size:
            raise HeadTooLarge(f"Send at most {maximum_size} bytes of header fields.")
        fields.check(self.version)
        self.target = target = parse(self._raw_target)
        self.host = fields.host if target.authority is None else _normal_host(target.authority)


def _normal_host(host: bytes) -> bytes:
    host = host.strip().lower()
    if not _HOST.fullmatch(host):
        raise Malformed("Host is no host name.")
    return host
