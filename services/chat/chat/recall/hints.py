"""Hints to an open question, each saying more than the one before, and the last one not everything."""

import re

from chat.recall.drafts import BLANK, SHORT
from chat.recall.turns import Question
from chat.terms import STOP_WORDS, words

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def hint(question: Question, given: int) -> str:
    """The hint after so many others."""
    if given == 0:
        return f"{_place(question)} {_size(question)}"
    if question.form in SHORT:
        return f"It begins like this: {_begun(question.answer, 0.0 if given == 1 else 0.5)}"
    return f"It could be said like this: {_gapped(question.answer, every=1 if given == 1 else 2)}"


def _place(question: Question) -> str:
    source = question.source
    where = f"on page {source.page}" if source.page is not None else f"in part {source.part}"
    return f"It stands {where} of “{source.document_title}”."


def _size(question: Question) -> str:
    said = words(question.answer)
    if question.form not in SHORT:
        return f"The answer there has about {len(question.answer.split())} words."
    letters = " and ".join(str(len(word)) for word in said)
    kind = "digits" if question.answer.isdigit() else "letters"
    return f"It is {'one word' if len(said) == 1 else f'{len(said)} words'}, of {letters} {kind}."


def _begun(answer: str, share: float) -> str:
    """The first letter of each word, or so large a share of it, and dots for the others; never the whole word."""

    def begun(match: re.Match[str]) -> str:
        word = match.group()
        shown = min(max(1, int(len(word) * share)), max(1, len(word) - 1))
        return word[:shown] + "·" * (len(word) - shown)

    return _WORD.sub(begun, answer)


def _gapped(answer: str, *, every: int) -> str:
    """The answer with gaps for the words that carry it: for each, or for every second."""
    place = -1

    def gap(match: re.Match[str]) -> str:
        nonlocal place
        if match.group().casefold() in STOP_WORDS:
            return match.group()
        place += 1
        return match.group() if place % every else BLANK

    return _WORD.sub(gap, answer)
