"""Builders of passages and findings."""

from uuid import UUID, uuid4

from chat.passages import Findings, Passage

DOCUMENT = UUID("6f0f2b1e-0000-4000-8000-000000000001")


def passage(
    text: str,
    *,
    page: int | None = 1,
    part: int | None = None,
    start: int = 0,
    title: str = "Biology",
    document: UUID = DOCUMENT,
) -> Passage:
    return Passage(uuid4(), document, title, page, part or page or 1, text, start, start + len(text), 0.8)


def findings(*texts: str, answerable: bool = True) -> Findings:
    return Findings(tuple(passage(text, page=page) for page, text in enumerate(texts, 1)), answerable)
