"""The chart runs the services that there are, with the roles that they have."""

import importlib
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from devstack.parts import PARTS, Part
from pydantic import SecretStr

CHART = Path(__file__).parents[2] / "helm" / "studyteddy"
VALUES = CHART / "values.yaml"
# URLs that hold a password.
WITH_PASSWORD = {"amqp_url", "redis_url", "database_url"}
# Read by no service's settings: the operators' command, and the library of S3.
BESIDE = {"auth": {"MESH_SERVICE_SECRET"}, "ingestion": {"AWS_…"}, "flashcard": {"AWS_…"}}


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


def secrets_of(part: Part) -> set[str]:
    """The variables of a service that nobody else may see."""
    settings = importlib.import_module(f"{part.name}.settings").Settings
    return {
        settings.variable(name)
        for name, field in settings.model_fields.items()
        if name in WITH_PASSWORD
        or name == "llm_fallbacks"
        or SecretStr in (field.annotation, *get_args(field.annotation))
    }


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_secret_of_a_service_holds_what_it_needs_and_no_more(part: Part) -> None:
    (line,) = re.findall(rf"^#   {part.name}: (.+)$", VALUES.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"[A-Z_…]+", line)) == secrets_of(part) | BESIDE.get(part.name, set())


def test_every_process_takes_the_secret_of_its_own_service_alone() -> None:
    templates = "".join(path.read_text(encoding="utf-8") for path in (CHART / "templates").iterdir())
    (taken,) = re.findall(r"secretRef: \{name: (.*)\}$", templates, re.MULTILINE)
    assert taken.endswith(" .root.Values.secretName }}-{{ .service }}")
    assert set(re.findall(r'include "studyteddy.environment" \(dict "root" \$ "service" (\S+)\)', templates)) == {
        "$service"
    }
