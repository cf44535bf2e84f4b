"""An event class knows its name on the wire, and refuses what could not be sent."""

from uuid import UUID, uuid4

import pytest
from mesh import EphemeralEvent, Event
from pydantic import ValidationError


class DocumentRead(Event, type="tests.document.read", version=2, aggregate="document_id"):
    document_id: UUID
    pages: int = 1


class DocumentProgressed(EphemeralEvent, type="tests.document.progressed", version=1, aggregate="document_id"):
    document_id: UUID


def test_event_names_itself_with_its_version_last() -> None:
    event = DocumentRead(document_id=UUID(int=7), version=3)
    assert event.routing_key == "tests.document.read.v2"
    assert event.dataschema.endswith("tests.document.read.v2")
    assert event.aggregate_id == str(UUID(int=7))


def test_reader_ignores_fields_it_does_not_know() -> None:
    newer = f'{{"document_id": "{uuid4()}", "version": 1, "language": "de"}}'
    assert DocumentRead.model_validate_json(newer).pages == 1


def test_event_cannot_be_changed() -> None:
    event = DocumentRead(document_id=uuid4(), version=1)
    with pytest.raises(ValidationError):
        event.pages = 2  # type: ignore[misc]  # what a type checker refuses is refused at run time too


def test_durable_event_needs_the_version_of_its_aggregate() -> None:
    with pytest.raises(ValidationError):
        DocumentRead(document_id=uuid4(), version=0)


def test_ephemeral_event_may_leave_the_version_out() -> None:
    assert DocumentProgressed(document_id=uuid4()).version == 0


@pytest.mark.parametrize(
    "name", ["document.read", "Tests.document.read", "tests..read", "tests.document read.x", "a.b." + "c" * 200]
)
def test_badly_named_event_is_refused_where_it_is_defined(name: str) -> None:
    with pytest.raises(TypeError, match="past tense"):

        class Wrong(Event, type=name, version=1, aggregate="version"):
            pass


def test_event_without_an_aggregate_is_refused_where_it_is_defined() -> None:
    with pytest.raises(TypeError, match="names no field"):

        class Wrong(Event, type="tests.document.read", version=1, aggregate="document_id"):
            pass


def test_base_class_without_a_type_holds_fields_for_others() -> None:
    class AboutDocument(Event):
        document_id: UUID

    class DocumentLost(AboutDocument, type="tests.document.lost", version=1, aggregate="document_id"):
        pass

    assert DocumentLost(document_id=UUID(int=1), version=1).aggregate_id == str(UUID(int=1))
    assert not hasattr(AboutDocument, "routing_key")
