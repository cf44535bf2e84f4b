"""Lists by cursor: `?limit=&cursor=` → `{"items": […], "next_cursor": …}`. A cursor is the key of the last row, opaque to clients."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from chassis.errors import Invalid

T = TypeVar("T")
R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")
DEFAULT_LIMIT = 20
MAXIMUM_LIMIT = 100
# What PostgreSQL's types of these names hold.
INTEGER = 2**31 - 1
BIGINT = 2**63 - 1


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is null on the last."""

    items: Sequence[T]
    next_cursor: str | None = None


class PageRequest:
    """The page that a client asks for: `limit` rows after the row with `key` (None: from the start)."""

    def __init__(self, limit: int, cursor: str | None) -> None:
        self.limit = limit
        self.key = decode_cursor(cursor) if cursor else None

    def cut(self, rows: Sequence[R], show: Callable[[R], T], key: Callable[[R], Sequence[str | int]]) -> Page[T]:
        """The page of `rows`, which were asked for with `limit + 1`: one too many tells that there is a next page."""
        shown = rows[: self.limit]
        cursor = encode_cursor(key(shown[-1])) if len(rows) > self.limit else None
        return Page(items=[show(row) for row in shown], next_cursor=cursor)

    def before_id(self, *, most: int = BIGINT) -> int | None:
        """The key as one row number, which is `most` what the column holds; raises `Invalid`."""
        if self.key is None:
            return None
        if len(self.key) != 1 or not isinstance(self.key[0], int) or not 0 <= self.key[0] <= most:
            raise _not_ours()
        return self.key[0]

    def after(self, first: Callable[[str], A], second: Callable[[str], B]) -> tuple[A, B] | None:
        """The key as two values, each read from text, such as `after(moment, UUID)`; raises `Invalid`."""
        if self.key is None:
            return None
        try:
            one, two = self.key
            return first(one), second(two)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise _not_ours() from error


def moment(text: str) -> datetime:
    """A moment of a cursor; raises `ValueError` for one without a zone, which the database would not take."""
    if (read := datetime.fromisoformat(text)).tzinfo is None:
        raise ValueError("a moment has a zone")
    return read.astimezone(UTC)


def encode_cursor(key: Sequence[str | int]) -> str:
    """A keyset as an opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(list(key), separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> list[Any]:
    """The keyset of a cursor of ours; raises `Invalid`. The values come from outside: check them like any input."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _not_ours() from error
    if not isinstance(key, list) or not all(type(part) in {str, int} for part in key):
        raise _not_ours()
    return key


def _not_ours() -> Invalid:
    return Invalid("cursor: not a cursor of this list. Use the next_cursor of the page before, or none.")


async def _page_request(
    limit: Annotated[int, Query(ge=1, le=MAXIMUM_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> PageRequest:
    return PageRequest(limit, cursor)


PageDep = Annotated[PageRequest, Depends(_page_request)]
