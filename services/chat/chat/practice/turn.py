"""A turn of the tutor that gives practice questions: the passages on the topic, the questions, then their answers."""

from collections.abc import AsyncGenerator, Iterator, Sequence

from chat import offline
from chat.citations import CitedText
from chat.key_points import speaks_of
from chat.markers import Marker
from chat.model import Usage
from chat.passages import Passage
from chat.practice.exercises import Exercise, PracticeSet, Wanted
from chat.practice.setters import Order, SetQuestions, Setter
from chat.recall.turns import Question
from chat.studying import Answered, Asked, Material

NOT_FOUND = "I could not find anything about this in your material. Try other words, or add a document that covers it."
NONE_MADE = "Your material speaks of this, but I could not make a question from it. Try a wider topic."
NO_MORE = "\n\nI could make no more questions on it from your material."
_FOUND = 24


class PracticeTurn:
    """Questions by `setter`, on the topic that the message names."""

    def __init__(self, setter: Setter) -> None:
        self._setter = setter

    async def respond(self, asked: Asked, material: Material) -> AsyncGenerator[str | Answered]:
        """The questions with their answers as text, and at its end all of it."""
        wanted = Wanted.model_validate(asked.wanted or {})
        passages = await self._passages(asked.question, material)
        made = SetQuestions((), Usage(0, 0))
        if passages:
            made = await self._setter.make(Order(asked.question, wanted, passages))
        text = CitedText([question.source.passage for question in made.questions], asked.question)
        for piece in self._told(made.questions, wanted, passages):
            if sent := text.marker(piece) if isinstance(piece, Marker) else text.text(piece):
                yield sent
        by_model = any(not question.offline for question in made.questions)
        exercises = [Exercise.of(question) for question in made.questions]
        yield Answered(
            text.content,
            tuple(text.citations),
            made.usage,
            (made.usage.model or self._setter.model) if by_model else None,
            self._setter.prompt if by_model else None,
            query=asked.question,
            details=PracticeSet(topic=asked.question, difficulty=wanted.difficulty, questions=exercises),
        )

    async def _passages(self, topic: str, material: Material) -> Sequence[Passage]:
        found = await material.find(topic, limit=_FOUND)
        named = any(speaks_of(topic, passage) for passage in found.passages)
        return found.passages if found.answerable or named else ()

    def _told(
        self, questions: Sequence[Question], wanted: Wanted, passages: Sequence[Passage]
    ) -> Iterator[str | Marker]:
        if not questions:
            yield NONE_MADE if passages else NOT_FOUND
        else:
            yield "\n".join(f"{question.number}. {question.text}" for question in questions)
            yield "\n\n**Answers**\n"
            for question in questions:
                yield f"\n{question.number}. {question.answer} "
                yield Marker((question.number,), question.source.quote)
            if len(questions) < wanted.count:
                yield NO_MORE
        if self._setter.model is None:
            yield f"\n\n{offline.NOTICE}"
