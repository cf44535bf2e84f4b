"""Answers that the gateway gives itself, as bytes on the wire."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from chassis.errors import PROBLEM_MEDIA_TYPE, Problem

from gateway.headers import NO_CONTENT_POLICY, NO_STORE

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def status_line(status: int) -> bytes:
    """The first line of an answer."""
    return _LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `lines` are header lines with their line ends."""

    status: int
    lines: bytes = b""
    body: bytes = b""
    media_type: str | None = None

    def render(self, extra: bytes, *, without_body: bool, close: bool) -> bytes:
        """The bytes to send; a 204 and the answer to a HEAD have no body."""
        parts = [status_line(self.status), f"date: {formatdate(usegmt=True)}\r\n".encode(), self.lines, extra]
        if self.media_type is not None:
            parts.append(f"content-type: {self.media_type}\r\n".encode())
        if self.status != HTTPStatus.NO_CONTENT:
            parts.append(b"content-length: %d\r\n" % len(self.body))
        parts.append(b"connection: close\r\n\r\n" if close else b"\r\n")
        if not without_body:
            parts.append(self.body)
        return b"".join(parts)


def problem(refusal: Problem, *, path: bytes, request_id: bytes) -> Answer:
    """RFC 9457."""
    document = refusal.document(path.decode("latin-1") or None) | {"request_id": request_id.decode("ascii")}
    fields = "".join(f"{name.lower()}: {value}\r\n" for name, value in refusal.headers.items())
    return Answer(
        refusal.status,
        fields.encode("latin-1") + NO_STORE + NO_CONTENT_POLICY,
        json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(),
        PROBLEM_MEDIA_TYPE,
    )


def json_answer(document: object, status: int = 200, lines: Sequence[bytes] = (NO_STORE, NO_CONTENT_POLICY)) -> Answer:
    """A JSON document of our own."""
    return Answer(status, b"".join(lines), json.dumps(document).encode(), "application/json")
