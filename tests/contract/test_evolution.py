"""A change inside an event's version is compatible, or the generator refuses it with what to do."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from contract_documents import released
from contract_documents.schemas import payload_schema
from mesh import Event
from pydantic import Field

CARD = UUID(int=1)


class Before(Event, type="cards.card.made", version=1, aggregate="card_id"):
    card_id: UUID
    question: str


class WithOptionalField(Event, type="cards.card.made", version=1, aggregate="card_id"):
    card_id: UUID
    question: str
    tags: list[str] = Field(default_factory=list)


class WithRequiredField(Event, type="cards.card.made", version=1, aggregate="card_id"):
    card_id: UUID
    question: str
    deck_id: UUID


class WithoutField(Event, type="cards.card.made", version=1, aggregate="card_id"):
    card_id: UUID


class Narrowed(Event, type="cards.card.made", version=1, aggregate="card_id"):
    card_id: UUID
    question: str = Field(max_length=10)


class Retyped(Event, type="cards.card.made", version=1, aggregate="card_id"):
    card_id: UUID
    question: int


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A released folder that holds `Before`, and examples for these events."""

    def example(event: type[Event]) -> Event:
        return event.model_construct(card_id=CARD, question="What?", version=1)

    monkeypatch.setattr(released, "example_of", example)
    _write(released.release(Before, tmp_path))
    return tmp_path


def test_a_released_event_that_did_not_change_adds_nothing(folder: Path) -> None:
    assert released.release(Before, folder) == {}


def test_an_optional_field_is_added_beside_what_was_released(folder: Path) -> None:
    added = released.release(WithOptionalField, folder)
    assert sorted(path.name for path in added) == ["2.example.json", "2.schema.json"]
    _write(added)
    assert released.release(WithOptionalField, folder) == {}


def test_an_optional_field_reads_both_ways() -> None:
    new = WithOptionalField(card_id=CARD, question="What?", tags=["a"], version=1)
    assert Before.model_validate_json(new.model_dump_json()).question == "What?"
    old = Before(card_id=CARD, question="What?", version=1)
    assert WithOptionalField.model_validate_json(old.model_dump_json()).tags == []


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (WithRequiredField, "deck_id is new and required"),
        (WithoutField, "question was removed"),
        (Retyped, "question changed its type"),
        (Narrowed, "question changed its type"),
    ],
)
def test_a_breaking_change_is_refused_with_what_to_do(folder: Path, event: type[Event], said: str) -> None:
    with pytest.raises(released.Incompatible, match=f"{said}.*make a class with version=2"):
        released.release(event, folder)


def test_breaks_inside_nested_objects_and_lists_are_found() -> None:
    old = {
        "properties": {
            "items": {"type": "array", "items": {"type": "object", "properties": {"page": {"type": "integer"}}}}
        }
    }
    new = json.loads(json.dumps(old).replace('"integer"', '"string"'))
    assert released.breaking_changes(old, new) == ["items[].page changed its type"]


def test_schemas_stand_alone() -> None:
    assert "$ref" not in json.dumps(payload_schema(Before))


def _write(files: dict[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
