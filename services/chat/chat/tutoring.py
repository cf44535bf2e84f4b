"""Answering in tutor mode: from what was found, with citations that were checked, or not at all.

Two tutors write: one with a language model, one offline. Neither is trusted with a citation: what they write goes through
`CitedText`, and only what comes out of it leaves.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Protocol

from chat import offline
from chat.citations import CitedText
from chat.markers import Marker, MarkerReader
from chat.memory import Exchange, remember, search_query, shorten
from chat.model import Ending, LanguageModel, ModelBrokeOff, Turn, Usage
from chat.models import Intent
from chat.passages import Findings, Passage
from chat.practice.turn import PracticeTurn
from chat.prompts import NOT_IN_MATERIAL, Prompt, fenced
from chat.questions import Question, read_question
from chat.studying import Answered, Asked, Material
from chat.tokens import TokenCounter

NOT_FOUND = "I could not find an answer to this in your material. Try other words, or add a document that covers it."
NOTHING_TO_SEARCH = "There is no material to answer from yet. Add a document, and ask again when it is ready."
CUT_SHORT = " … (The answer reached its greatest length and ends here.)"
UNTRACED = "\n\n*None of this could be traced to your material.*"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question with what is needed to answer it. `query` is what was searched: a follow-up with what it leans on."""

    question: str
    query: str
    history: Sequence[Exchange]
    findings: Findings


_DECORATION = " \n\t*[\"'`"
_NEXT = "What would you like to know next?"
_COURTESIES = (
    (r"(?:many )?(?:thanks?|thank you|thx|ty|cheers)(?: (?:so|very) much| a lot)?", "You are welcome.", _NEXT),
    (r"(?:hi|hello|hey|good (?:morning|afternoon|evening))(?: there| teddy| study teddy)?", "Hello!", "Ask me anything about your material."),
    (r"(?:good)?bye|see you(?: later)?|good night", "Goodbye, and good luck with your studies!", None),
    (r"(?:ok|okay|great|perfect|nice|cool|got it|i see|understood)(?: thanks?| thank you)?", "Good.", _NEXT),
)  # fmt: skip


def courtesy(message: str, then: str | None = None) -> str | None:
    """The reply to a message that asks nothing: a greeting or thanks are not to be searched for. `then` is what it ends with."""
    said = " ".join(re.sub(r"[^\w\s]+", " ", message).casefold().split())
    for pattern, reply, offer in _COURTESIES:
        if re.fullmatch(pattern, said):
            return f"{reply} {then or offer}" if offer else reply
    return None


class Tutor(Protocol):
    """Writes drafts: text with markers in it, or markers apart. Ends a draft with `Ending`, or with None for "not in there"."""

    @property
    def model(self) -> str | None: ...

    @property
    def prompt(self) -> str | None: ...

    def draft(self, lesson: Lesson) -> AsyncGenerator[str | Marker | Ending | None]: ...


