"""Upload a real document, get an answer that cites its page."""

import re
import subprocess
import sys
from pathlib import Path

from devstack.local_mesh import LocalMesh
from httpx_sse import aconnect_sse

from .students import Student

DEMO = Path(__file__).parents[1] / "demo"


async def test_an_answer_cites_the_page_and_the_quote_stands_there(student: Student, sample: bytes) -> None:
    document = await student.ready("memory.pdf", sample)
    assert document["pages"] == 5
    session = await student.study(document["id"])

    answer = await student.ask(session, "What is the testing effect?")

    assert "retriev" in answer["content"].lower()
    assert 3 in [citation["page"] for citation in answer["citations"]]
    for citation in answer["citations"]:
        page = (await student.http.get(f"/documents/{document['id']}/pages/{citation['page']}")).json()
        assert " ".join(citation["quote"].split()) in " ".join(page["text"].split())


async def test_a_citation_of_a_text_without_pages_opens_the_part_that_holds_it(student: Student) -> None:
    document = await student.ready("memory.md", (DEMO / "sample.md").read_bytes())
    session = await student.study(document["id"])

    answer = await student.ask(session, "What is the testing effect?")

    assert answer["citations"]
    for citation in answer["citations"]:
        assert citation["page"] is None
        part = (await student.http.get(f"/documents/{document['id']}/pages/{citation['part']}")).json()
        quoted = part["text"][citation["start"] : citation["end"]]
        assert " ".join(quoted.split()) == citation["quote"]


async def test_an_answer_streams_with_its_id_before_the_first_token(student: Student, sample: bytes) -> None:
    session = await student.study((await student.ready("memory.pdf", sample))["id"])
    path = f"/chat/sessions/{session['id']}/messages"
    async with aconnect_sse(student.http, "POST", path, json={"content": "What is consolidation?"}) as source:
        events = [(event.event, event.json()) async for event in source.aiter_sse()]
    names = [name for name, _ in events]
    assert names[0] == "message"
    assert names[-1] == "done"
    assert names.index("message") < names.index("token")
    streamed = "".join(data["text"] for name, data in events if name == "token")
    assert streamed.strip() == events[-1][1]["content"].strip()
    assert events[0][1]["id"] == events[-1][1]["id"]


async def test_what_the_material_does_not_hold_is_not_made_up(student: Student, sample: bytes) -> None:
    session = await student.study((await student.ready("memory.pdf", sample))["id"])
    answer = await student.ask(session, "Which enzymes break down proteins in the small intestine?")
    assert answer["citations"] == []


async def test_a_deleted_document_is_gone_from_everywhere(student: Student, sample: bytes) -> None:
    document = await student.ready("memory.pdf", sample)
    session = await student.study(document["id"])
    assert (await student.http.delete(f"/documents/{document['id']}")).status_code == 204

    found = (await student.http.post("/search", json={"query": "testing effect", "limit": 5})).json()
    assert found["passages"] == []
    assert (await student.http.get(f"/documents/{document['id']}")).status_code == 404
    assert (await student.http.get(f"/documents/{document['id']}/pages/1")).status_code == 404
    assert (await student.http.get(f"/documents/{document['id']}/file")).status_code == 404
    answer = await student.http.post(f"/chat/sessions/{session['id']}/messages", json={"content": "testing effect?"})
    assert answer.status_code >= 400 or answer.json()["citations"] == []


async def test_the_same_bytes_again_are_the_document_that_is_there(student: Student, sample: bytes) -> None:
    document = await student.upload("memory.pdf", sample)
    again = await student.http.post("/documents", files={"file": ("copy.pdf", sample)})
    assert (again.status_code, again.json()["id"]) == (200, document["id"])


async def test_the_file_comes_back_as_it_was(student: Student, sample: bytes) -> None:
    document = await student.upload("memory.pdf", sample)
    assert (await student.http.get(f"/documents/{document['id']}/file")).content == sample


def test_the_demo_passes_on_its_sample(mesh: LocalMesh) -> None:
    played = subprocess.run(
        [sys.executable, str(DEMO), "--url", mesh.url], capture_output=True, text=True, check=False, timeout=120
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert "page 3" in played.stdout
    assert "What is working memory?" in played.stdout.partition("proposed from the document")[2]
    # What the quiz missed may have been proposed already, and is then no second draft.
    assert re.search(r"4 accepted, one of them edited; [12] rejected\.", played.stdout)
    assert re.search(r"again 1 min +· +hard \d+ min +· +good 10 min +· +easy \d+ d", played.stdout)
    assert re.search(r"Cards that come back, by day:\n(?:  \w{3} \d\d \w{3}.*\n)+", played.stdout)
    assert "█" in played.stdout
    assert re.search(r"The reminder of the day, whose time is now:\n.*Hello Ada", played.stdout, re.DOTALL)


def test_the_demo_says_in_a_sentence_that_nothing_runs() -> None:
    played = subprocess.run(
        [sys.executable, str(DEMO), "--url", "http://127.0.0.1:9"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert played.returncode == 1
    assert "make run" in played.stdout
    assert "Traceback" not in played.stderr
