"""A turn of a quiz while it is written: what it says so far, what it cost, what it will keep."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from contracts.chat import RecallGraded, RecallSource

from chat.citations import CitedText
from chat.flashcards.card import card_of_question
from chat.markers import Marker
from chat.model import Usage
from chat.recall.quiz import PASSED, Quiz, in_force, summarise
from chat.recall.turns import Graded, Outcome, Question, QuizTurn
from chat.studying import Answered, Asked, Material


@dataclass
class Turn:
    """`number` is the quiz's in the session, `question` is open after the turn."""

    asked: Asked
    material: Material
    quiz: Quiz
    number: int
    topic: str | None
    total: int
    text: CitedText
    usage: Usage = field(default_factory=lambda: Usage(0, 0))
    query: str | None = None
    question: Question | None = None
    graded: Graded | None = None
    hints: tuple[str, ...] = ()

    @property
    def results(self) -> Sequence[Graded]:
        """What was graded in this quiz, in this turn too."""
        earlier = self.quiz.graded if self.number == self.quiz.number else []
        return in_force([*earlier, *([self.graded] if self.graded is not None else [])])

    @property
    def seed(self) -> str:
        """The same when the turn is tried again."""
        return f"{self.asked.session_id}.{self.number}.{len(self.results)}"

    def say(self, *pieces: str | Marker) -> Iterator[str]:
        """The pieces as they leave: markers only if what they cite stands there."""
        for piece in pieces:
            if sent := self.text.marker(piece) if isinstance(piece, Marker) else self.text.text(piece):
                yield sent

    def close(self, *, model: str | None, prompt: str | None, over: bool = False) -> Answered:
        """The turn as it is kept and told."""
        kept = QuizTurn(
            quiz=self.number,
            topic=self.topic,
            total=self.total,
            question=self.question,
            hints=self.hints,
            graded=self.graded,
            summary=summarise(self.results) if over else None,
        )
        took_part = self._took_part()
        return Answered(
            content=self.text.content,
            citations=tuple(self.text.citations),
            usage=self.usage,
            model=(self.usage.model or model) if took_part else None,
            prompt=prompt if took_part else None,
            query=self.query,
            details=kept,
            events=tuple(self._events()),
        )

    def _took_part(self) -> bool:
        """Whether a model wrote any of it; hints and summaries it never writes."""
        asked_now = self.question is not None and self.question is not self.quiz.open
        graded = self.graded is not None and self.graded.outcome is Outcome.ANSWERED and not self.graded.offline
        return graded or (asked_now and self.question is not None and not self.question.offline)

    def _events(self) -> Iterator[RecallGraded]:
        if self.graded is None or self.graded.outcome is not Outcome.ANSWERED:
            return
        question, source = self.graded.question, self.graded.question.source
        yield RecallGraded(
            version=1,
            message_id=self.asked.answer_id,
            session_id=self.asked.session_id,
            user_id=self.asked.user_id,
            concept=question.concept,
            question=question.text,
            reference_answer=question.reference,
            grade=self.graded.grade,
            offline=self.graded.offline,
            card=card_of_question(question).proposed() if self.graded.grade < PASSED else None,
            source=RecallSource(
                document_id=source.document_id,
                document_title=source.document_title,
                page=source.page,
                part=source.part,
                quote=source.quote,
            ),
        )
