"""Grades an answer without a language model: by what it says of what was asked, and how near it is in meaning.

Grades are SM-2's quality of a response: 5 whole, 4 right but for little, 3 right in the main, 2 some of it, 1 wrong but about it,
0 nothing. Telling a student that wrong is right is the worst that can happen, so what turns the answer into its opposite (a denial, an
opposed word, another number, exchanged roles) holds it at 1 whatever else is right.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import exp

from chat.alignment import align
from chat.lexicon import alike, denies
from chat.recall.drafts import SHORT, Form
from chat.recall.exchanges import effect_for_cause, exchanged, names_in
from chat.recall.hearing import repeats, says_nothing
from chat.recall.naming import named
from chat.recall.reversals import heard as read_answer
from chat.recall.reversals import reversed_around
from chat.recall.spelling import is_typo
from chat.sentences import sentences
from chat.terms import words
from chat.wording import Reading, Word, read

_LIGHT = 0.35
_FORM_OF = 0.85  # of a word's weight, where only a derived form of it is said
_ASIDE = 0.25  # what is said beside it and stands there, too
_STEPS = (0.15, 0.3, 0.45, 0.62, 0.78)
ABOUT_IT = 1
_WORDS_ENOUGH, _MOST_BY_MEANING = 0.6, 4
_SPEAKS_OF_IT = 0.6
_FEWEST_TO_DENY = 2
_LONGEST_SENTENCE = 60
_ALL_OF_IT, _ANOTHERS = 0.9, 0.5  # of what is said, stands in another sentence, and in the one that is asked for
# Where half of an answer's meaning is there, and how fast it comes; how whole it is, its length tells better than its words.
_NEAR, _SLOPE = 0.48, 0.09
_RIGHT_BY_WORDS = 4
_SHORTEST_ROOT = 5


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
        return _of_a_term(task, said)
    if repeats(said, task.question):
        return Grade(0)
    return _of_a_statement(task, said, nearness)


def _of_a_statement(task: Task, said: str, nearness: float | None) -> Grade:
    heard, asked = read_answer(said), read(task.question).bases
    wanted = [word for word in _once(read(task.answer).words) if word.base not in asked]
    held = {word.place: _held(word, heard) for word in wanted}
    twist = _twist(task, heard) or _exchange(task, said, heard, [word for word in wanted if not held[word.place]])
    total = sum(map(_weight, wanted)) or 1.0
    coverage = sum(_weight(word) * held[word.place] for word in wanted) / total
    beside = _beside(task, heard, wanted, asked)
    value = sum(coverage + _ASIDE * beside >= step for step in _STEPS)
    if nearness is not None:
        length = min(1.0, sum(word.base not in asked for word in _once(heard.words)) / max(1, len(wanted)))
        near = 1 / (1 + exp((_NEAR - nearness) / _SLOPE))
        meant = min(5, round(5 * near * (0.5 + 0.5 * length) + beside))
        value = max(meant, value) if value >= _RIGHT_BY_WORDS else meant
        value = value if coverage >= _WORDS_ENOUGH else min(value, _MOST_BY_MEANING)
    if (elsewhere := _told_elsewhere(task, heard)) is not None:
        value = min(value, elsewhere)
    missing = tuple(word.text for word in wanted if not held[word.place] and not word.light)
    if twist is not None:
        return Grade(min(value, ABOUT_IT), missing, twist, held=coverage)
    return Grade(value, missing, held=coverage)


def _told_elsewhere(task: Task, heard: Reading) -> int | None:
    """The most that an answer is worth that says another sentence of the passage; None where it does not."""
    if len(heard.words) > _LONGEST_SENTENCE:
        return None
    if max(align(heard, read(text), _weight).coverage for text in (task.answer, task.sentence)) > _ANOTHERS:
        return None
    for other in sentences(task.context):
        if align(heard, read(other.text), _weight).coverage >= _ALL_OF_IT:
            return ABOUT_IT + _goes_on(other.text, task.concept)
    return None


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
        if denies(word.base, other.base) and word.negated == other.negated and word.base not in wanted.bases:
            return f"{word.text} / {other.text}"
    found = [align(heard, read(text), _weight) for text in (task.answer, task.sentence)]
    if sum(not word.light for word in heard.words) < _FEWEST_TO_DENY:
        return None
    if all(alignment.twists for alignment in found) and max(one.coverage for one in found) >= _SPEAKS_OF_IT:
        return found[0].twists[0]
    return None


def _exchange(task: Task, said: str, heard: Reading, unsaid: Sequence[Word]) -> str | None:
    """What stands in the place of something else."""
    wanted, around = read(task.answer), read(f"{task.sentence} {task.context}")
    if task.form is Form.REASON and (order := effect_for_cause(heard, read(task.question), wanted)) is not None:
        return order
    if any(
        _denies_context(heard, read(one.text)) for one in sentences(task.context) if _goes_on(one.text, task.concept)
    ):
        return "not"
    names = names_in(f"{task.sentence} {task.context}")
    return exchanged(heard, unsaid, wanted, around, names | names_in(said, names))


def _goes_on(sentence: str, concept: str) -> bool:
    """Whether a sentence is about the concept: it names it first, or points back."""
    first = words(sentence)[:1]
    return first == words(concept)[:1] or first in (["it"], ["they"])


def _denies_context(heard: Reading, beside: Reading) -> bool:
    """Whether a piece of what is said, whole, is denied beside what is asked for: "which needs energy"."""
    for piece in heard.pieces():
        found = align(Reading(piece, heard.tokens), beside, _weight)
        if len(piece) > 1 and found.coverage == 1.0 and found.twists == ["not"]:
            return True
    return False


def _of_a_term(task: Task, said: str) -> Grade:
    found = named(task.answer, said, task.question, f"{task.sentence} {task.context}")
    return Grade(found.value, () if found.value >= _RIGHT_BY_WORDS else (task.answer,), "not" if found.denied else None)
