"""Whatever a student uploads ends, through the whole mesh, as text that can be studied or as a reason that can be read."""

import asyncio
import json
import unicodedata
from pathlib import Path

import pytest

from .strange_files import strange_files
from .students import Json, Student

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "files"
# Of all files together, however slow the machine.
SECONDS = 240


def plain(text: str) -> str:
    """Letters and digits alone, as the corpus compares."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


async def outcome(student: Student, name: str, content: bytes) -> Json:
    """The document once it is ready or failed; what is refused at once has `refused`, the reason."""
    answer = await student.http.post("/documents", files={"file": (name, content)})
    if answer.status_code in (413, 415, 422):
        return {"status": "refused", "refused": answer.json()["detail"]}
    assert answer.status_code in (200, 202), f"{name}: {answer.status_code} {answer.text}"
    return await student.until_read(answer.json()["id"], SECONDS)


async def text_of(student: Student, document: Json, number: int) -> str:
    page = await student.http.get(f"/documents/{document['id']}/pages/{number}")
    assert page.status_code == 200, page.text
    text: str = page.json()["text"]
    return text


def is_refused_clearly(document: Json) -> bool:
    """Whether a person is told why there is nothing to study."""
    said = document.get("refused") or (document.get("error") or {}).get("detail", "")
    return document["status"] in ("refused", "failed") and len(said.split()) >= 4


async def holds(student: Student, document: Json, entry: Json) -> bool:
    """Whether the document holds the phrase on one of its pages, and the pages that are expected."""
    if document["status"] != "ready" or (entry["pages"] and document["pages"] != entry["pages"]):
        return False
    likely = [1873] if document["pages"] > 100 else range(1, document["pages"] + 1)
    texts = [await text_of(student, document, number) for number in likely]
    return plain(entry["phrase"] or "") in plain("".join(texts))


@pytest.mark.timeout(SECONDS + 60)
async def test_every_file_of_the_corpus_gives_what_is_expected_of_it(student: Student) -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus is not there: shared/corpus beside the repository")
    listed: list[Json] = json.loads((CORPUS / "files.json").read_text())
    outcomes = await asyncio.gather(
        *(outcome(student, entry["filename"], (CORPUS / entry["filename"]).read_bytes()) for entry in listed)
    )
    wrong = []
    for entry, document in zip(listed, outcomes, strict=True):
        right = {
            "text": await holds(student, document, entry),
            "clear_error": is_refused_clearly(document),
            "either": document["status"] == "ready" or is_refused_clearly(document),
        }[entry["expected"]]
        if not right or (document["status"] == "ready" and not document["passages"]):
            wrong.append((entry["filename"], entry["expected"], document))
    assert wrong == []


@pytest.mark.timeout(SECONDS + 60)
async def test_files_that_loop_or_inflate_end_and_stop_nobody(student: Student, sample: bytes) -> None:
    files = list(strange_files())
    outcomes = await asyncio.gather(*(outcome(student, name, content) for name, content, _ in files))
    wrong = []
    for (name, _, text), document in zip(files, outcomes, strict=True):
        ready = document["status"] == "ready" and document["passages"] > 0
        if not {True: ready, False: is_refused_clearly(document), None: ready or is_refused_clearly(document)}[text]:
            wrong.append((name, document))
    assert wrong == []
    assert (await student.ready("memory.pdf", sample))["passages"] > 0
