"""What is said to a language model: templates, one file for each mode and version. A version that has answered is not edited."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from chat.passages import Passage

TUTOR = "tutor.v1"
FEYNMAN = "feynman.v1"
RECALL_ASKING = "recall_asking.v1"
RECALL_GRADING = "recall_grading.v1"
PRACTICE = "practice.v1"
FLASHCARDS = "flashcards.v1"
NOT_IN_MATERIAL = "NOT_IN_MATERIAL"
_LONGEST_TITLE = 120
_SECTION = re.compile(r"^# (\w+)\n", re.MULTILINE)
_TAG = re.compile(r"<(?=\s*/?\s*passage)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template: `instructions` for the system's turn, `question` for the student's."""

    name: str
    instructions: Template
    question: Template


def load(name: str) -> Prompt:
    """The template of this name, such as `tutor.v1`."""
    parts = _SECTION.split((files(__package__) / f"{name}.md").read_text(encoding="utf-8"))
    sections = {title: Template(body.strip()) for title, body in zip(parts[1::2], parts[2::2], strict=True)}
    return Prompt(name, sections["instructions"], sections["question"])


def fenced(passages: Sequence[Passage], fence: str) -> str:
    """Passages between tags that name their number. `fence` is new for each question, so no document can close it."""
    return "\n\n".join(
        f'<{fence} number="{number}" document="{_title(passage.document_title)}"{_page(passage)}>\n'
        f"{unfenced(passage.text)}\n</{fence}>"
        for number, passage in enumerate(passages, 1)
    )


def unfenced(text: str) -> str:
    """Text of others with what looks like such a tag in it broken."""
    return _TAG.sub("‹", text)


def _title(title: str) -> str:
    return re.sub(r"[<>\"\s]+", " ", title)[:_LONGEST_TITLE].strip()


def _page(passage: Passage) -> str:
    return f' page="{passage.page}"' if passage.page is not None else ""
