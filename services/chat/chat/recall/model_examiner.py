"""The examiner with a language model, which is believed nothing that can be checked.

A question must rest on words that stand in its passage and not hold its own answer; a grade is held against what the words and the
meaning say by themselves. What does not stand up, and JSON that cannot be read, is left to the offline examiner, who says so.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from logging import getLogger
from secrets import token_hex
from typing import Literal

from pydantic import BaseModel, Field

from chat.citations import quoted_span, single_spaced
from chat.memory import shorten
from chat.model import Turn, Usage
from chat.passages import Passage
from chat.prompts import Prompt, fenced, unfenced
from chat.recall.drafts import Draft, Form
from chat.recall.examiner import NOTHING, Assessed, OfflineExaminer, Sitting, feedback, near
from chat.recall.grading import grade
from chat.recall.hearing import repeats, says_nothing
from chat.recall.quiz import key_of
from chat.recall.turns import Question
from chat.structured import ModelUnreadable, Structured
from chat.studying import Material
from chat.terms import terms
from chat.tokens import TokenCounter
from chat.tutoring import Budget

log = getLogger(__name__)
_LONGEST = 700
_MOST_LISTED = 30
# A grade above it needs some sign in the words or the meaning that the question was answered at all.
_WITHOUT_A_SIGN = 2
_DECORATION = re.compile(r"<[^<>]{1,200}>|https?://\S+|\[\s*\d[\d\s,;–-]*\]")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()]|\([^()]*\))*\)")


class NewQuestion(BaseModel):
    """What the model fills in to ask."""

    concept: str = Field(min_length=2, max_length=80)
    form: Literal["definition", "reason", "relation", "term"]
    question: str = Field(min_length=8, max_length=400)
    answer: str = Field(min_length=1, max_length=500)
    passage: int = Field(ge=1)
    quote: str = Field(min_length=8, max_length=1000)


class NewGrade(BaseModel):
    """What the model fills in to grade."""

    grade: int = Field(ge=0, le=5)
    feedback: str = Field(max_length=600)
    quote: str = Field(max_length=1000)


class ModelExaminer:
    """Asks a language model, and checks what it says. Raises `ModelFailed` where none answers."""

    def __init__(
        self, structured: Structured, asking: Prompt, grading: Prompt, tokens: TokenCounter, budget: Budget
    ) -> None:
        self._structured = structured
        self._asking = asking
        self._grading = grading
        self._tokens = tokens
        self._budget = budget
        self._offline = OfflineExaminer()
        self.model = structured.name
        self.prompt = f"{asking.name}, {grading.name}"

    async def ask(self, sitting: Sitting) -> tuple[Question | None, Usage]:
        """The next question."""
        if not sitting.passages:
            return None, NOTHING
        shown, turns = self._to_ask(sitting)
        try:
            filled = await self._structured.fill(turns, NewQuestion, longest=self._longest)
        except ModelUnreadable as unreadable:
            question, _ = await self._offline.ask(sitting)
            return question, unreadable.usage
        draft = checked(filled.value, shown, sitting)
        if draft is not None:
            return Question.of(draft, sitting.number, offline=False), filled.usage
        question, _ = await self._offline.ask(sitting)
        return question, filled.usage

    async def assess(self, question: Question, said: str, material: Material) -> Assessed:
        """The grade; what is no answer at all costs nothing."""
        if says_nothing(said) or repeats(said, question.text):
            return await self._offline.assess(question, said, material)
        own = grade(question.task, said, await near(question, said, material))
        try:
            filled = await self._structured.fill(self._to_grade(question, said), NewGrade, longest=self._longest)
        except ModelUnreadable as unreadable:
            told = f"{feedback(own)} (Graded without the language model.)"
            return Assessed(own, told, unreadable.usage, offline=True)
        value = filled.value.grade if own.grade else min(filled.value.grade, _WITHOUT_A_SIGN)
        told = plain(filled.value.feedback) or feedback(replace(own, grade=value, twist=None))
        return Assessed(
            replace(own, grade=value), told, filled.usage, offline=False, quote=_quote(filled.value, question)
        )

    @property
    def _longest(self) -> int:
        return min(_LONGEST, self._budget.answer)

    def _to_ask(self, sitting: Sitting) -> tuple[Sequence[Passage], list[Turn]]:
        """What the model is given, and which passages of it: as many as fit."""
        fence = f"passage-{token_hex(4)}"
        instructions = self._asking.instructions.substitute(fence=fence)
        asked = _listed((question.text for question in sitting.quiz.asked[-_MOST_LISTED:]), fence)
        missed = _listed((missed.concept for missed in sitting.quiz.due_again(sitting.graded)), fence)
        topic = (
            f"The student wants to be asked about: <{fence}>{unfenced(sitting.topic)}</{fence}>\n"
            if sitting.topic
            else ""
        )
        room = self._budget.context - self._longest - self._tokens.count(instructions + asked + missed + topic)
        shown = sitting.passages
        while len(shown) > 1 and self._tokens.count(fenced(shown, fence)) > room:
            shown = shown[:-1]
        said = self._asking.question.substitute(passages=fenced(shown, fence), topic=topic, asked=asked, missed=missed)
        return shown, [Turn("system", instructions), Turn("user", said)]

    def _to_grade(self, question: Question, said: str) -> list[Turn]:
        fence = f"passage-{token_hex(4)}"
        instructions = self._grading.instructions.substitute(fence=fence)
        asked = self._grading.question.substitute(
            fence=fence,
            passages=fenced([question.source.passage], fence),
            question=unfenced(question.text),
            reference=unfenced(f"{question.answer} ({question.reference})"),
            answer=shorten(unfenced(said), self._budget.context // 3, self._tokens),
        )
        return [Turn("system", instructions), Turn("user", asked)]


def _listed(entries: Iterable[str], fence: str) -> str:
    lines = [f"<{fence}>{unfenced(entry)}</{fence}>" for entry in entries]
    return "\n".join(lines) or "None."


def checked(said: NewQuestion, passages: Sequence[Passage], sitting: Sitting) -> Draft | None:
    """A model's question, as far as it stands up: it rests on words of a passage, is new, and does not answer itself."""
    if said.passage > len(passages):
        return None
    passage = passages[said.passage - 1]
    if (span := quoted_span(passage, said.quote)) is None:
        log.info("a question whose words do not stand in its passage is not asked")
        return None
    reference = single_spaced(passage.text[slice(*span)])
    short = said.form == "term" and frozenset(terms(said.answer)) <= frozenset(terms(reference))
    form = Form.TERM if short else Form.DEFINITION if said.form == "term" else Form(said.form)
    draft = Draft(
        form, plain(said.concept), plain(said.question), plain(said.answer), reference, passage, *span, worth=1.0
    )
    again = {key_of(missed.concept) for missed in sitting.quiz.due_again(sitting.graded)}
    known = {key_of(question.concept) for question in sitting.quiz.asked} - again
    texts = {question.text for question in sitting.quiz.asked}
    if draft.gives_itself_away or draft.about in known or draft.question in texts or not draft.answer:
        log.info("a question that was asked, or that answers itself, is not asked")
        return None
    return draft


def plain(text: str) -> str:
    """A model's words without links, tags and what would read as a marker."""
    return single_spaced(_DECORATION.sub("", _LINK.sub(r"\1", text)))


def _quote(said: NewGrade, question: Question) -> str | None:
    """The words that show why, where they stand in the source and are others than the reference."""
    span = quoted_span(question.source.passage, said.quote) if len(said.quote.split()) > 2 else None
    if span is None:
        return None
    start, end = question.source.quote_start - question.source.start, question.source.quote_end - question.source.start
    if span[0] < end and start < span[1]:
        return None
    return question.source.text[slice(*span)]
