"""What search is measured on: documents, and questions with the places that answer them.

`ours` was written for this project (CC0) and is always there. The shared one stands beside the repository, and brings its own
rule of what a hit is.
"""

import importlib.util
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

OURS = Path(__file__).parent / "ours"


@dataclass(frozen=True, slots=True)
class Result:
    """A passage that was found."""

    document: str
    page: int | None
    quote: str
    score: float


@dataclass(frozen=True, slots=True)
class Question:
    """`book` tells what it is asked of; without one, no document answers it."""

    text: str
    book: str | None
    gold: Sequence[dict[str, Any]] = field(default=())


@dataclass(frozen=True, slots=True)
class Corpus:
    name: str
    files: Sequence[Path]
    questions: Sequence[Question]
    answers: Callable[[Question, Result], bool]


def ours() -> Corpus:
    """Five short texts, one of them German, of twenty subjects at most."""
    rows = [json.loads(line) for line in (OURS / "questions.jsonl").read_text("utf-8").splitlines()]
    files = [path for path in sorted(OURS.iterdir()) if path.name != "questions.jsonl"]
    return Corpus("our own texts", files, [_own_question(row) for row in rows], _holds_quote)


def shared(folder: Path) -> Corpus:
    """The textbook chapters beside the repository."""
    score = _scorer(folder)
    rows = score.read_jsonl(folder / "retrieval" / "questions.jsonl")
    sections = score.Sections(score.read_jsonl(folder / "retrieval" / "sections.jsonl"))

    def answers(question: Question, found: Result) -> bool:
        row = {"document": found.document, "page": found.page, "quote": found.quote}
        return any(score.hit_place(row, gold, sections) for gold in question.gold)

    files = sorted((folder / "retrieval" / "documents").iterdir())
    questions = [Question(row["question"], _book(row["gold"]), row["gold"]) for row in rows]
    return Corpus(f"textbooks of {folder}", files, questions, answers)


def _own_question(row: dict[str, Any]) -> Question:
    gold = [row] if "document" in row else []
    return Question(row["question"], _book(gold), gold)


def _holds_quote(question: Question, found: Result) -> bool:
    words = " ".join(found.quote.split())
    return any(gold["document"] == found.document and gold["quote"] in words for gold in question.gold)


def _book(gold: Sequence[dict[str, Any]]) -> str | None:
    """Chapters are named `economics-03-….pdf`."""
    return Path(gold[0]["document"]).stem.split("-")[0] if gold else None


def _scorer(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", folder / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
