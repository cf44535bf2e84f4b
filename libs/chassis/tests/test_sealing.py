"""The key ring: what it seals only it opens, and keys rotate under what is sealed."""

import base64

import pytest
from chassis.sealing import KeyRing, SealBroken
from hypothesis import given
from hypothesis import strategies as st


def encoded(byte: int) -> str:
    return base64.b64encode(bytes([byte]) * 32).decode()


RING = KeyRing(f"1:{encoded(1)}")


@given(st.text())
def test_what_is_sealed_opens(text: str) -> None:
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        return
    sealed = RING.seal(text)
    assert RING.open(sealed) == text
    assert len(text) < 8 or text not in sealed


def test_two_seals_of_one_text_differ() -> None:
    assert RING.seal("hush") != RING.seal("hush")


def test_a_newer_key_seals_and_the_older_still_opens() -> None:
    sealed = RING.seal("hush")
    rotated = KeyRing(f" 2:{encoded(2)} , 1:{encoded(1)} ")
    assert rotated.open(sealed) == "hush"
    assert rotated.seal("hush").startswith("2.")
    with pytest.raises(SealBroken):
        RING.open(rotated.seal("hush"))
    with pytest.raises(SealBroken):
        KeyRing(f"2:{encoded(2)}").open(sealed)


def test_a_seal_under_another_keys_name_does_not_open() -> None:
    other = KeyRing(f"1:{encoded(9)}")
    with pytest.raises(SealBroken):
        RING.open(other.seal("hush"))


@given(st.text(max_size=100))
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    for attempt in (text, f"1.{text}"):
        with pytest.raises(SealBroken):
            RING.open(attempt)


@given(st.integers(2, 60), st.characters(codec="ascii", categories=["L", "N"]))
def test_a_changed_seal_does_not_open(place: int, character: str) -> None:
    sealed = RING.seal("hush")
    if sealed[place] == character:
        return
    with pytest.raises(SealBroken):
        RING.open(sealed[:place] + character + sealed[place + 1 :])


def test_the_error_quotes_no_more_than_a_key_id() -> None:
    with pytest.raises(SealBroken) as broken:
        RING.open("a-long-secret-without-any-dot-in-it")
    assert "without" not in str(broken.value)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "1",
        "1:",
        ":" + encoded(1),
        "1:%%%",
        "1:c2hvcnQ=",
        encoded(1),
        f"1:{encoded(1)},",
        f"1:{encoded(1)},1:{encoded(2)}",
    ],
)
def test_a_ring_that_cannot_be_read_is_refused_without_quoting_it(written: str) -> None:
    with pytest.raises(ValueError, match="key ring") as refused:
        KeyRing(written)
    assert len(written) < 20 or written not in str(refused.value)
