"""The chart runs the services that there are, with the roles that they have."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from devstack.parts import PARTS, Part

VALUES = Path(__file__).parents[2] / "helm" / "studyteddy" / "values.yaml"


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    return values


def test_the_chart_runs_every_service(values: dict[str, Any]) -> None:
    assert set(values["services"]) == {part.name for part in PARTS}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_chart_runs_a_service_with_all_its_roles_and_no_others(values: dict[str, Any], part: Part) -> None:
    service = values["services"][part.name]
    run = [role for deployment in service["deployments"].values() for role in deployment["roles"]]
    assert sorted(run) == sorted(part.roles)
    assert service.get("migrate", False) == part.stores
