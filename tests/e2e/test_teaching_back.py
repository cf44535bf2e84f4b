"""A student teaches a concept back, and is told what is right, what is wrong, and what is missing; over the whole mesh."""

from httpx_sse import aconnect_sse

from .students import Student

FIRST = (
    "Testing effect: retrieving information from memory strengthens it more than reading it again. "
    "Students who read a passage four times remembered 80 percent. I like trains."
)


async def test_an_explanation_is_assessed_and_progress_is_counted(student: Student, sample: bytes) -> None:
    document = await student.ready("memory.pdf", sample)
    session = await student.study(document["id"], mode="feynman")

    told = await student.ask(session, FIRST)

    assessment = told["assessment"]
    assert [claim["verdict"] for claim in assessment["claims"]] == ["supported", "contradicted", "not_spoken_of"]
    assert [FIRST[claim["start"] : claim["end"]] for claim in assessment["claims"]] == [
        claim["text"] for claim in assessment["claims"]
    ]
    for citation in told["citations"]:
        page = (await student.http.get(f"/documents/{document['id']}/pages/{citation['page']}")).json()
        assert " ".join(citation["quote"].split()) in " ".join(page["text"].split())
    assert 0 < assessment["coverage"] < 1
    assert assessment["next_question"] in told["content"]

    again = await student.ask(session, "Students who read it four times remembered 40 percent.")
    assert (again["assessment"]["attempt"], again["assessment"]["corrected"]) == (2, 1)


async def test_an_explanation_streams_and_what_is_not_held_is_said(student: Student, sample: bytes) -> None:
    session = await student.study((await student.ready("memory.pdf", sample))["id"], mode="feynman")
    body = {"content": "Photosynthesis: plants turn light into sugar in their chloroplasts."}
    async with aconnect_sse(student.http, "POST", f"/chat/sessions/{session['id']}/messages", json=body) as source:
        events = [(event.event, event.json()) async for event in source.aiter_sse()]
    assert events[-1][0] == "done"
    assert "does not speak of" in "".join(data["text"] for name, data in events if name == "token")
    assert events[-1][1]["assessment"]["attempt"] == 0
