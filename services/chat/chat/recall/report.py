"""What a student reads of a quiz. Markdown; what it cites goes through `CitedText`, as every answer."""

from collections.abc import Iterator

from chat.markers import Marker
from chat.recall.drafts import SHORT
from chat.recall.quiz import PASSED
from chat.recall.turns import ConceptResult, Graded, Outcome, Question, Summary, most

NOTICE = (
    "*I am the offline examiner: no language model is set up, so I ask in the sentences of your own material, "
    "and grade by meaning and key terms. I can be wrong: what your material says stands beside each grade. "
    "Say “I was right” or “I was wrong”, and that counts instead.*"
)
NO_MATERIAL = "There is no material to ask about yet. Add a document, and start when it is ready."
NOT_IN_MATERIAL = "I could not find anything about this in your material. Name another topic, or start without one."
NO_QUESTION_MADE = "I could not make a question from this material. Name a topic, or choose other documents."
NOTHING_OPEN = "No question is open. Start a quiz, with a topic if you like, and I ask the first one."
NOTHING_GRADED = "No answer was graded yet that could count otherwise."
NOTHING_LEFT = "That is all I can ask about this."
LAST_HINT = "Those were all the hints. Answer as well as you can, or skip it."
STILL_OPEN = "This one is still open: answer it, or say “hint”, “skip” or “stop”."
ASKED_BACK = f"In a quiz I only ask, so that was not graded; a tutoring session answers questions. {STILL_OPEN}"
_WEAKEST = 5
Piece = str | Marker


def question_text(question: Question, total: int) -> str:
    """The question as it is asked."""
    return f"**Question {question.number} of {total}.** {question.text}"


def graded_text(graded: Graded) -> Iterator[Piece]:
    """The grade with the words that show why, cited."""
    if graded.outcome is Outcome.SKIPPED:
        yield "**Skipped.** "
    else:
        yield f"**{graded.grade} of 5.** {graded.feedback} "
    if graded.question.form in SHORT:
        yield f"The answer: **{graded.question.answer}**. "
    yield f"Your material says: “{graded.question.reference}” "
    yield Marker((1,), graded.question.source.quote)
    if graded.quote is not None:
        yield " See also "
        yield Marker((1,), graded.quote)
    if graded.offline and graded.outcome is Outcome.ANSWERED and graded.grade < PASSED:
        yield "\n\n(If you had it right, say “I was right”.)"
    if graded.hints and graded.grade == most(graded.hints):
        yield f"\n\n(With {'one hint' if graded.hints == 1 else f'{graded.hints} hints'} {graded.grade} is the most.)"


def summary_text(summary: Summary) -> str:
    """The end of a quiz."""
    if not summary.asked:
        return "The quiz is over before it began. Start another one whenever you like."
    lines = ["**The quiz is over.** " + _counted(summary)]
    if summary.concepts:
        lines += ["", *(f"- {result.concept}: {result.grade} of 5" for result in summary.concepts)]
    if summary.weak:
        lines += ["", "Read again: " + "; ".join(map(_where, summary.weak[:_WEAKEST])) + "."]
    elif summary.answered:
        lines += ["", "Nothing was missed."]
    return "\n".join(lines)


def _counted(summary: Summary) -> str:
    said = f"{summary.answered} of {summary.asked} questions answered"
    if summary.skipped:
        said += f", {summary.skipped} skipped"
    return f"{said}; on average {summary.average:g} of 5." if summary.average is not None else f"{said}."


def _where(result: ConceptResult) -> str:
    page = f"page {result.page}" if result.page is not None else f"part {result.part}"
    return f"{result.concept} (“{result.document_title}”, {page})"
