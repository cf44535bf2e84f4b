"""What a child says to the worker, over a pipe: a length, a JSON object, and again."""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

_LENGTH = struct.Struct(">I")
# A page of a million characters as JSON; a child that announces more is not ours any more.
LARGEST_FRAME = 16 * 1024 * 1024
LENGTH_SIZE = _LENGTH.size


@dataclass(frozen=True, slots=True)
class Opened:
    """The file could be opened. `parts` is how many `Part`s will come in all."""

    parts: int
    has_pages: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One page, or one part of a text without pages. `text` is None where the page could not be read.

    `pictures` says whether a page without text shows something all the same.
    """

    number: int
    text: str | None
    pictures: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """Everything was said."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The file cannot be read, and why: a code of `failures.py`. `final` where no other reader would do better."""

    code: str
    final: bool = True


Frame = Opened | Part | Finished | Refused
_KINDS: dict[str, Callable[..., Frame]] = {kind.__name__: kind for kind in (Opened, Part, Finished, Refused)}
Reader = Literal["first", "last_resort"]


@dataclass(frozen=True, slots=True)
class Order:
    """What a child is to read: parts `first`…`last` of the file at `path`, with the reader of choice or of last resort."""

    path: str
    kind: str
    first: int = 1
    last: int | None = None
    reader: Reader = "first"


def encode(frame: Frame) -> bytes:
    """A frame as it goes over the pipe."""
    fields = {name: getattr(frame, name) for name in frame.__slots__}
    body = json.dumps([type(frame).__name__, fields], ensure_ascii=False).encode()
    return _LENGTH.pack(len(body)) + body


def body_length(header: bytes | bytearray) -> int:
    """How many bytes follow; raises `ValueError` for more than any frame has."""
    length: int = _LENGTH.unpack(header)[0]
    if length > LARGEST_FRAME:
        raise ValueError(f"a frame of {length} bytes")
    return length


def decode(body: bytes) -> Frame:
    """The frame of a body; raises `ValueError` for what is none."""
    try:
        name, fields = json.loads(body)
        make: Any = _KINDS[name]
        frame: Frame = make(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError("not a frame") from error
    return frame
