"""A student chooses what to be told."""

import pytest

from .builders import failed, processed
from .campus import Campus, Json


async def test_what_is_not_wanted_is_not_told(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        path = "/notifications/preferences"
        first = (await ada.client.get(path)).json()
        news = [first[kind] for kind in ("document_ready", "document_failed", "answer_ready")]
        assert news == [{"in_app": True, "email": False}] * 3
        assert first["review_reminder"] == {"in_app": True, "email": True}
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
    "body",
    [
        {"document_ready": {"pigeon": True}},
        {"exams": {"in_app": True}},
        {"document_ready": True},
        [],
        "no",
        {"reminder_time": "24:00"},
        {"reminder_time": "6pm"},
        {"reminder_time": "18:00:30"},
        {"reminder_time": "١٨:٠٠"},
        {"quiet_hours": {"begins": "22:00", "ends": "22:00"}},
        {"quiet_hours": {"begins": "22:00"}},
        {"quiet_hours": "night"},
    ],
)
async def test_what_cannot_be_chosen_is_refused(campus: Campus, body: Json) -> None:
    async with campus.process():
        ada = await campus.student()
        assert (await ada.client.put("/notifications/preferences", json=body)).status_code == 422


async def test_hours_are_usual_until_they_are_chosen(campus: Campus) -> None:
    async with campus.process():
        ada, bob = await campus.student(), await campus.student()
        path, night = "/notifications/preferences", {"begins": "22:00", "ends": "07:00"}
        first = (await ada.client.get(path)).json()
        assert (first["reminder_time"], first["quiet_hours"], first["next_reminder_at"]) == ("18:00", None, None)
        chosen = (await ada.client.put(path, json={"quiet_hours": night})).json()
        assert (chosen["reminder_time"], chosen["quiet_hours"]) == ("18:00", night)
        chosen = (await ada.client.put(path, json={"reminder_time": "07:30"})).json()
        assert (chosen["reminder_time"], chosen["quiet_hours"]) == ("07:30", night)
        chosen = (await ada.client.put(path, json={"quiet_hours": None})).json()
        assert (chosen["reminder_time"], chosen["quiet_hours"]) == ("07:30", None)
        assert (await bob.client.get(path)).json() == first
