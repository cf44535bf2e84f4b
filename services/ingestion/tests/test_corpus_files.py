"""Every file of the corpus gives its text or a clear refusal; none takes long, none stops the next."""

import json
import time
import unicodedata
from contextlib import aclosing
from pathlib import Path
from typing import Any

from ingestion.detection import HEAD_BYTES, UnsupportedDocument, detect
from ingestion.failures import FAILURES, ReadingFailed
from ingestion.reading.children import Children
from ingestion.reading.frames import Opened, Part
from ingestion.reading.reader import Reading


def plain(text: str) -> str:
    """Letters and digits alone, as the corpus compares."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


async def outcome(children: Children, path: Path) -> tuple[list[Part], str | None]:
    """The parts, or why there are none, by the worker's rules for a whole document."""
    head = path.read_bytes()[:HEAD_BYTES]
    if not head:
        return [], "document-empty"
    try:
        kind = detect(head)
        async with aclosing(Reading(children, str(path), kind).parts()) as read:
            parts = [part async for part in read if not isinstance(part, Opened)]
    except UnsupportedDocument as refused:
        return [], refused.type if refused.detail else None
    except ReadingFailed as failed:
        return [], failed.code
    if sum(part.text is None for part in parts) * 10 > len(parts):
        return [], "document-damaged"
    if not any(part.text for part in parts):
        return [], "document-scanned" if any(part.pictures for part in parts) else "document-empty"
    return parts, None


async def test_each_file_gives_what_is_expected_of_it(corpus: Path, children: Children) -> None:
    listed: list[dict[str, Any]] = json.loads((corpus / "files" / "files.json").read_text())
    wrong = []
    for entry in listed:
        started = time.monotonic()
        parts, refusal = await outcome(children, corpus / "files" / entry["filename"])
        text = plain("".join(part.text or "" for part in parts))
        right = {
            "text": refusal is None and plain(entry["phrase"] or "") in text,
            "clear_error": refusal in FAILURES,
            "either": True,
        }[entry["expected"]]
        if refusal is None and entry["pages"]:
            right = right and len(parts) == entry["pages"]
        if not right or time.monotonic() - started > 20:
            wrong.append((entry["filename"], refusal, len(parts), time.monotonic() - started))
    assert wrong == []


async def test_each_documents_gold_sentences_come_out(corpus: Path, children: Children) -> None:
    """The sentences that answer the corpus's questions stand on the pages where they should."""
    questions = [json.loads(line) for line in (corpus / "retrieval" / "questions.jsonl").read_text().splitlines()]
    gold = [place for question in questions for place in question["gold"] if place["quote"]]
    pages: dict[str, dict[int, str]] = {}
    for document in {place["document"] for place in gold}:
        parts, refusal = await outcome(children, corpus / "retrieval" / "documents" / document)
        assert refusal is None
        pages[document] = {part.number: plain(part.text or "") for part in parts}
    lost = [
        place["quote"]
        for place in gold
        if plain(place["quote"])
        not in (
            pages[place["document"]][place["page"]] + pages[place["document"]].get(place["page"] + 1, "")
            if place["page"]
            else "".join(pages[place["document"]].values())
        )
    ]
    # A sentence that goes over a page break has a running head in its middle.
    assert len(lost) <= 0.05 * len(gold), lost
