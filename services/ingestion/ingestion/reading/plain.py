"""Text and Markdown: bytes into characters, without guessing where a wrong guess would be silent."""

import codecs
import re

from charset_normalizer import from_bytes

from ingestion.failures import ReadingFailed

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SEQUENCE = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
# What the upper half of Windows-1252 is used for in western European languages: letters, quotes, dashes, signs.
_WESTERN = frozenset(
    "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿßœšžÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝŒŠŽ‘’“”‚„«»‹›–—…•·°§€£¥©®™±²³¼½¾×÷¿¡µ¶ªº´¨\u00a0"
)
# A letter beyond ASCII beside another letter, or one of those that are words by themselves.
_IN_WORD = re.compile(
    r"(?<=[^\W\d_])[^\W\d_\x00-\x7f]|[^\W\d_\x00-\x7f](?=[^\W\d_])|\b[àáèéêìíòóôùúýåäöæ]\b", re.IGNORECASE
)


def decode(content: bytes) -> str:
    """The characters of a text file. Raises `ReadingFailed` where they are not valid."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _sound(_strictly(content[len(mark) :], encoding))
    if (wide := _wide(content)) is not None:
        return _sound(_strictly(content, wide))
    try:
        return _sound(content.decode("utf-8"))
    except UnicodeDecodeError:
        return _sound(_legacy(content))


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ReadingFailed("document-encoding") from error


def _wide(content: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of western text is zero."""
    sample = content[:4096]
    if len(sample) < 4 or 0 not in sample:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and odd < 0.05 * half else None


def _legacy(content: bytes) -> str:
    """An encoding from before Unicode. Text that is mostly UTF-8 is damaged UTF-8, and said to be."""
    if len(_SEQUENCE.findall(content)) * 2 > sum(byte >= 0xC0 for byte in content):
        raise ReadingFailed("document-encoding")
    if (western := _western(content)) is not None:
        return western
    best = from_bytes(content).best()
    if best is None or best.percent_chaos > 10 or best.percent_coherence < 20 or not _says_words(str(best)):
        raise ReadingFailed("document-encoding")
    return str(best)


def _western(content: bytes) -> str | None:
    """As Windows-1252 (a superset of Latin-1), where that gives words: guessers take short texts for Baltic or DOS ones."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return None
    upper = [character for character in text if ord(character) > 127]
    if any(character not in _WESTERN for character in upper) or len(upper) > 0.2 * len(text):
        return None
    return text if _says_words(text) else None


def _says_words(text: str) -> bool:
    """Letters beyond ASCII stand in words; in bytes that are no text they stand anywhere."""
    letters = sum(character.isalpha() for character in text if ord(character) > 127)
    return 2 * len(_IN_WORD.findall(text)) >= letters


def _sound(text: str) -> str:
    """Refuse what has the form of text and is none."""
    if len(_CONTROL.findall(text[:100_000])) > 0.01 * min(len(text), 100_000):
        raise ReadingFailed("document-encoding")
    return text
