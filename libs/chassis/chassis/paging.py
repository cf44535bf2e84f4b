"""Lists by cursor: `?limit=&cursor=` → `{"items": […], "next_cursor": …}`. A cursor is the key of the last row, opaque to clients."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from chassis.errors import Invalid

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
DEFAULT_LIMIT = 20
MAXIMUM_LIMIT = 100


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is null on the last."""

    items: Sequence[T]
    next_cursor: str | None = None


class PageRequest:
    """The page that a client asks for: `limit` rows after the row with `key` (None: from the start)."""

    def __init__(self, limit: int, cursor: str | None) -> None:
        self.limit = limit
        self.key = decode_cursor(cursor) if cursor else None

    def after(self, first: Callable[[str], A], second: Callable[[str], B]) -> tuple[A, B] | None:
        """The key as two values, each read from text, such as `after(datetime.fromisoformat, UUID)`; raises `Invalid`."""
        if self.key is None:
            return None
        try:
            one, two = self.key
            return first(one), second(two)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise _not_ours() from error


def encode_cursor(key: Sequence[str | int]) -> str:
    """A keyset as an opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(list(key), separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> list[Any]:
    """The keyset of a cursor of ours; raises `Invalid`. The values come from outside: check them like any input."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _not_ours() from error
    if not isinstance(key, list) or not all(isinstance(part, str | int) for part in key):
        raise _not_ours()
    return key


def _not_ours() -> Invalid:
    return Invalid("cursor: not a cursor of this list. Use the next_cursor of the page before, or none.")


def _page_request(
    limit: Annotated[int, Query(ge=1, le=MAXIMUM_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> PageRequest:
    return PageRequest(limit, cursor)


PageDep = Annotated[PageRequest, Depends(_page_request)]
