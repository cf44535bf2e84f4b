"""Every series that an alert rule asks for is reported by the running mesh, from the start: a renamed one would never be missed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import httpx
import pytest
import yaml
from devstack.local_mesh import LocalMesh
from devstack.waiting import until
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

RULES = Path(__file__).parents[2] / "helm" / "studyteddy" / "alerts.yaml"
METRIC = re.compile(r"\b((?:mesh|auth|gateway|ingestion|chat|flashcard|notifier)_[a-z_]+)(?:\{([^}]*)\})?")
# Given by who scrapes, or made by the rule itself.
FROM_OUTSIDE = {"namespace"}
# Reported where a model is configured; this mesh has none. `services/chat/tests/test_providers.py` reads them.
OF_A_MODEL = {"chat_provider_state", "chat_provider_requests_total"}


@dataclass(frozen=True)
class Wanted:
    """A series that a rule needs: its labels, and the values of those that it chooses by."""

    alert: str
    name: str
    labels: frozenset[str]
    chosen: tuple[tuple[str, str], ...]

    def is_met_by(self, sample: Sample) -> bool:
        return (
            sample.name == self.name
            and self.labels <= set(sample.labels)
            and all(sample.labels.get(label) == value for label, value in self.chosen)
        )


def wanted_by(alert: str, expression: str) -> Iterator[Wanted]:
    made = set(re.findall(r'label_replace\([^"]*"(\w+)"', expression))
    grouped = {label for labels in re.findall(r"by \(([^)]*)\)", expression) for label in labels.split(", ")}
    for name, matchers in METRIC.findall(expression):
        choices = [
            [(label, value) for value in values.split("|")]
            for label, values in re.findall(r'(\w+)=~?"([^"]*)"', matchers)
        ]
        for chosen in product(*choices):
            yield Wanted(alert, name, frozenset(grouped - made - FROM_OUTSIDE), chosen)


def wanted() -> list[Wanted]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    every = [one for group in groups for rule in group["rules"] for one in wanted_by(rule["alert"], rule["expr"])]
    return [one for one in every if one.name not in OF_A_MODEL]


async def reported(mesh: LocalMesh) -> list[Sample]:
    """What Prometheus would read from all processes."""
    samples: list[Sample] = []
    async with httpx.AsyncClient() as prometheus:
        for port in mesh.ports.values():
            answer = (await prometheus.get(f"http://127.0.0.1:{port}/metrics")).raise_for_status()
            samples += [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    return samples


async def test_every_series_that_an_alert_needs_is_there(mesh: LocalMesh) -> None:
    needed = wanted()
    assert len({one.alert for one in needed}) > 20
    lacking: list[Wanted] = []

    async def complete() -> bool:
        samples = await reported(mesh)
        lacking[:] = [one for one in needed if not any(one.is_met_by(sample) for sample in samples)]
        return not lacking

    try:
        await until(complete, 30)  # a relay looks at its queues every ten seconds
    except TimeoutError:
        pytest.fail("nobody reports " + "; ".join(f"{one.name} {one.chosen or ''} of {one.alert}" for one in lacking))
