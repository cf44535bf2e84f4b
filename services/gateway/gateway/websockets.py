"""What the gateway knows of WebSocket frames (RFC 6455 5.2): where one ends, and how to say goodbye.

Frames are passed on as bytes. To close a tunnel politely, a close frame must not land in the middle of another frame.
"""

import struct

GOING_AWAY = 1001
POLICY_VIOLATION = 1008
_CLOSE = 0x88
_LONGEST_HEADER = 14


class FrameBoundary:
    """Follows a direction of a tunnel, and knows whether a frame has just ended."""

    __slots__ = ("_header", "_left")

    def __init__(self) -> None:
        self._header = b""
        self._left = 0

    @property
    def between_frames(self) -> bool:
        """Whether a frame of ours may stand here."""
        return self._left == 0 and not self._header

    def follow(self, chunk: bytes) -> None:
        """Take note of bytes that were passed on."""
        at = 0
        while at < len(chunk):
            if self._left:
                step = min(self._left, len(chunk) - at)
                self._left -= step
                at += step
                continue
            known = len(self._header)
            header = self._header + chunk[at : at + _LONGEST_HEADER - known]
            size = _header_size(header)
            if size is None:
                self._header = header
                return
            self._header = b""
            self._left = _payload_size(header)
            at += size - known


def _header_size(header: bytes) -> int | None:
    if len(header) < 2:
        return None
    length = header[1] & 0x7F
    size = 2 + {126: 2, 127: 8}.get(length, 0) + (4 if header[1] & 0x80 else 0)
    return size if len(header) >= size else None


def _payload_size(header: bytes) -> int:
    length = header[1] & 0x7F
    if length == 126:
        return int(struct.unpack_from("!H", header, 2)[0])
    if length == 127:
        return int(struct.unpack_from("!Q", header, 2)[0])
    return length


def close_frame(code: int, reason: str) -> bytes:
    """A close frame as a server sends it, unmasked."""
    payload = struct.pack("!H", code) + reason.encode()[:120]
    return bytes((_CLOSE, len(payload))) + payload
