"""`make demo`: the main job against a running mesh, through the gateway, checked at every step.

    python tests/demo [--url http://localhost:8080] [--file course.pdf] [--question "…"]

Exit code 1 and a sentence if a step is wrong.
"""

import argparse
import sys
import time
from pathlib import Path

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
    """Sign up, upload, watch it being read, ask, and open what the answer cites."""
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


def read(student: Student, console: Console, file: Path) -> Json:
    """Upload a file and show a bar until it is ready."""
    started = time.monotonic()
    document = student.upload(file)
    columns = (
        TextColumn("[bold]2[/] Reading [cyan]{task.fields[title]}[/]"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("reading", total=1.0, title=document["title"])
        while document["status"] not in ("ready", "failed"):
            if time.monotonic() - started > READING_SECONDS:
                raise DemoFailed(f"After {READING_SECONDS} s the document is still {document['status']}.")
            time.sleep(0.1)
            document = student.document(document["id"])
            bar.update(task, completed=document["progress"])
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
