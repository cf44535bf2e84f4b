"""The mode `active_recall`: a turn of a quiz, from what the student says to the next question or the summary."""

from collections.abc import AsyncGenerator, Sequence

from chat.citations import CitedText
from chat.key_points import speaks_of
from chat.models import Intent
from chat.passages import Passage
from chat.recall import report
from chat.recall.examiner import Examiner, Sitting
from chat.recall.hearing import asks_back
from chat.recall.hints import hint
from chat.recall.quiz import Quiz, summarise
from chat.recall.turns import MOST_HINTS, Graded, Outcome, Question, most
from chat.recall.wishes import topic_of, wish
from chat.recall.writing import Turn
from chat.studying import Answered, Asked, Material
from chat.tutoring import courtesy

_SAMPLED, _FOUND = 24, 16
_SAMPLES = 3

Steps = AsyncGenerator[str | Answered]


class RecallMode:
    """Quizzes by `examiner`; `questions` is how many one has where the student does not choose."""

    intents = frozenset(
        (Intent.START, Intent.ANSWER, Intent.HINT, Intent.SKIP, Intent.FINISH, Intent.RIGHT, Intent.WRONG)
    )

    def __init__(self, examiner: Examiner, questions: int) -> None:
        self._examiner = examiner
        self._questions = questions

    async def respond(self, asked: Asked, material: Material) -> Steps:
        """What the turn says, and at its end all of it, with what is kept of the quiz and told of the grade."""
        quiz = Quiz.of(asked.kept)
        meant, question = wish(asked, quiz.open), quiz.open
        polite = courtesy(asked.question, report.NOTHING_OPEN) if asked.intent is None and question is None else None
        turn = self._turn(asked, quiz, material, begins=meant is Intent.START and polite is None)
        if polite is not None:
            steps = self._say(turn, polite)
        elif meant is Intent.START:
            steps = self._start(turn)
        elif meant in (Intent.RIGHT, Intent.WRONG):
            steps = self._overrule(turn, question, right=meant is Intent.RIGHT)
        elif question is None:
            steps = self._say(turn, report.NOTHING_OPEN)
        elif meant is Intent.HINT:
            steps = self._hint(turn, question)
        elif meant is Intent.FINISH:
            steps = self._say(turn, report.summary_text(summarise(turn.results)), over=True)
        else:
            steps = self._go_on(turn, question, skips=meant is Intent.SKIP)
        async for piece in steps:
            yield piece

    def _turn(self, asked: Asked, quiz: Quiz, material: Material, *, begins: bool) -> Turn:
        last, question = quiz.last, None if begins else quiz.open
        goes_on = last is not None and not begins
        return Turn(
            asked=asked,
            material=material,
            quiz=quiz,
            number=quiz.number + begins,
            topic=last.topic if goes_on and last else topic_of(asked) if begins else None,
            total=last.total if goes_on and last else asked.questions or self._questions,
            text=CitedText([question.source.passage] if question else [], question.text if question else ""),
        )

    async def _say(self, turn: Turn, said: str, *, over: bool = False) -> Steps:
        """A turn that needs nothing of the material."""
        turn.material.unneeded()
        for piece in turn.say(said):
            yield piece
        yield turn.close(model=None, prompt=None, over=over)

    async def _start(self, turn: Turn) -> Steps:
        """The first question; where there is none, no quiz begins."""
        passages = await self._passages(turn, turn.seed)
        await self._ask(turn, passages)
        if turn.question is not None:
            notice = "" if self._examiner.model is not None else f"{report.NOTICE}\n\n"
            said = notice + report.question_text(turn.question, turn.total)
        else:
            turn.number = turn.quiz.number
            said = report.NO_QUESTION_MADE if passages else await self._nothing_found(turn)
        for piece in turn.say(said):
            yield piece
        yield self._close(turn)

    async def _nothing_found(self, turn: Turn) -> str:
        has_material = turn.topic is not None and await turn.material.sample(turn.seed, limit=1)
        return report.NOT_IN_MATERIAL if has_material else report.NO_MATERIAL

    async def _go_on(self, turn: Turn, question: Question, *, skips: bool) -> Steps:
        """The grade, then the next question or the summary."""
        turn.material.unneeded()
        graded = _skipped(turn, question) if skips else await self._grade(turn, question)
        if not (skips or graded.grade) and (reply := _reply(graded.said)) is not None:
            turn.question, turn.hints = question, turn.quiz.hints
            async for piece in self._say(turn, f"{reply}\n\n{report.question_text(question, turn.total)}"):
                yield piece
            return
        turn.graded = graded
        for piece in turn.say(*report.graded_text(turn.graded)):
            yield piece
        over = len(turn.results) >= turn.total
        if not over and not await self._ask(turn, await self._passages(turn, turn.seed)):
            over = True
            for piece in turn.say(f"\n\n{report.NOTHING_LEFT}"):
                yield piece
        if turn.question is not None:
            said = report.question_text(turn.question, turn.total)
        else:
            said = report.summary_text(summarise(turn.results))
        for piece in turn.say(f"\n\n{said}"):
            yield piece
        yield self._close(turn, over=over)

    async def _overrule(self, turn: Turn, question: Question | None, *, right: bool) -> Steps:
        """The student's own word on the last answer; the question that is open stays open."""
        turn.question, turn.hints = question, turn.quiz.hints
        last = next((one for one in reversed(turn.results) if one.outcome is Outcome.ANSWERED), None)
        turn.graded = last.overruled(right=right) if last else None
        said = [f"**{turn.graded.grade} of 5.** {turn.graded.feedback}" if turn.graded else report.NOTHING_GRADED]
        if question is not None:
            said.append(report.question_text(question, turn.total))
        elif turn.graded is not None:
            said.append(report.summary_text(summarise(turn.results)))
        async for piece in self._say(turn, "\n\n".join(said), over=question is None and turn.graded is not None):
            yield piece

    async def _hint(self, turn: Turn, question: Question) -> Steps:
        """The next hint; the question stays open."""
        turn.question, turn.hints = question, turn.quiz.hints
        given = len(turn.hints)
        said = hint(question, given) if given < MOST_HINTS else report.LAST_HINT
        turn.hints += (said,) if given < MOST_HINTS else ()
        async for piece in self._say(turn, said):
            yield piece

    def _close(self, turn: Turn, *, over: bool = False) -> Answered:
        return turn.close(model=self._examiner.model, prompt=self._examiner.prompt, over=over)

    async def _grade(self, turn: Turn, question: Question) -> Graded:
        assessed = await self._examiner.assess(question, turn.asked.question, turn.material)
        turn.usage += assessed.usage
        hints = len(turn.quiz.hints)
        return Graded(
            outcome=Outcome.ANSWERED,
            question=question,
            said=turn.asked.question,
            grade=min(assessed.grade.grade, most(hints)),
            feedback=assessed.feedback,
            quote=assessed.quote,
            hints=hints,
            offline=assessed.offline,
        )

    async def _ask(self, turn: Turn, passages: Sequence[Passage]) -> bool:
        """Choose the next question. Where a sample gives none, another is drawn."""
        missed = [question.source.passage for question in turn.quiz.due_again(turn.results)]
        for tried in range(_SAMPLES):
            if tried:
                passages = await self._passages(turn, f"{turn.seed}.{tried}")
            if not passages:
                return False
            number = len(turn.results) + 1
            sitting = Sitting([*missed, *passages], turn.topic, turn.quiz, turn.results, number, turn.seed)
            turn.question, usage = await self._examiner.ask(sitting)
            turn.usage += usage
            if turn.question is not None or turn.topic is not None:
                break
        return turn.question is not None

    async def _passages(self, turn: Turn, seed: str) -> Sequence[Passage]:
        if turn.topic is None:
            return await turn.material.sample(seed, limit=_SAMPLED)
        turn.query = turn.topic
        found = await turn.material.find(turn.topic, limit=_FOUND)
        named = any(speaks_of(turn.topic, passage) for passage in found.passages)
        return found.passages if found.answerable or named else ()


def _reply(said: str) -> str | None:
    """What is said to what is no answer and not silence: a question back, or thanks."""
    return report.ASKED_BACK if asks_back(said) else courtesy(said, report.STILL_OPEN)


def _skipped(turn: Turn, question: Question) -> Graded:
    return Graded(
        outcome=Outcome.SKIPPED,
        question=question,
        said="",
        grade=0,
        feedback="Skipped.",
        quote=None,
        hints=len(turn.quiz.hints),
        offline=True,
    )
