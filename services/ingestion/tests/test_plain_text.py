"""Bytes of text files into characters, or a clear refusal."""

import codecs
import random

import pytest
from ingestion.failures import ReadingFailed
from ingestion.reading.plain import decode

FRENCH = "Les étudiants révisent à l'été : façade, cœur de métier, où, naïve, garçon, déjà vu."
QUOTES = "The “invisible hand” – Adam Smith’s idea – isn’t magic. It’s about prices…"
GERMAN = "Die Größe der Bevölkerung wächst über Jahrzehnte. Maßgeblich sind Geburten und Zuwanderung."
RUSSIAN = "Предложение и спрос определяют цену товара на рынке. Эластичность показывает чувствительность."
POLISH = "Zażółć gęślą jaźń. Popyt i podaż określają cenę na rynku. Elastyczność mierzy wrażliwość."


@pytest.mark.parametrize(
    "text", [FRENCH, QUOTES, GERMAN, RUSSIAN, POLISH, "需要と供給が市場価格を決定する。", "plain", "x"]
)
def test_utf_8_is_read(text: str) -> None:
    assert decode(text.encode()) == text
    assert decode(codecs.BOM_UTF8 + text.encode()) == text


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_what_a_byte_order_mark_names_is_read(mark: bytes, encoding: str) -> None:
    assert decode(mark + RUSSIAN.encode(encoding)) == RUSSIAN


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised(encoding: str) -> None:
    assert decode(GERMAN.encode(encoding)) == GERMAN


@pytest.mark.parametrize("text", [FRENCH, QUOTES, GERMAN, "Café notes: supply and demand", "à la carte"])
def test_western_legacy_text_is_read(text: str) -> None:
    assert decode(text.encode("cp1252")) == text


def test_latin_1_is_read() -> None:
    text = "La photosynthèse transforme l'énergie lumineuse en énergie chimique."
    assert decode(text.encode("latin-1")) == text


@pytest.mark.parametrize(("text", "encoding"), [(RUSSIAN, "cp1251"), (POLISH, "cp1250")])
def test_other_legacy_text_is_read(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xff\xff\xff",
        b"Hello \xc3\x28 world",
        b"valid text then \xf0\x28\x8c\x28 and more ordinary English words follow here",
        GERMAN.encode() + b" abc \xff\xfe\x80 def " + "ä".encode(),
        "Die Größe der Bevölkerung ä".encode()[:-1],
        b"\x80\x81\x82\x83 \xfe\xff invalid \xc0\xaf" * 10,
        codecs.BOM_UTF16_LE + b"odd",
        codecs.BOM_UTF16_LE + b"\x00\xd8\x00\x00",
        codecs.BOM_UTF8 + b"\xff",
        random.Random(1).randbytes(2000),
        b"text with \x01\x02\x03\x04\x05\x06 control",
    ],
)
def test_invalid_characters_are_refused_and_not_guessed(content: bytes) -> None:
    with pytest.raises(ReadingFailed) as refused:
        decode(content)
    assert refused.value.code == "document-encoding"
