"""The demo's later steps: the quiz, the teach-back, and the mail."""

import re

from rich.console import Console
from rich.text import Text
from student import DemoFailed, Json, Student

EXPLANATION = (
    "Testing effect: retrieving information from memory strengthens it more than reading it again. "
    "Students who read a passage four times remembered 80 percent. I like trains."
)
_VERDICTS = {"supported": "[green]✓[/]", "contradicted": "[red]✗[/]", "not_spoken_of": "[dim]?[/]"}


def quiz(student: Student, console: Console, document: Json) -> Json:
    """Active Recall: a question, a hint, an answer with its grade, and what is to be read again."""
    session = student.study(document["id"], "active_recall", questions=2)
    asked = student.say(session["id"], intent="start")["recall"]["question"]
    if asked is None:
        raise DemoFailed("Active Recall asks nothing of this document.")
    console.print(f"\n[bold]4[/] Active Recall: [bold yellow]{asked['text']}[/]")
    student.say(session["id"], intent="hint")
    graded: Json = {}
    turn = student.say(session["id"], _sentence_about(student, document, asked["text"]), "answer")
    while True:
        graded = turn["recall"]["graded"]
        console.print(
            f"  grade [bold]{graded['grade']}[/] of 5; it says on page {graded['source']['page']}: “{graded['source']['quote']}”"
        )
        if (asked := turn["recall"]["question"]) is None:
            break
        console.print(f"  [bold yellow]{asked['text']}[/]  I don't know.")
        turn = student.say(session["id"], "I don't know", "answer")
    if turn["recall"]["summary"] is None:
        raise DemoFailed("The quiz ended without a summary.")
    console.print(Text(f"  {turn['content'].strip()}", style="dim"))
    return graded


def teach_back(student: Student, console: Console, document: Json) -> None:
    """Feynman: an explanation, claim by claim."""
    session = student.study(document["id"], "feynman")
    told = student.say(session["id"], EXPLANATION)["assessment"]
    console.print("\n[bold]5[/] Teach-back:")
    for claim in told["claims"]:
        console.print(f"  {_VERDICTS[claim['verdict']]} {claim['text']}")
    console.print(f"  {told['coverage']:.0%} covered; next: [bold yellow]{told['next_question']}[/]")
    if "contradicted" not in {claim["verdict"] for claim in told["claims"]}:
        raise DemoFailed("What contradicts the sample was not noticed.")


def _sentence_about(student: Student, document: Json, question: str) -> str:
    """The sentence that has most words of the question: what a student who remembers the page would say."""
    asked = set(re.findall(r"\w{4,}", question.lower()))
    pages = [student.page(document["id"], number + 1)["text"] for number in range(min(document["pages"], 20))]
    known = [" ".join(one.split()) for page in pages for one in re.split(r"(?<=[.!?])\s", page)]
    return max(known, key=lambda one: len(asked & set(re.findall(r"\w{4,}", one.lower()))) / (12 + len(one.split())))[
        :2000
    ]
