"""Answers graded by hand, to be graded again by the program. `developed_on.md` and `played.md` were looked at while rules
were written, `held_out.md` once. `unseen.md` was graded before anybody looked at it, and was looked at since.
`named.md` (terms) and `turned.md` (statements) hold the families in which a review found wrong grades: rules were written on them.
`fresh.md` was graded once before it was looked at, and rules were written on it since.
At what is graded wrongly in `blind.md` nobody has looked: look at its figures only, or it says nothing any more of answers that are new.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chat.recall.drafts import Form
from chat.recall.grading import Task

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Heard:
    """An answer with the grade that a person gave it."""

    task: Task
    said: str
    grade: int


def answers(name: str) -> Iterator[Heard]:
    """The answers of a file: a question, its form and concept, the text, what is asked for, and what students said."""
    for block in (HERE / f"{name}.md").read_text(encoding="utf-8").split("\n\n"):
        question, head, text, wanted, *said = block.strip().splitlines()
        form, concept = head.split(" | ")
        sentence = text[: text.index(". ") + 1] if ". " in text else text
        task = Task(Form(form), concept, question[2:], wanted[2:], sentence, text)
        for line in said:
            yield Heard(task, line[2:], int(line[0]))
