"""`make demo`: the main job against a running mesh, through the gateway, checked at every step.

    python tests/demo [--url http://localhost:8080] [--file course.pdf] [--question "…"]

Exit code 1 and a sentence if a step is wrong.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import remembering
import reminding
import studying
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text
from student import DemoFailed, Json, Student

SAMPLE = Path(__file__).parent / "sample.pdf"
SAMPLE_QUESTION = "What is the testing effect?"
FOREIGN_QUESTION = "Which enzymes break down proteins in the small intestine?"
READING_SECONDS = 300


def main() -> int:
    arguments = _arguments()
    console = Console(highlight=False)
    student = Student(arguments.url)
    try:
        student.check_it_runs()
        play(student, console, arguments.file or SAMPLE, arguments.question)
    except DemoFailed as failure:
        console.print(Text(f"✗ {failure}", style="bold red"))
        return 1
    console.print(
        Text("✓ Everything worked. The API: ", style="bold green") + Text(f"{student.url}/docs", style="underline")
    )
    return 0


def play(student: Student, console: Console, file: Path, question: str | None) -> None:
    """Sign up, upload, watch it being read, ask, open what the answer cites; then the quiz, the teach-back, cards and mail."""
    user = student.sign_up()
    console.print(f"[bold]1[/] Signed up as [cyan]{user['email']}[/]")
    if not file.is_file():
        raise DemoFailed(f"There is no file {file}. Use: make demo FILE=path/to/your.pdf")
    document = read(student, console, file)
    session = student.study(document["id"])
    answer = ask(
        student,
        console,
        session,
        question or (SAMPLE_QUESTION if file == SAMPLE else f"What is {document['title']} about?"),
    )
    if file == SAMPLE and not answer["citations"]:
        raise DemoFailed("The answer cites nothing, although the sample says it on page 3.")
    check_citations(student, answer)
    if file == SAMPLE:
        foreign = ask(student, console, session, FOREIGN_QUESTION)
        if foreign["citations"]:
            raise DemoFailed("It cites the sample for something that the sample does not speak of.")
    graded = studying.quiz(student, console, document)
    if file == SAMPLE:
        studying.teach_back(student, console, document)
    remembering.flashcards(student, console, document, graded)
    reminding.mail(student, console, user)


def read(student: Student, console: Console, file: Path) -> Json:
    """Upload a file and show a bar until it is ready."""
    started = time.monotonic()
    with student.tab() as frames:
        return watch(student, console, student.upload(file), frames, started)


def watch(student: Student, console: Console, document: Json, frames: Iterator[Json], started: float) -> Json:
    """Show how far it is, as the open tab hears it."""
    columns = (
        TextColumn("[bold]2[/] Reading [cyan]{task.fields[title]}[/]"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("reading", total=1.0, title=document["title"])
        for frame in frames:
            if frame["type"] == "document.progressed" and frame["data"]["document_id"] == document["id"]:
                bar.update(task, completed=frame["data"]["progress"])
            if time.monotonic() - started > READING_SECONDS:
                raise DemoFailed(f"After {READING_SECONDS} s the document is still {document['status']}.")
            document = student.document(document["id"])
            bar.update(task, completed=document["progress"])
            if document["status"] in ("ready", "failed"):
                break
    if document["status"] == "failed":
        raise DemoFailed(f"The document could not be read: {document['error']['detail']}")
    console.print(
        f"  {document['pages']} {'pages' if document['has_pages'] else 'parts'}, {time.monotonic() - started:.1f} s"
    )
    return document


def ask(student: Student, console: Console, session: Json, question: str) -> Json:
    """Ask, print the answer while it comes, and return the whole message."""
    console.print(f"\n[bold]3[/] [bold yellow]{question}[/]")
    message: Json | None = None
    for event, data in student.ask(session["id"], question):
        if event == "token":
            console.print(Text(data["text"]), end="")
        elif event == "error":
            raise DemoFailed(f"The answer broke off: {data}")
        elif event == "done":
            message = data
    console.print()
    if message is None:
        raise DemoFailed("The stream ended without the event `done`.")
    for citation in message["citations"]:
        where = f"[{citation['marker']}] {citation['document_title']}, {_place(citation)}"
        console.print(Panel(Text(f"“{citation['quote']}”"), title=Text(where), title_align="left", border_style="dim"))
    return message


def check_citations(student: Student, message: Json) -> None:
    """Open every cited page and look for the quote there."""
    for citation in message["citations"]:
        page = student.page(citation["document_id"], citation["part"])
        if _plain(citation["quote"]) not in _plain(page["text"]):
            raise DemoFailed(f"There is no such quote in {_place(citation)}: {citation['quote']}")


def _place(citation: Json) -> str:
    return f"part {citation['part']}" if citation["page"] is None else f"page {citation['page']}"


def _plain(text: str) -> str:
    return " ".join(text.split())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Plays the main job against a running student.")
    parser.add_argument("--url", default="http://localhost:8080")
    parser.add_argument("--file", type=Path, help="a PDF, DOCX, Markdown or text file of yours")
    parser.add_argument("--question")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
