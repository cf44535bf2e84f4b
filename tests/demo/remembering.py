"""The demo's flashcards: proposed from the document, taken or left, reviewed with the buttons' intervals, and the days ahead."""

import time
from collections.abc import Callable
from datetime import date, timedelta

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from student import NEWS_SECONDS, DemoFailed, Json, Student

_PROPOSED, _TAKEN = 6, 4
_BUTTONS = ("good", "easy", "hard", "again")
_DAYS, _WIDTH = 10, 30


def flashcards(student: Student, console: Console, document: Json, graded: Json) -> None:
    """Proposals, what was missed in the quiz, reviews, and the forecast."""
    console.print("\n[bold]6[/] Flashcards, proposed from the document:")
    proposal = student.propose(document["id"], _PROPOSED)
    if proposal is None:
        console.print("  Nothing in it makes a card worth keeping.")
    else:
        _show(console, proposal)
        _decide(student, console, proposal)
    _take_what_was_missed(student, console, graded)
    _review(student, console)
    _forecast(student, console)


def _show(console: Console, proposal: Json) -> None:
    for card in proposal["cards"]:
        source = card["source"]
        where = f"part {source['part']}" if source["page"] is None else f"page {source['page']}"
        said = Text(card["question"], style="bold yellow") + Text(f"\n{card['answer']}" if card["answer"] else "")
        console.print(Panel(said, title=Text(where), title_align="left", border_style="dim"))


def _decide(student: Student, console: Console, proposal: Json) -> None:
    """Take the first ones, one of them edited, and leave the rest."""
    drafts = _until(
        lambda: student.get("/flashcards/drafts", proposal_id=proposal["id"])["items"], "drafts of the proposal"
    )
    taken, left = drafts[:_TAKEN], drafts[_TAKEN:]
    for draft in taken:
        edited = {"tags": ["demo"]} | ({"answer": f"{draft['answer']} (My words.)"} if draft is taken[0] else {})
        (card, *_) = student.post(f"/flashcards/drafts/{draft['id']}/accept", 201, **edited)["cards"]
        if card["source"] != draft["source"]:
            raise DemoFailed("A card that was accepted has lost its source.")
    for draft in left:
        student.leave(draft["id"])
    console.print(f"  {len(taken)} accepted, one of them edited; {len(left)} rejected.")
    if waiting := student.get("/flashcards/drafts", proposal_id=proposal["id"])["items"]:
        raise DemoFailed(f"{len(waiting)} drafts still wait, although all were accepted or rejected.")


def _take_what_was_missed(student: Student, console: Console, graded: Json) -> None:
    """What was not known in the quiz waits as a draft, unless a card has it already."""
    if graded["grade"] >= 3:
        return

    def proposed() -> list[Json]:
        quote = graded["source"]["quote"]
        drafts: list[Json] = [*student.get("/flashcards/drafts")["items"]]
        return [draft for draft in drafts if draft["source"]["quote"] == quote]

    missed = _until(proposed, f"draft of what was missed, “{graded['concept']}”")[0]
    student.post(f"/flashcards/drafts/{missed['id']}/accept", 201, tags=["missed"])
    console.print(Text("  Missed in the quiz, so proposed, too: ") + Text(missed["question"], style="bold yellow"))


def _review(student: Student, console: Console) -> None:
    """Each card once, with another button; what the button said is what happens."""
    queue = student.get("/flashcards/due", limit=len(_BUTTONS))
    console.print(f"\n[bold]7[/] Review: {queue['learning']} learning, {queue['due']} due, {queue['new']} new")
    for card, button in zip(queue["items"], _BUTTONS, strict=False):
        console.print(Text(f"  {card['front']}", style="bold yellow"))
        choices = [f"{name} {choice['wait']}" for name, choice in card["choices"].items()]
        pressed = list(card["choices"]).index(button)
        marked = (f"[reverse] {one} [/]" if place == pressed else f" {one} " for place, one in enumerate(choices))
        console.print("   " + " · ".join(marked))
        after = student.post(f"/flashcards/{card['id']}/review", 200, rating=button)["card"]
        if after["due_day"] != card["choices"][button]["due_day"]:
            raise DemoFailed(f"The button {button} did not do what it said.")
    if not queue["items"]:
        raise DemoFailed("There is nothing to review, although cards were accepted.")


def _forecast(student: Student, console: Console) -> None:
    """The days ahead as a chart."""
    today = date.fromisoformat(student.get("/flashcards/due", limit=1)["day"])
    counts = {day["day"]: day["cards"] for day in student.get("/flashcards/statistics", days=_DAYS)["forecast"]}
    if not counts:
        raise DemoFailed("The forecast is empty, although cards were reviewed.")
    most = max(counts.values())
    chart = Table.grid(padding=(0, 1))
    for ahead in range(_DAYS):
        day = today + timedelta(days=ahead)
        cards = counts.get(day.isoformat(), 0)
        chart.add_row(f"  {day:%a %d %b}", Text("█" * round(cards / most * _WIDTH), style="green"), str(cards or ""))
    console.print("\n  Cards that come back, by day:")
    console.print(chart)


def _until(attempt: Callable[[], list[Json]], what: str) -> list[Json]:
    """What comes of it as soon as something does."""
    deadline = time.monotonic() + NEWS_SECONDS
    while not (found := attempt()):
        if time.monotonic() > deadline:
            raise DemoFailed(f"No {what} came within {NEWS_SECONDS:g} s.")
        time.sleep(0.1)
    return found
