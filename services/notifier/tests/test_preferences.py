"""A student chooses what to be told."""

import pytest

from .builders import failed, processed
from .campus import Campus, Json


async def test_what_is_not_wanted_is_not_told(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        path = "/notifications/preferences"
        first = (await ada.client.get(path)).json()
        assert all(channels == {"in_app": True, "email": False} for channels in first.values())
        chosen = await ada.client.put(path, json={"document_ready": {"in_app": False}})
        assert (chosen.status_code, chosen.json()["document_ready"]["in_app"]) == (200, False)
        assert chosen.json()["document_failed"] == first["document_failed"]
        await campus.tell(processed(ada))
        await campus.tell(failed(ada))
        await campus.taken(2)
        assert [item["kind"] for item in (await ada.notifications())["items"]] == ["document_failed"]
        again = await ada.client.put(path, json={"document_ready": {"in_app": True}})
        assert again.json() == first == (await ada.client.get(path)).json()


async def test_one_students_choice_is_nobody_elses(campus: Campus) -> None:
    async with campus.process():
        ada, bob = await campus.student(), await campus.student()
        await ada.client.put("/notifications/preferences", json={"document_ready": {"in_app": False}})
        assert (await bob.client.get("/notifications/preferences")).json()["document_ready"]["in_app"] is True


@pytest.mark.parametrize(
    "body", [{"document_ready": {"pigeon": True}}, {"exams": {"in_app": True}}, {"document_ready": True}, [], "no"]
)
async def test_what_cannot_be_chosen_is_refused(campus: Campus, body: Json) -> None:
    async with campus.process():
        ada = await campus.student()
        assert (await ada.client.put("/notifications/preferences", json=body)).status_code == 422
