"""CloudEvents in binary mode: what is written is read back, through AMQP's own encoding, and nothing else is read."""

from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh import Envelope, Unreadable
from pamqp import decode, encode

words = st.text(min_size=1, max_size=60)
zones = st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1), timezones=zones)
envelopes = st.builds(
    Envelope,
    id=st.uuids(),
    source=words,
    type=words,
    subject=words,
    time=times,
    dataschema=words,
    aggregate_version=st.integers(0, 2**31 - 1),
    traceparent=st.none() | words,
    tracestate=st.none() | words,
    attempt=st.integers(1, 100),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text() | st.binary() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def through_amqp(headers: dict[str, Any]) -> dict[str, Any]:
    _, table = decode.field_table(encode.field_table(headers))
    return table


@given(envelopes)
def test_envelope_survives_the_wire(envelope: Envelope) -> None:
    assert Envelope.parse(through_amqp(envelope.headers())) == envelope


@given(envelopes)
def test_headers_are_a_cloud_event_in_binary_mode(envelope: Envelope) -> None:
    headers = envelope.headers()
    required = {
        f"cloudEvents:{name}" for name in ("specversion", "id", "source", "type", "subject", "time", "dataschema")
    }
    assert required <= headers.keys()
    assert headers["cloudEvents:specversion"] == "1.0"
    attributes = {name.removeprefix("cloudEvents:") for name in headers if name.startswith("cloudEvents:")}
    assert all(name.isalnum() and name.islower() for name in attributes)


@given(envelopes, st.data())
def test_one_damaged_header_is_unreadable_or_still_an_envelope(envelope: Envelope, data: st.DataObject) -> None:
    headers = envelope.headers()
    headers[data.draw(st.sampled_from(sorted(headers)))] = data.draw(anything)
    with suppress(Unreadable):
        assert isinstance(Envelope.parse(headers), Envelope)


@given(st.dictionaries(st.text(max_size=20), anything))
def test_foreign_headers_are_unreadable(headers: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        Envelope.parse(headers)


def test_time_without_a_zone_is_unreadable() -> None:
    headers = Envelope(
        id=UUID(int=1),
        source="s",
        type="t",
        subject="a",
        time=datetime.now().astimezone(),
        dataschema="d",
        aggregate_version=1,
    ).headers()
    with pytest.raises(Unreadable, match="zone"):
        Envelope.parse(headers | {"cloudEvents:time": "2026-01-01T00:00:00"})
