"""What a student's message wants: what its button says, or else what its words do."""

import re

from chat.models import Intent
from chat.recall.turns import Question
from chat.studying import Asked
from chat.terms import words

_MY_ANSWER = r"(?:(?:no|but|sorry) )?(?:i was|i had it|i got it|that was|it was|my answer (?:was|is))"
_WISHES = (
    (Intent.HINT, r"(?:(?:a|another|one more|give me an?(?:other)?) )?hint(?: please)?|help(?: me)?|clue"),
    (Intent.SKIP, r"skip(?: (?:it|this|that|this one|the question))?|next(?: (?:one|question))?|pass"),
    (Intent.FINISH, r"(?:finish|stop|end|quit|enough|that(?: i|')s enough|i am done|i'm done|done|exit)(?: (?:it|the quiz|quiz|now|please))*"),
    (Intent.RIGHT, rf"{_MY_ANSWER} (?:right|correct)(?: though| actually)?"),
    (Intent.WRONG, rf"{_MY_ANSWER} (?:wrong|incorrect|not right)(?: though| actually)?"),
    (Intent.START, r"(?:start|begin|go|restart|again|let'?s go|ready|i am ready|i'm ready|(?:quiz|test|ask|examine) me|new quiz|another quiz|start (?:the|a|another) quiz)(?: (?:now|please|again))*"),
)  # fmt: skip
_ABOUT = r"(?:on|about|over|for|with|something about|questions about|questions on) (?P<topic>.+)"
_QUIZ = r"(?:quiz|test|ask|examine) me|(?:start |begin |make )?(?:(?:a|a new|new|another) )?quiz"
_TOPIC = re.compile(rf"(?:please )?(?:{_QUIZ}|start|questions?) {_ABOUT}", re.IGNORECASE | re.DOTALL)
# What starts another quiz even where a question is open: it names the quiz.
_ANOTHER = re.compile(
    rf"(?:please )?(?:restart(?: the quiz)?|(?:{_QUIZ}|start (?:the|a new) quiz)(?: (?:now|please|again))*|(?:{_QUIZ}) {_ABOUT})",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_TOPIC = 300


def wish(asked: Asked, question: Question | None) -> Intent:
    """What is to be done. Words are only taken for a button where they are nothing but that, and not the answer itself."""
    if asked.intent is not None:
        return asked.intent
    said = " ".join(re.sub(r"[^\w\s']+", " ", asked.question.replace("’", "'")).casefold().split())
    meant = next((intent for intent, pattern in _WISHES if re.fullmatch(pattern, said)), None)
    if question is None:
        return meant if meant is not None else Intent.START
    if set(said.split()) <= set(words(question.answer)):
        return Intent.ANSWER
    if meant is None or meant is Intent.START:
        return Intent.START if _ANOTHER.fullmatch(said) else Intent.ANSWER
    return meant


def topic_of(asked: Asked) -> str | None:
    """What the student wants to be asked about; None for everything."""
    said = " ".join(asked.question.split())
    if match := _TOPIC.fullmatch(said):
        said = match["topic"]
    plain = " ".join(re.sub(r"[^\w\s']+", " ", said).casefold().split())
    if not plain or any(intent is Intent.START and re.fullmatch(pattern, plain) for intent, pattern in _WISHES):
        return None
    return said[:_LONGEST_TOPIC].strip(" .?!") or None
