"""Paging: a walk sees each row once, and a cursor that was tampered with is an invalid request and nothing worse."""

import base64
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from chassis.errors import Invalid
from chassis.paging import INTEGER, PageRequest, decode_cursor, encode_cursor, moment
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.lists(st.text() | st.integers(), max_size=4)


def raw(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(KEYS)
def test_a_cursor_brings_its_key_back(key: list[str | int]) -> None:
    cursor = encode_cursor(key)
    assert decode_cursor(cursor) == key
    assert cursor.isascii()
    assert not set(cursor) & set("=+/&?# ")


@given(st.text(max_size=1000))
def test_any_text_is_a_cursor_or_invalid(text: str) -> None:
    try:
        key = decode_cursor(text)
    except Invalid:
        return
    assert isinstance(key, list)


@pytest.mark.parametrize(
    "cursor",
    [
        raw("{}"),
        raw("null"),
        raw("[null]"),
        raw("[1.5]"),
        raw("[[1]]"),
        raw("[true]"),
        raw('[{"a": 1}]'),
        raw("[1"),
        raw("[" * 700),
        raw("[NaN]"),
        raw("[" + "9" * 5000 + "]"),
        "%%%",
        "é",
        "a",
        base64.urlsafe_b64encode(b'["\xff"]').decode(),
    ],
)
def test_a_cursor_of_another_form_is_invalid(cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        decode_cursor(cursor)


@given(st.lists(st.integers(), unique=True, max_size=60), st.integers(1, 10))
def test_a_walk_over_the_pages_sees_each_row_once(values: list[int], limit: int) -> None:
    rows, cursor = sorted(values), None
    seen: list[str] = []
    while True:
        request = PageRequest(limit, cursor)
        after = request.key[0] if request.key else None
        asked = [row for row in rows if after is None or row > after][: limit + 1]
        page = request.cut(asked, show=str, key=lambda row: (row,))
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == limit
    assert seen == [str(row) for row in rows]


def test_a_key_is_read_as_what_the_list_is_sorted_by() -> None:
    when, who = datetime(2026, 11, 20, 9, tzinfo=UTC), UUID(int=7)
    request = PageRequest(10, encode_cursor([when.isoformat(), str(who)]))
    assert request.after(moment, UUID) == (when, who)
    assert PageRequest(10, None).after(moment, UUID) is None


@pytest.mark.parametrize(
    "key",
    [
        [],
        ["2026-11-20T09:00:00+00:00"],
        ["2026-11-20T09:00:00+00:00", "no id"],
        ["2026-11-20T09:00:00", str(UUID(int=7))],
        ["9999-12-31T23:59:59-12:00", str(UUID(int=7))],
        ["yesterday", str(UUID(int=7))],
        [1, 2],
        ["2026-11-20T09:00:00+00:00", str(UUID(int=7)), 3],
    ],
)
def test_a_key_of_another_list_is_invalid(key: list[str | int]) -> None:
    with pytest.raises(Invalid, match="cursor"):
        PageRequest(10, encode_cursor(key)).after(moment, UUID)


def test_a_list_by_number_reads_a_number() -> None:
    assert PageRequest(10, encode_cursor([41])).before_id() == 41
    assert PageRequest(10, None).before_id() is None
    for key in ([], ["41"], [-1], [2**63], [1, 2]):
        with pytest.raises(Invalid):
            PageRequest(10, raw(json.dumps(key))).before_id()
    with pytest.raises(Invalid):
        PageRequest(10, encode_cursor([2**31])).before_id(most=INTEGER)
