"""A part of the mesh is away or dies: the others go on, the user is told, and nothing is lost or done twice."""

import asyncio
import time

import httpx
from devstack.local_mesh import LocalMesh
from devstack.waiting import until
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from .students import Json, Student


def long_pdf(pages: int) -> bytes:
    """A PDF whose every page says its number in a sentence of its own."""
    canvas = Canvas("", pagesize=A4, invariant=1)
    for number in range(1, pages + 1):
        text = canvas.beginText(60, 780)
        for line in range(30):
            text.textLine(
                f"Line {line} of page {number}: the harbour of town {number * 31 + line} was built by its guild."
            )
        canvas.drawText(text)
        canvas.showPage()
    data: bytes = canvas.getpdfdata()  # type: ignore[no-untyped-call]  # its stubs leave it out
    return data


async def test_a_service_that_is_down_is_a_503_in_bounded_time_and_the_others_go_on(
    mesh: LocalMesh, student: Student
) -> None:
    await asyncio.to_thread(mesh.processes["chat"].kill)
    try:
        started = time.monotonic()
        down = await student.http.get("/chat/sessions")
        assert down.status_code == 503
        assert time.monotonic() - started < 3
        assert down.headers["content-type"].startswith("application/problem+json")
        assert int(down.headers["retry-after"]) >= 1
        assert (await student.http.get("/documents")).status_code == 200
        assert (await student.http.get("/users/me")).status_code == 200
    finally:
        await asyncio.to_thread(mesh.processes["chat"].restart)
    assert (await until(lambda: _answers(student, "/chat/sessions"), 15))["items"] == []


async def test_search_away_means_a_503_and_the_question_can_be_asked_again(
    mesh: LocalMesh, student: Student, sample: bytes
) -> None:
    session = await student.study((await student.ready("memory.pdf", sample))["id"])
    await asyncio.to_thread(mesh.processes["ingestion"].kill)
    try:
        path = f"/chat/sessions/{session['id']}/messages"
        refused = await student.http.post(path, json={"content": "What is consolidation?"})
        assert refused.status_code == 503, refused.text
    finally:
        await asyncio.to_thread(mesh.processes["ingestion"].restart)
    kept = (await student.http.get(f"/chat/sessions/{session['id']}/messages")).json()["items"]
    question = next(message for message in kept if message["content"] == "What is consolidation?")

    async def again() -> Json | None:
        answer = await student.http.post(f"/chat/messages/{question['id']}/retry")
        return answer.json() if answer.status_code in (200, 201) else None

    assert (await until(again, 15))["citations"]


async def test_a_worker_killed_in_the_middle_of_a_document_finishes_it_once(mesh: LocalMesh, student: Student) -> None:
    document = await student.upload("long.pdf", long_pdf(120))

    async def begun() -> Json | None:
        now: Json = (await student.http.get(f"/documents/{document['id']}")).json()
        return now if now["status"] != "queued" and now["progress"] > 0.05 else None

    assert (await until(begun, 30))["status"] == "processing", "the document is too short to be killed in its middle"
    await asyncio.to_thread(mesh.processes["ingestion"].kill)
    await asyncio.to_thread(mesh.processes["ingestion"].restart)

    finished = await student.until_read(document["id"], 120)
    assert (finished["status"], finished["pages"]) == ("ready", 120)
    found = (await student.http.post("/search", json={"query": "harbour of town 3725", "limit": 50})).json()["passages"]
    places = [(passage["page"], passage["start"]) for passage in found]
    assert len(places) == len(set(places)), "a passage was stored twice"


async def test_events_written_while_the_broker_is_away_arrive_when_it_is_back(
    mesh: LocalMesh, student: Student, sample: bytes
) -> None:
    await asyncio.to_thread(mesh.stack.rabbitmq.kill)
    try:
        document = await student.ready("memory.pdf", sample)
    finally:
        await asyncio.to_thread(mesh.stack.rabbitmq.restart)
    # chat hears of the document only through the bus
    session = await student.study(document["id"])
    assert (await student.ask(session, "What is the spacing effect?"))["citations"]


async def test_a_gateway_that_starts_knows_the_sessions_that_ended_before(mesh: LocalMesh, student: Student) -> None:
    ended = await student.http.post("/auth/logout", json={"refresh_token": student.tokens["refresh_token"]})
    assert ended.status_code in (200, 204)
    await asyncio.to_thread(mesh.processes["gateway"].restart)
    assert (await student.http.get("/users/me")).status_code == 401


async def _answers(student: Student, path: str) -> Json | None:
    try:
        answer = await student.http.get(path)
    except httpx.TransportError:
        return None
    return answer.json() if answer.status_code == 200 else None
