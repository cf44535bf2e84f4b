"""In production, who has not verified the address looks around and asks nothing."""

from uuid import uuid4

from chassis.database import Database

from .neighbours import Neighbours
from .school import School


async def test_questions_are_refused_with_what_to_do(database: Database, neighbours: Neighbours) -> None:
    async with School.open(database, neighbours, require_verified_email=True) as school:
        student = school.student(email_verified=False)
        for path, body in (
            ("/chat/sessions", {"mode": "tutor"}),
            (f"/chat/sessions/{uuid4()}/messages", {"content": "What is supply?"}),
            (f"/chat/messages/{uuid4()}/retry", {}),
        ):
            answer = await student.client.post(path, json=body)
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:studyteddy:problem:email-not-verified")
            assert "verify-email" in answer.json()["detail"]
        assert (await student.client.get("/chat/sessions")).json()["items"] == []
        assert (await student.client.get(f"/chat/messages/{uuid4()}")).status_code == 404


async def test_who_is_verified_asks(database: Database, neighbours: Neighbours) -> None:
    async with School.open(database, neighbours, require_verified_email=True) as school:
        student = school.student(email_verified=True)
        session = await student.starts()
        assert (await student.asks(session, "What is supply?")).status_code == 201
