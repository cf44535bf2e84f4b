"""The little of protocol buffers' wire format that Anki's packages need: numbers and bytes by field."""

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def fields_of(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message in their order: number and value. Raises `ValueError` where it is none."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            length, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("no such wire type")
        if at + length > len(message):
            raise ValueError("the message ends too early")
        yield tag >> 3, message[at : at + length]
        at += length


def text_of(value: int | bytes | None) -> str:
    """A field that holds text. Raises `ValueError` for one that does not."""
    if isinstance(value, int):
        raise ValueError("a number where text should be")  # noqa: TRY004 # the message is malformed, not the call
    return (value or b"").decode()


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError("the number does not end")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
