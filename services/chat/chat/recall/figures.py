"""Whether an answer gives the number, the date or the formula that is asked for."""

import re
from collections.abc import Set
from itertools import pairwise

from chat.formulas import formulas
from chat.terms import word_set, words
from chat.wording import read

WHOLE, LITTLE_IS_MISSING, IN_THE_MAIN, SOME, ANOTHER = 5, 4, 3, 2, 1
_YEARS = range(1000, 2101)
_DAYS = range(1, 32)
_MONTHS = word_set("january february march april may june july august september october november december")
_DATE = re.compile(rf"(?:(?:\d{{1,2}}(?:st|nd|rd|th)?|{'|'.join(_MONTHS)}|of),?\s+)+\d{{4}}", re.IGNORECASE)


def figure_grade(answer: str, said: str, question: str) -> int | None:
    """What an answer is worth as the number, date or formula; None where something else is asked for."""
    if asked := formulas(answer):
        return _formula_grade(asked, formulas(said))
    if _DATE.fullmatch(answer):
        return _date_grade(answer, said)
    if (wanted := _number(answer)) is None:
        return None
    # Numbers that the question names are said again, not guessed.
    guessed = _numbers(said) - _numbers(question)
    if wanted in _YEARS:  # days beside a year are no other years
        told = [word.number for word in read(said).words if word.number is not None]
        if divmod(wanted, 100) in pairwise(told):  # nineteen fourteen
            return WHOLE
        guessed = {number for number in guessed if number in _YEARS} or guessed
    if wanted in guessed:
        return WHOLE if len(guessed) == 1 else SOME
    return _turned(wanted, guessed)


def _formula_grade(wanted: Set[str], told: Set[str]) -> int | None:
    """The same formula and no other; None where none is told, but perhaps said in words."""
    if not told:
        return None
    return WHOLE if told == wanted else SOME if told & wanted else ANOTHER


def _date_grade(answer: str, said: str) -> int:
    """The year decides; another day or month beside it makes it right in the main, one left out less."""
    wanted, told = _numbers(answer), _numbers(said)
    year = next(number for number in wanted if number in _YEARS)
    years = {number for number in told if number in _YEARS}
    if year not in years:
        return _turned(year, years)
    if len(years) > 1:
        return SOME
    months = [_MONTHS.intersection(words(text)) for text in (answer, said)]
    days = [{number for number in numbers if number in _DAYS} for numbers in (wanted, told)]
    if any(other and other != own for own, other in (months, days) if own):
        return IN_THE_MAIN
    return WHOLE if months[0] == months[1] and days[0] <= days[1] else LITTLE_IS_MISSING


def _turned(wanted: float, guessed: Set[float]) -> int:
    """1 for the same figures in another order."""
    return ANOTHER if any(sorted(f"{number:g}") == sorted(f"{wanted:g}") for number in guessed) else 0


def _number(answer: str) -> float | None:
    """The number that is asked for, where the answer is one."""
    found = read(_grouped(answer)).words
    if not found or found[0].number is None:
        return None
    in_words = not any(character.isdigit() for character in answer)
    whole = answer[:1].isdigit() or (in_words and all(word.number is not None for word in found))
    return found[0].number if whole else None


def _numbers(text: str) -> set[float]:
    return {word.number for word in read(_grouped(text)).words if word.number is not None and not word.negated}


def _grouped(text: str) -> str:
    """Figures as one, whether their thousands are parted by a blank or not; days without *th*."""
    return re.sub(r"(?<=\d)(?: (?=\d{3}\b)|(?:st|nd|rd|th)\b)", "", text)
