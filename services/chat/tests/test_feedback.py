"""What a student thinks of an answer: kept, changed, and nobody else's business."""

import gzip
from typing import Any
from uuid import uuid4

import httpx
import pytest
from chassis.personal_data import prepare_export
from chat.erasure import erase
from chat.models import tables
from chat.upkeep import Upkeep
from sqlalchemy import text

from .builders import passage
from .school import Json, School, Student


async def rates(student: Student, message_id: str, **body: Any) -> httpx.Response:
    return await student.client.post(f"/chat/messages/{message_id}/feedback", json=body)


async def answered(school: School, student: Student) -> Json:
    school.neighbours.passages = [passage("Supply is what producers offer at a price.")]
    answer: Json = (await student.asks(await student.starts(), "What is supply?")).json()
    return answer


async def test_feedback_is_kept_and_can_be_changed(school: School) -> None:
    ada = school.student()
    answer = await answered(school, ada)
    assert answer["feedback"] is None
    first = await rates(ada, answer["id"], helpful=False, comment=" Too short.\r\n")
    assert (first.status_code, first.json()["helpful"], first.json()["comment"]) == (200, False, "Too short.")
    changed = await rates(ada, answer["reply_to"], helpful=True)
    assert (changed.json()["helpful"], changed.json()["comment"]) == (True, None)
    shown = (await ada.client.get(f"/chat/messages/{answer['id']}")).json()
    assert shown["feedback"] == changed.json()


async def test_feedback_on_anothers_answer_finds_none(school: School) -> None:
    ada, eve = school.student(), school.student()
    answer = await answered(school, ada)
    for message in (answer["id"], answer["reply_to"], str(uuid4())):
        assert (await rates(eve, message, helpful=False)).status_code == 404
    assert (await ada.client.get(f"/chat/messages/{answer['id']}")).json()["feedback"] is None


@pytest.mark.parametrize(
    "body", [{}, {"comment": "x"}, {"helpful": "perhaps"}, {"helpful": True, "comment": "x" * 2001}, {"helpful": True, "comment": "\x00"}]
)  # fmt: skip
async def test_feedback_that_says_nothing_is_refused(school: School, body: Json) -> None:
    ada = school.student()
    answer = await answered(school, ada)
    assert (await rates(ada, answer["id"], **body)).status_code == 422


async def test_answer_that_is_being_written_cannot_be_rated(school: School) -> None:
    ada = school.student()
    answer = await answered(school, ada)
    async with school.database.transaction() as session:
        await session.execute(text("UPDATE message SET status = 'answering' WHERE role = 'tutor'"))
    refused = await rates(ada, answer["id"], helpful=True)
    assert (refused.status_code, refused.json()["message_id"]) == (409, answer["id"])


async def test_feedback_is_exported_and_erased_with_its_student(school: School) -> None:
    ada = school.student()
    answer = await answered(school, ada)
    await rates(ada, answer["id"], helpful=True, comment="Zanzibar")
    export = uuid4()
    async with school.database.transaction() as session:
        await prepare_export(session, tables.metadata, export, ada.id)
        taken = (await session.execute(text("SELECT content FROM data_export"))).scalar_one()
        assert b"Zanzibar" in gzip.decompress(taken)
        await erase(session, ada.id)
    async with school.database.transaction() as session:
        assert (await session.execute(text("SELECT count(*) FROM message"))).scalar_one() == 0


async def test_what_a_request_leaves_after_the_account_ended_is_erased_within_the_hour(school: School) -> None:
    ada = school.student()
    async with school.database.transaction() as session:
        await erase(session, ada.id)
    await answered(school, ada)
    await Upkeep(school.database, school.clock, 5).tidy()
    async with school.database.transaction() as session:
        assert (await session.execute(text("SELECT count(*) FROM study_session"))).scalar_one() == 0
