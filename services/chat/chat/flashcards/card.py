"""A card that is proposed: what it asks and answers, where that stands, and when it is not worth keeping."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.chat import ProposedCard

from chat.citations import LONGEST_QUOTE, Citation, single_spaced
from chat.passages import Passage
from chat.recall.drafts import BLANK, SHORT, Draft, Form
from chat.recall.turns import Question
from chat.terms import question_terms, terms, word_set, words

LONGEST_QUESTION, LONGEST_ANSWER, LONGEST_TITLE = 600, 1000, 500
_FEWEST_FOR_A_CLOZE, _FEWEST_IN_A_SENTENCE = 6, 3
_FILL_IN = re.compile(r"Fill in the blank(?: \([^)]*\))?: ")
_WHEN = re.compile(r"\b(?:is|are|occurs|happens) (?P<word>when|where) \W*$")
# On a card nobody sees what such words point at.
_POINTS = re.compile(
    r"\b(?:these|those (?!who\b|that\b|which\b|whose\b|of\b|in\b)|this|that (?:information|approach|case|process|kind|sort|way|point|time|price))\b",
    re.IGNORECASE,
)
_FORMULA = re.compile(r"[=×÷|]|^\W*\(")
# Nothing ends with them.
_DANGLING = word_set("a an the of to in on by for with and or but that which who whose as than from at into such")
_ALIKE = 0.7
_FEWEST_ASKED, _MOST_ASKED = 3, 30
_ASKED = 1.1


@dataclass(frozen=True, slots=True)
class Card:
    """What is asked and answered stands in `passage.text[start:end]`. A cloze has {{c1::…}} in its question, and no answer."""

    kind: Literal["basic", "cloze"]
    question: str
    answer: str
    concept: frozenset[str]
    worth: float
    passage: Passage
    start: int
    end: int

    @property
    def key(self) -> str:
        """What tells questions apart: their words."""
        return key_of(self.question)

    def repeats(self, other: "Card") -> bool:
        """Whether it asks for the same as another: the same concept, or in the main the same answer."""
        mine, theirs = (frozenset(terms(card.answer or card.question)) for card in (self, other))
        shared = len(mine & theirs) >= _ALIKE * max(1, min(len(mine), len(theirs)))
        return self.concept == other.concept or self.key == other.key or shared

    def proposed(self) -> ProposedCard:
        """The card as the mesh hears of it."""
        passage = self.passage
        return ProposedCard(
            kind=self.kind,
            question=self.question,
            answer=self.answer,
            document_id=passage.document_id,
            document_title=passage.document_title[:LONGEST_TITLE],
            page=passage.page,
            part=passage.part,
            quote=single_spaced(passage.text[self.start : self.end])[:LONGEST_QUOTE],
        )


def key_of(question: str) -> str:
    """The words of a question, on which case, marks and a cloze's braces have no say."""
    return " ".join(words(re.sub(r"\{\{c1::(.*?)\}\}", r"\1", question)))


def card_of(draft: Draft) -> Card | None:
    """The card that asks what a quiz would; None where that can only be understood in its place."""
    if (written := _written(draft.form, draft.question, draft.answer, draft.reference)) is None:
        return None
    kind, question, answer = written
    if len(question) > LONGEST_QUESTION or len(answer) > LONGEST_ANSWER or _lists_several(draft):
        return None
    return Card(kind, question, answer, draft.about, draft.worth, draft.passage, draft.start, draft.end)


def _lists_several(draft: Draft) -> bool:
    return draft.form is Form.DEFINITION and "and" in words(draft.concept)


def card_of_question(question: Question, worth: float = 1.0) -> Card:
    """The card of a question that a quiz has asked: as it was asked, where it would not read alone otherwise."""
    draft = Draft(
        question.form,
        question.concept,
        question.text,
        question.answer,
        question.reference,
        question.source.passage,
        question.source.quote_start - question.source.start,
        question.source.quote_end - question.source.start,
        worth,
    )
    if (card := card_of(draft)) is not None:
        return card
    told = question.answer if question.form in SHORT else question.reference
    place = (draft.passage, draft.start, draft.end)
    return Card("basic", question.text[:LONGEST_QUESTION], told[:LONGEST_ANSWER], draft.about, worth, *place)


def card_of_answer(question: str, citations: Sequence[Citation]) -> Card | None:
    """The card of a student's own question, answered by what its answer cites first; None where that is no whole card."""
    if not citations or not _FEWEST_ASKED <= len(words(question)) <= _MOST_ASKED or not question.endswith("?"):
        return None
    first = citations[0]
    place = (first.passage_id, first.document_id, first.document_title, first.page, first.part)
    passage = Passage(*place, first.quote, first.start, first.end, 0.0)
    concept = " ".join(question_terms(question))
    draft = Draft(Form.RELATION, concept, question, first.quote, first.quote, passage, 0, len(first.quote), _ASKED)
    whole = first.quote[:1].isupper() and first.quote.endswith((".", "!"))
    return card_of(draft) if whole and not draft.gives_itself_away else None


def _written(
    form: Form, question: str, answer: str, reference: str
) -> tuple[Literal["basic", "cloze"], str, str] | None:
    text = _FILL_IN.sub("", question, count=1)
    said = {Form.BLANK: text.replace(BLANK, answer), Form.TERM: question.rstrip("”?")}.get(form, answer)
    if not words(answer) or _is_cut(said) or _FORMULA.search(said) or _POINTS.search(f"{text} {answer}"):
        return None
    if form is Form.BLANK:
        hidden = answer if not text.startswith(BLANK) else answer[:1].upper() + answer[1:]
        if (
            "{{" in text
            or "::" in answer
            or "}}" in answer
            or len(words(text)) < _FEWEST_FOR_A_CLOZE
            or BLANK not in text
        ):
            return None
        return "cloze", text.replace(BLANK, f"{{{{c1::{hidden}}}}}", 1), ""
    if form is Form.REASON:
        return "basic", question, _sentence(answer if answer.startswith("because ") else f"because {answer}")
    if form is Form.DEFINITION and (told := _WHEN.search(reference.partition(answer)[0])):
        answer = f"{told['word']} {answer}"
    return "basic", question, _sentence(answer)


def _is_cut(answer: str) -> bool:
    """Whether it breaks off: behind its last comma, or at its end, nothing is said."""
    last = words(answer.rpartition(",")[2]) if "," in answer else []
    said = words(answer)
    return not said or (len(last) == 1 and last[0].endswith("ed")) or said[-1] in _DANGLING


def _sentence(text: str) -> str:
    """The text as it stands alone."""
    closed = text if text.endswith((".", "!", "?", "…")) or len(text.split()) < _FEWEST_IN_A_SENTENCE else f"{text}."
    return closed[:1].upper() + closed[1:]