class OfflineTutor:
    """Answers in the material's own sentences."""

    model = None
    prompt = None

    async def draft(self, lesson: Lesson) -> AsyncGenerator[str | Marker | Ending | None]:
        """A sentence or a marker at a time."""
        question = _read(lesson)
        said = "\n".join(exchange.answer for exchange in lesson.history)
        whole = offline.asks_for_all(lesson.question)
        excerpts = [] if whole else offline.find_answer(question, lesson.findings.passages, said)
        if not excerpts:
            yield None
            return
        for piece in offline.compose(excerpts, question):
            yield piece
        yield Ending(complete=True, usage=Usage(0, 0))


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens: what the model can read and write at all, and at most how many of them for its answer and for memory."""

    context: int = 8000
    answer: int = 1200
    memory: int = 2000


class ModelTutor:
    """Answers with a language model."""

    def __init__(self, model: LanguageModel, prompt: Prompt, tokens: TokenCounter, budget: Budget) -> None:
        self._writer = model
        self._template = prompt
        self._tokens = tokens
        self._budget = budget
        self.model = model.name
        self.prompt = prompt.name

    async def draft(self, lesson: Lesson) -> AsyncGenerator[str | Marker | Ending | None]:
        """The model's text as it comes, its markers apart."""
        turns = self.turns(lesson)
        reader = MarkerReader()
        held, began, refused = "", False, False
        async with aclosing(self._writer.write(turns, longest=self._budget.answer)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Ending):
                    for part in [*reader.feed(held), *reader.close()]:
                        yield part
                    yield piece
                    if refused:
                        yield None
                    return
                if refused:
                    continue
                held += piece
                if not began:
                    if refused := says_not_in_material(held):
                        held = ""  # the rest is read for its ending alone: what it cost
                        continue
                    if _may_say_not_in_material(held):
                        continue
                    began = True
                for part in reader.feed(held):
                    yield part
                held = ""

    def turns(self, lesson: Lesson) -> list[Turn]:
        """What the model is given: instructions, as much of the conversation as fits, the passages and the question."""
        fence = f"passage-{token_hex(4)}"
        instructions = self._template.instructions.substitute(fence=fence, not_in_material=NOT_IN_MATERIAL)
        room = self._budget.context - self._budget.answer - self._tokens.count(instructions)
        question = shorten(lesson.question, room // 3, self._tokens)
        room -= self._tokens.count(question)
        memory = remember(lesson.history, budget=max(0, min(self._budget.memory, room // 3)), tokens=self._tokens)
        remembered = [text for exchange in memory.exchanges for text in (exchange.question, exchange.answer)]
        room -= sum(map(self._tokens.count, [*remembered, *memory.reminders]))
        passages = self._fitting(lesson.findings.passages, fence, room)
        asked = self._template.question.substitute(
            passages=fenced(passages, fence),
            earlier_questions=_earlier(memory.reminders),
            question=question,
        )
        turns = [Turn("system", instructions)]
        for exchange in memory.exchanges:
            turns += [Turn("user", exchange.question), Turn("assistant", exchange.answer)]
        return [*turns, Turn("user", asked)]

    def _fitting(self, passages: Sequence[Passage], fence: str, room: int) -> Sequence[Passage]:
        """The best passages that fit; their numbers stay those of the findings."""
        for count in range(len(passages), 1, -1):
            if self._tokens.count(fenced(passages[:count], fence)) <= room:
                return passages[:count]
        return passages[:1]


def says_not_in_material(text: str) -> bool:
    """Whether a model's answer begins with the word that says that the passages do not hold it."""
    return text.lstrip(_DECORATION).startswith(NOT_IN_MATERIAL)


def _may_say_not_in_material(text: str) -> bool:
    return NOT_IN_MATERIAL.startswith(text.lstrip(_DECORATION))


def _earlier(reminders: Sequence[str]) -> str:
    if not reminders:
        return ""
    return "\n".join(["Earlier in this conversation the student asked:", *(f"- {asked}" for asked in reminders)]) + "\n"


async def answer(lesson: Lesson, tutor: Tutor) -> AsyncGenerator[str | Answered]:
    """The answer as text to send, piece by piece, and at its end the whole of it. Raises what the tutor raises.

    What was sent before is also in `Answered.content`; of the draft nothing leaves unchecked.
    """
    text = CitedText(lesson.findings.passages, lesson.query)
    ending: Ending | None = None
    holds = False
    if lesson.findings.answerable or offline.stands_defined(_read(lesson), lesson.findings.passages):
        holds = True
        async with aclosing(tutor.draft(lesson)) as draft:
            async for piece in draft:
                if piece is None:
                    holds = False
                    break
                if isinstance(piece, Ending):
                    ending = piece
                elif sent := text.marker(piece) if isinstance(piece, Marker) else text.text(piece):
                    yield sent
    if holds and not text.content:
        raise ModelBrokeOff("The language model wrote nothing. Try again.")
    if not holds:
        async for refused in _refuse(lesson, tutor, ending):
            yield refused
        return
    notes = (CUT_SHORT if ending and not ending.complete else "") + ("" if text.citations else UNTRACED)
    if notes:
        yield notes
    usage = ending.usage if ending else Usage(0, 0)
    yield Answered(text.content + notes, tuple(text.citations), usage, tutor.model, tutor.prompt)


def _read(lesson: Lesson) -> Question:
    leans = lesson.query != " ".join(lesson.question.split())
    return read_question(lesson.question, lesson.query if leans else None)


async def _refuse(lesson: Lesson, tutor: Tutor, ending: Ending | None) -> AsyncGenerator[str | Answered]:
    """Say that the material does not hold it, and cite nothing."""
    said = NOT_FOUND if lesson.findings.passages else NOTHING_TO_SEARCH
    if tutor.model is None:
        said = offline.refusal(lesson.question, lesson.findings.passages) or said
        said += f"\n\n{offline.NOTICE}"
    yield said
    yield Answered(said, (), ending.usage if ending else Usage(0, 0), tutor.model, tutor.prompt)


class TutorMode:
    """The mode `tutor`: the student asks, and is answered from the material."""

    intents = frozenset((Intent.PRACTICE,))

    def __init__(self, tutor: Tutor, practice: PracticeTurn) -> None:
        self._tutor = tutor
        self._practice = practice

    async def respond(self, asked: Asked, material: Material) -> AsyncGenerator[str | Answered]:
        """Search, and write from what was found; a courtesy is returned."""
        if asked.intent is Intent.PRACTICE:
            async with aclosing(self._practice.respond(asked, material)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        if (reply := courtesy(asked.question)) is not None:
            yield reply
            yield Answered(reply, (), Usage(0, 0), query=asked.question)
            return
        query = search_query(asked.question, asked.history)
        lesson = Lesson(asked.question, query, asked.history, await material.find(query))
        async with aclosing(answer(lesson, self._tutor)) as pieces:
            async for piece in pieces:
                yield replace(piece, query=query) if isinstance(piece, Answered) else piece
