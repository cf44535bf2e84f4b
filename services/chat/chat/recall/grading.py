"""Grades an answer without a language model: by what it says of what was asked, and how near it is in meaning.

Grades are SM-2's quality of a response: 5 whole, 4 right but for little, 3 right in the main, 2 some of it, 1 wrong but about it,
0 nothing. Telling a student that wrong is right is the worst that can happen, so what turns the answer into its opposite (a denial, an
opposed word, another number, exchanged roles) holds it at 1 whatever else is right.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product, takewhile
from math import exp

from chat.alignment import align
from chat.lexicon import alike, denies
from chat.recall.drafts import SHORT, Form
from chat.recall.hearing import guesses, repeats, says_nothing
from chat.recall.reversals import heard as read_answer
from chat.recall.reversals import reversed_around
from chat.recall.spelling import is_typo
from chat.terms import stem, words
from chat.wording import Reading, Word, negates, read

_LIGHT = 0.35
_FORM_OF = 0.85  # of a word's weight, where only a derived form of it is said
_ASIDE = 0.25  # what is said beside it and stands there, too
_STEPS = (0.15, 0.3, 0.45, 0.62, 0.78)
ABOUT_IT = 1
_WORDS_ENOUGH = 0.6
_SPEAKS_OF_IT = 0.6
# Where half of an answer's meaning is there, and how fast it comes; how whole it is, its length tells better than its words.
_NEAR, _SLOPE = 0.48, 0.09
_RIGHT_BY_WORDS = 4
_SHORTEST_ROOT = 5
_DENIES_WITHIN = 3
_TERM_TOKEN = re.compile(r"[\w'’-]+|[,;:.!?—–]")
_SCOPE_ENDS = frozenset((*",;:.!?—–", "but"))  # "unlike osmosis, diffusion" denies no diffusion
_OTHER_THAN = re.compile(r"\b(?:(?:any|every|no)thing but|other than|rather than|instead of|the opposite of|unlike)\b")


@dataclass(frozen=True, slots=True)
class Task:
    """What is graded against: `answer` is what is asked for, `sentence` says it, `context` is what stands around it."""

    form: Form
    concept: str
    question: str
    answer: str
    sentence: str
    context: str


@dataclass(frozen=True, slots=True)
class Grade:
    """`missing` are words of the answer that were not said, in its order; `twist` is what says the opposite, if anything does.

    `held` is the share of the answer that was said in its own words or ones that mean the same, 0 to 1.
    """

    grade: int
    missing: tuple[str, ...] = ()
    twist: str | None = None
    silent: bool = False
    held: float = 1.0

    @property
    def by_meaning_alone(self) -> bool:
        """Whether it speaks for an answer whose words do not."""
        return self.grade > ABOUT_IT and self.held < _WORDS_ENOUGH


def grade(task: Task, said: str, nearness: float | None = None) -> Grade:
    """The grade of what a student said. `nearness` is the cosine of it and the answer, where it is known."""
    if says_nothing(said):
        return Grade(0, silent=True)
    if task.form in SHORT:
        return _of_a_term(task, said, nearness)
    if repeats(said, task.question):
        return Grade(0)
    return _of_a_statement(task, said, nearness)


def _of_a_statement(task: Task, said: str, nearness: float | None) -> Grade:
    heard, asked = read_answer(said), read(task.question).bases
    wanted = [word for word in _once(read(task.answer).words) if word.base not in asked]
    twist = _twist(task, heard)
    held = {word.place: _held(word, heard) for word in wanted}
    total = sum(map(_weight, wanted)) or 1.0
    coverage = sum(_weight(word) * held[word.place] for word in wanted) / total
    beside = _beside(task, heard, wanted, asked)
    value = sum(coverage + _ASIDE * beside >= step for step in _STEPS)
    if nearness is not None:
        length = min(1.0, sum(word.base not in asked for word in _once(heard.words)) / max(1, len(wanted)))
        near = 1 / (1 + exp((_NEAR - nearness) / _SLOPE))
        meant = min(5, round(5 * near * (0.5 + 0.5 * length) + beside))
        value = max(meant, value) if value >= _RIGHT_BY_WORDS else meant
    missing = tuple(word.text for word in wanted if not held[word.place] and not word.light)
    if twist is not None:
        return Grade(min(value, ABOUT_IT), missing, twist, held=coverage)
    return Grade(value, missing, held=coverage)


def _once(listed: Iterable[Word]) -> list[Word]:
    return list({word.base: word for word in reversed(list(listed))}.values())[::-1]


def _weight(word: Word) -> float:
    return _LIGHT if word.light else 1.0


def _held(word: Word, heard: Reading) -> float:
    """How well a word is said: itself, or one that means the same, a form of it, a typo."""
    if word.number is not None:
        return 1.0 if any(other.number == word.number for other in heard.words) else 0.0
    if any(word.base == other.base or alike(word.base, other.base) for other in heard.words):
        return 1.0
    if any(is_typo(other.text, word.text) for other in heard.words):
        return 1.0
    return _FORM_OF if any(_same_root(word.text, other.text) for other in heard.words) else 0.0


def _same_root(one: str, other: str) -> bool:
    """*Conform* and *conformity*: a long beginning in common."""
    shared = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        shared += 1
    short, long = sorted((len(one), len(other)))
    if shared >= _SHORTEST_ROOT:
        return shared >= 0.6 * long
    return shared == _SHORTEST_ROOT - 1 and shared >= short - 1 and shared >= 0.5 * long


def _beside(task: Task, heard: Reading, wanted: Sequence[Word], asked: frozenset[str]) -> float:
    """The share of what is said beside the answer, and stands around it."""
    known = {word.base for word in wanted} | asked
    around = [word for word in _once(read(task.context).words) if word.base not in known and not word.light]
    said = [word for word in _once(heard.words) if word.base not in known and not word.light]
    if not said:
        return 0.0
    right = sum(any(word.base == other.base or alike(word.base, other.base) for other in around) for word in said)
    return right / max(3, len(said))


def _twist(task: Task, heard: Reading) -> str | None:
    """What turns the answer round, laid against the part that is asked for and against the whole sentence."""
    wanted = read(task.answer)
    if (order := reversed_around(heard, wanted)) is not None:
        return order
    known = read(task.question).bases | {word.base for word in read(task.sentence).words if word.negated}
    denied = [word for word in heard.words if word.denied and word.base not in known]
    if any(_same_root(word.text, other.text) for word in denied for other in wanted.words):
        return "not"
    for word, other in product(heard.words, wanted.words):
        if denies(word.base, other.base) and word.negated == other.negated:
            return f"{word.text} / {other.text}"
    found = [align(heard, read(text), _weight) for text in (task.answer, task.sentence)]
    if all(alignment.twists for alignment in found) and max(one.coverage for one in found) >= _SPEAKS_OF_IT:
        return found[0].twists[0]
    return None


def _of_a_term(task: Task, said: str, nearness: float | None) -> Grade:
    tried = guesses(said)
    values = [_term_grade(task, one) for one in tried]
    value = max(values)
    if len(tried) > 2 and value > 2:
        return Grade(2, (task.answer,))  # one of many is a guess
    if value < 4 and nearness is not None and nearness >= 0.8:
        value = 4
    if value and _denied(said, task.answer):
        return Grade(ABOUT_IT, (task.answer,), "not")
    return Grade(value, () if value >= 4 else (task.answer,))


def _denied(said: str, answer: str) -> bool:
    """Whether the term is named only to say that it is not it."""
    tokens = _TERM_TOKEN.findall(_OTHER_THAN.sub("not", said.casefold()))
    wanted = set(words(answer))
    for place, token in enumerate(tokens):
        if token in wanted or any(is_typo(token, one) for one in wanted):
            nearest = reversed(tokens[max(0, place - _DENIES_WITHIN) : place])
            before = takewhile(lambda other: other not in _SCOPE_ENDS, nearest)
            return any(negates(other.replace("’", "'")) for other in before)
    return False


def _term_grade(task: Task, said: str) -> int:
    wanted, heard = words(task.answer), words(said)
    if wanted and wanted[0].isdigit():
        # Numbers that the question names are said again, not guessed.
        return _number_grade(wanted[0], [word for word in heard if word not in words(task.question)])
    held = [max((_likeness(one, other) for other in heard), default=0) for one in wanted]
    if not held:
        return 0
    if min(held) >= 4:
        return min(held)
    # The head of a phrase, the last word, carries the most.
    return 3 if held[-1] >= 4 and len(held) > 1 else 2 if max(held) >= 4 and len(held) > 1 else 0


def _likeness(one: str, other: str) -> int:
    if stem(one) == stem(other) or is_typo(other, one):
        return 5
    if re.sub(r"(?:um|on|a)$", "", one) == re.sub(r"(?:um|on|a)$", "", other) and len(one) > _SHORTEST_ROOT:
        return 5  # Latin and Greek plurals
    return 4 if _same_root(one, other) or alike(stem(one), stem(other)) else 0


def _number_grade(wanted: str, heard: Sequence[str]) -> int:
    numbers = [word for word in heard if word.isdigit()]
    if numbers == [wanted]:
        return 5
    if wanted in numbers:
        return 2
    return 1 if any(sorted(number) == sorted(wanted) for number in numbers) else 0
