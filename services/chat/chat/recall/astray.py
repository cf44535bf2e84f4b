"""Whether an answer tells of something else: another sentence of the material is nearer to it than what was asked for.

The cosine alone cannot tell: the definitions of one chapter are all near to each other. Which of them is nearest can.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chat.excerpts import is_item
from chat.passages import Passage
from chat.recall.turns import Question
from chat.sentences import sentences
from chat.studying import Material
from chat.terms import terms, weights

_LONGEST_QUERY = 600
_PASSAGES = 4
_COMPARED = 8
_NEARER = 0.08
_THE_SAME = 0.75  # the cosine from which another sentence says what was asked for, too
_FEWEST_WORDS, _MOST_WORDS = 5, 60


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The sentence that an answer is nearest to. `about_it`: it names the concept that was asked about."""

    sentence: str
    about_it: bool


async def told_elsewhere(question: Question, said: str, material: Material) -> Elsewhere | None:
    """The other sentence that was told, if one is nearer. Raises a `Problem` where the material cannot be asked."""
    found = await material.find(said[:_LONGEST_QUERY], limit=_PASSAGES)
    rivals = _rivals(question, said, found.passages)
    if not rivals:
        return None
    asked_for = (question.answer, question.reference)
    cosines = (await material.compare(said, *asked_for, *rivals)).cosines
    own, others = max(cosines[:2]), cosines[2:]
    best = max(range(len(rivals)), key=others.__getitem__)
    if others[best] <= own + _NEARER:
        return None
    if max((await material.compare(rivals[best], *asked_for)).cosines) >= _THE_SAME:
        return None
    concept = frozenset(terms(question.concept))
    return Elsewhere(rivals[best], concept <= frozenset(terms(rivals[best])))


def _rivals(question: Question, said: str, passages: Sequence[Passage]) -> list[str]:
    """The other sentences that share most words with the answer."""
    listed = list(dict.fromkeys(_others(question, passages)))
    held = {text: frozenset(terms(text)) for text in listed}
    weighed = weights(terms(said), list(held.values()))
    shared = {text: sum(weight for term, weight in weighed.items() if term in held[text]) for text in listed}
    return sorted((text for text in listed if shared[text]), key=lambda text: -shared[text])[:_COMPARED]


def _others(question: Question, passages: Sequence[Passage]) -> Iterator[str]:
    source = question.source
    for passage in passages:
        home = (passage.document_id, passage.part) == (source.document_id, source.part)
        for sentence in sentences(passage.text):
            start, end = passage.start + sentence.start, passage.start + sentence.end
            if home and start < source.quote_end and source.quote_start < end:
                continue
            whole = sentence.closed or is_item(sentence)  # notes end without a full stop
            if whole and not sentence.asks and _FEWEST_WORDS <= len(sentence.text.split()) <= _MOST_WORDS:
                yield sentence.text
