"""The setter with a language model: a question is taken only if it rests on words of its passage and does not answer itself.

What is missing then is made offline, and says so.
"""

from collections.abc import Sequence
from logging import getLogger
from secrets import token_hex

from pydantic import BaseModel, Field, ValidationError

from chat.model import Turn, Usage
from chat.passages import Passage
from chat.practice.exercises import MOST_QUESTIONS
from chat.practice.setters import OfflineSetter, Order, SetQuestions, chosen, numbered, on_topic
from chat.prompts import Prompt, fenced, unfenced
from chat.recall.drafts import Draft
from chat.recall.examiner import Sitting
from chat.recall.model_examiner import NewQuestion, checked
from chat.recall.quiz import Quiz
from chat.structured import ModelUnreadable, Structured
from chat.tokens import TokenCounter
from chat.tutoring import Budget

log = getLogger(__name__)
# What a question costs to write, its quote and JSON included.
_TOKENS_OF_A_QUESTION = 140
_MOST_CALLS = 3


class NewExercise(BaseModel):
    """A question as the model fills it in. `NewQuestion` keeps the bounds, so one bad question does not cost the others."""

    concept: str
    form: str
    question: str
    answer: str
    passage: int
    quote: str


class NewExercises(BaseModel):
    """What the model fills in."""

    questions: list[NewExercise] = Field(max_length=2 * MOST_QUESTIONS)


class ModelSetter:
    """Asks a language model, and checks what it says. Raises `ModelFailed` where none answers."""

    def __init__(self, structured: Structured, prompt: Prompt, tokens: TokenCounter, budget: Budget) -> None:
        self._structured = structured
        self._prompt = prompt
        self._tokens = tokens
        self._budget = budget
        self._offline = OfflineSetter()
        self.model = structured.name
        self.prompt = prompt.name

    async def make(self, order: Order) -> SetQuestions:
        """As many as are wanted, in few calls; where the model gives fewer, questions of sentences fill up."""
        written, usage = await self._written(order)
        picked = chosen(written, order.wanted)
        questions = numbered(picked, offline=False)
        if len(picked) < order.wanted.count:
            taken = {draft.about for draft in picked}
            more = chosen([draft for draft in on_topic(order) if draft.about not in taken], order.wanted)
            questions += numbered(more[: order.wanted.count - len(picked)], after=len(picked))
        return SetQuestions(questions, usage)

    async def _written(self, order: Order) -> tuple[list[Draft], Usage]:
        drafted: list[Draft] = []
        usage = Usage(0, 0)
        at_once = max(1, self._budget.answer // _TOKENS_OF_A_QUESTION)
        for _ in range(_MOST_CALLS):
            wanted = min(at_once, order.wanted.count - len(drafted))
            shown, turns = self._turns(order, wanted, drafted)
            try:
                filled = await self._structured.fill(turns, NewExercises, longest=self._budget.answer)
            except ModelUnreadable as unreadable:
                return drafted, usage + unreadable.usage
            usage += filled.usage
            fresh = _standing(filled.value.questions, shown, order, known={draft.about for draft in drafted})
            drafted += fresh
            if not fresh or len(drafted) >= order.wanted.count:
                break
        return drafted, usage

    def _turns(self, order: Order, wanted: int, known: Sequence[Draft]) -> tuple[Sequence[Passage], list[Turn]]:
        """What the model is given, and which passages of it: as many as fit."""
        fence = f"passage-{token_hex(4)}"
        instructions = self._prompt.instructions.substitute(fence=fence)
        listed = "\n".join(f"<{fence}>{unfenced(draft.question)}</{fence}>" for draft in known) or "None."
        topic = f"<{fence}>{unfenced(order.topic)}</{fence}>"
        room = self._budget.context - self._budget.answer - self._tokens.count(instructions + listed + topic)
        shown = order.passages
        while len(shown) > 1 and self._tokens.count(fenced(shown, fence)) > room:
            shown = shown[:-1]
        said = self._prompt.question.substitute(
            passages=fenced(shown, fence),
            topic=topic,
            difficulty=order.wanted.difficulty,
            count=str(wanted),
            known=listed,
        )
        return shown, [Turn("system", instructions), Turn("user", said)]


def _standing(
    written: Sequence[NewExercise], shown: Sequence[Passage], order: Order, known: set[frozenset[str]]
) -> list[Draft]:
    """Those of a model's questions that stand up, each about another concept."""
    found: dict[frozenset[str], Draft] = {}
    sitting = Sitting(shown, order.topic, Quiz(()), (), 1, "")
    for one in written:
        try:
            draft = checked(NewQuestion.model_validate(one.model_dump()), shown, sitting)
        except ValidationError:
            log.info("a question out of bounds is left out")
            continue
        if draft is not None and draft.about not in known:
            found.setdefault(draft.about, draft)
    return list(found.values())
