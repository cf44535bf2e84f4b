"""What is committed under `contracts/` is what the code says, and others' tools accept it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from contract_documents.__main__ import ROOT, documents
from contract_documents.parts import all_events, published, subscriptions
from contract_documents.schemas import payload_schema
from jsonschema import Draft202012Validator
from mesh import Event
from openapi_spec_validator import validate

ASYNCAPI_CHECK = Path(__file__).parent / "asyncapi"


def test_committed_documents_are_what_the_code_says() -> None:
    differing = [
        str(path.relative_to(ROOT))
        for path, text in documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert not differing, "run `make contracts` and commit what it writes"


def test_nothing_generated_is_left_over_from_a_service_that_is_gone() -> None:
    generated = set(documents())
    for folder in ("asyncapi", "openapi"):
        assert set((ROOT / folder).glob("*.json")) <= generated


@pytest.mark.parametrize(
    "path", [*sorted((ROOT / "openapi").glob("*.json")), ROOT / "contracts" / "openapi.json"], ids=lambda p: p.name
)
def test_openapi_documents_are_valid(path: Path) -> None:
    validate(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.timeout(300)
def test_asyncapi_documents_pass_the_official_parser() -> None:
    assert shutil.which("npm"), "node and npm are needed: apt-get install nodejs npm"
    if not (ASYNCAPI_CHECK / "node_modules").exists():
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=ASYNCAPI_CHECK, check=True, capture_output=True)
    paths = sorted((ROOT / "asyncapi").glob("*.json"))
    parsed = subprocess.run(
        ["node", "parse.js", *map(str, paths)], cwd=ASYNCAPI_CHECK, capture_output=True, text=True, check=False
    )
    assert parsed.returncode == 0, parsed.stderr
    assert parsed.stdout.count("operations") == len(paths) > 0


@pytest.mark.parametrize("event", all_events(), ids=lambda e: e.routing_key)
def test_every_released_payload_still_reads_and_fits_its_schema(event: type[Event]) -> None:
    examples = sorted((ROOT / "released" / event.routing_key).glob("*.example.json"))
    assert examples
    for path in examples:
        golden = json.loads(path.read_text(encoding="utf-8"))
        read = event.model_validate(golden)
        assert golden.items() <= read.model_dump(mode="json").items()
        released = json.loads(path.with_name(path.name.replace("example", "schema")).read_text(encoding="utf-8"))
        Draft202012Validator(released, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(golden)
        Draft202012Validator(payload_schema(event)).validate(golden)


def test_whatever_was_released_can_still_be_read() -> None:
    """Queues, outboxes and dead letters may hold any version that ever landed."""
    known = {event.routing_key for event in all_events()}
    gone = sorted(folder.name for folder in (ROOT / "released").iterdir() if folder.name not in known)
    assert not gone, f"{', '.join(gone)}: bring the class back; what was sent before it went can no longer be read"


def test_the_catalogue_names_every_event_and_every_consumer() -> None:
    page = (ROOT / "CATALOGUE.md").read_text(encoding="utf-8")
    for event in all_events():
        assert f"## {event.routing_key}\n" in page
    for subscription in (one for bus in subscriptions() for one in bus.describe()):
        assert f"`{subscription.queue}`" in page


def test_what_was_released_is_never_edited() -> None:
    """History says so; a copy without history has none to compare with."""
    if shutil.which("git") is None or not (ROOT.parent / ".git").exists():
        pytest.skip("no history here")
    log = ["git", "log", "--diff-filter=MDR", "--format=", "--name-only", "--", "contracts/released"]
    changed = subprocess.run(log, cwd=ROOT.parent, capture_output=True, text=True, check=True).stdout.split()
    assert not changed, "released schemas and payloads are append-only: make a new number or a new version"


def test_what_is_taken_is_published_by_somebody() -> None:
    known = set(all_events())
    for bus in subscriptions():
        for subscription in bus.describe():
            assert set(subscription.events) <= known, subscription.queue


def test_an_event_is_published_by_the_service_that_its_name_begins_with() -> None:
    for event in all_events():
        assert event in published(event.event_type.split(".")[0])
