"""What ingestion says of documents in a snapshot is what it last said of each, and that the deleted ones are gone."""

from uuid import UUID

from ingestion.snapshots import deleted_documents, documents
from mesh import LAST_VERSION

from .service_under_test import Service


async def test_snapshot_says_of_each_document_what_was_last_said(service: Service) -> None:
    student = service.student()
    ready = await student.read(b"Supply is what producers offer at a price.")
    failed = await student.read(b"%PDF-1.7 and nothing else", "broken.pdf")
    gone = await student.read(b"Demand is what buyers want at a price.")
    await student.request("DELETE", f"/documents/{gone['id']}")
    last = {event["document_id"]: event for event in await service.events()}
    assert {ready["status"], failed["status"]} == {"ready", "failed"}
    async with service.database.transaction() as session:
        said = await documents(session, None, 10)
        assert {event.aggregate_id for event in said} == {ready["id"], failed["id"]}
        for event in said:
            assert event.model_dump(mode="json") | {"type": event.routing_key} == last[event.aggregate_id]
        assert await documents(session, UUID(said[0].aggregate_id), 1) == said[1:2]
        (tombstone,) = await deleted_documents(session, None, 10)
        assert tombstone.aggregate_id == gone["id"]
        assert tombstone.version == LAST_VERSION > last[gone["id"]]["version"]
        assert await deleted_documents(session, UUID(gone["id"]), 10) == []
