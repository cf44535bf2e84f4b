"""`.env.example`, the services' settings and the composition say the same."""

import importlib
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from chassis.settings import ServiceSettings
from devstack import dotenv
from devstack.parts import PARTS
from mesh.commands.services import addresses
from pydantic import SecretStr

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / ".env.example"
COMPOSE = ROOT / "docker-compose.yaml"
# Read by devstack, docker compose and the command line `mesh`, not by a service.
NOT_A_SERVICES = {
    "MESH_SERVICES",
    "MESH_SERVICE_SECRET",
    "DATABASE_URL",
    "DEVSTACK",
    "POSTGRES_PASSWORD",
    "SERVICE_DATABASE_PASSWORD",
    "RABBITMQ_PASSWORD",
    "PROMETHEUS_PORT",
}


def settings_classes() -> list[type[ServiceSettings]]:
    return [importlib.import_module(f"{part.name}.settings").Settings for part in PARTS]


def defaults() -> dict[str, Any]:
    """The default by variable."""
    return {cls.variable(name): field.default for cls in settings_classes() for name, field in cls.model_fields.items()}


def examples() -> dict[str, str]:
    """What the example shows as the default."""
    return dict(re.findall(r"^# ([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))


def written(default: object) -> str:
    match default:
        case None | SecretStr():
            return ""
        case bool():
            return str(default).lower()
        case tuple():
            return ",".join(default)
        case _:
            return str(default)


def test_every_setting_is_documented() -> None:
    assert set(defaults()) - dotenv.documented(EXAMPLE) == set()


def test_what_is_documented_is_read_by_something() -> None:
    assert dotenv.documented(EXAMPLE) - set(defaults()) - NOT_A_SERVICES == set()


def test_the_documented_defaults_are_those_of_the_code() -> None:
    shown = examples()
    assert {name: shown[name] for name in defaults()} == {name: written(value) for name, value in defaults().items()}


def test_every_variable_has_a_sentence() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for before, line in pairwise(lines):
        if re.match(r"# [A-Z][A-Z0-9_]*=", line):
            assert re.match(r"# .*[a-z].*\.$", before), f"{line} follows no sentence"


def test_nothing_is_set_in_the_example() -> None:
    assert dotenv.read(EXAMPLE) == {}


@pytest.fixture(scope="module")
def composition() -> dict[str, Any]:
    composition: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return composition


def test_the_composition_gives_each_service_what_it_reads_and_no_more(composition: dict[str, Any]) -> None:
    reads = {
        part.name: {cls.variable(field) for field in cls.model_fields}
        for part, cls in zip(PARTS, settings_classes(), strict=True)
    }
    for name, service in composition["services"].items():
        if "build" in service and name != "mesh":
            assert set(service["environment"]) - reads[service["command"][0]] == set()


def test_the_composition_gives_the_operators_command_what_it_needs_and_no_more(composition: dict[str, Any]) -> None:
    command = composition["services"]["mesh"]
    assert command["entrypoint"] == ["python", "-m", "mesh"]
    assert set(command["environment"]) == {"AMQP_URL", "AUTH_URL", "MESH_SERVICES", "MESH_SERVICE_SECRET"}
    assert set(addresses(command["environment"], "")) == {part.name for part in PARTS if part.stores}


def test_the_composition_asks_only_for_documented_variables() -> None:
    asked = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", COMPOSE.read_text(encoding="utf-8")))
    assert asked - dotenv.documented(EXAMPLE) == set()


def test_the_composition_runs_every_service_with_all_its_roles(composition: dict[str, Any]) -> None:
    commands = [tuple(service["command"]) for service in composition["services"].values() if "build" in service]
    for part in PARTS:
        roles = {role for command in commands if command[0] == part.name for role in command[1:]}
        assert roles - {"migrate"} == set(part.roles)
        assert ("migrate" in roles) == part.stores


def test_images_hold_the_versions_that_were_tested() -> None:
    def pinned(lock: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))

    assert pinned("docker/requirements.lock") - pinned("requirements.lock") == set()
