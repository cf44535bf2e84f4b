"""Writes the generated contracts, or with `--check` says which of them differ from the code."""

import sys
from pathlib import Path

from mesh.topology import Topology

from contract_documents import asyncapi, catalogue_page, openapi
from contract_documents.parts import SERVICES, all_events, graphql_schema, http_parts, published, subscriptions
from contract_documents.released import Incompatible, as_json, release

ROOT = Path(__file__).resolve().parent.parent


def documents() -> dict[Path, str]:
    """Every generated file and what it should hold. Raises `Incompatible` or `ValueError` with a sentence."""
    buses = subscriptions()
    files = {
        ROOT / "asyncapi" / f"{service}.json": as_json(
            asyncapi.document(
                service, published(service), [s for bus in buses if bus.service == service for s in bus.describe()]
            )
        )
        for service in SERVICES
    }
    parts = http_parts()
    files |= {ROOT / "openapi" / f"{part.service}.json": as_json(openapi.service_document(part)) for part in parts}
    files[ROOT / "contracts" / "openapi.json"] = as_json(openapi.merged(parts))
    files[ROOT / "contracts" / "topology.json"] = as_json(Topology.of(*buses).dump())
    files[ROOT / "graphql" / "schema.graphql"] = graphql_schema()
    sent = [(service, event) for service in SERVICES for event in published(service)]
    files[ROOT / "CATALOGUE.md"] = catalogue_page.page(sent, [one for bus in buses for one in bus.describe()])
    for event in all_events():
        files |= release(event, ROOT / "released")
    return files


def main() -> int:
    try:
        differing = {
            path: text
            for path, text in documents().items()
            if not path.exists() or path.read_text(encoding="utf-8") != text
        }
    except (Incompatible, ValueError, LookupError) as error:
        print(error, file=sys.stderr)
        return 1
    if "--check" in sys.argv[1:]:
        for path in differing:
            print(f"{path.relative_to(ROOT.parent)} differs from the code: `make contracts` writes it", file=sys.stderr)
        return 1 if differing else 0
    for path, text in differing.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
