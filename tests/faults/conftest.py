"""One mesh for all scenarios, in their turn. `FAULTS_SEED` replays a run, `FAULTS=long` (`make faults`) is the long form."""

import os
import random
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from .campus import Campus
from .campus import campus as campus_started
from .scenario import Scenario

LONG = os.environ.get("FAULTS") == "long"
SEED = int(os.environ.get("FAULTS_SEED") or random.randrange(10**6))
HERE = Path(__file__).parent
running: list[tuple[AbstractContextManager[Campus], Campus]] = []


def pytest_report_header() -> str:
    return f"faults: FAULTS_SEED={SEED}"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long_form: too long for make test; make faults runs it")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("faulty mesh"))
            item.add_marker(pytest.mark.timeout(600))
            if item.get_closest_marker("long_form") and not LONG:
                item.add_marker(pytest.mark.skip(reason="long: make faults"))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """The mesh ends with the last scenario, and not only with the whole run."""
    if running and (nextitem is None or HERE not in nextitem.path.parents):
        started, _ = running.pop()
        started.__exit__(None, None, None)


@pytest.fixture
def campus() -> Campus:
    """The mesh, whole, whatever the scenario before it did."""
    if not running:
        started = campus_started()
        running.append((started, started.__enter__()))
    _, mesh = running[0]
    mesh.heal()
    return mesh


@pytest.fixture
def scenario(campus: Campus, request: pytest.FixtureRequest) -> Scenario:
    """A seed of its own makes each scenario replay by itself."""
    print(f"FAULTS_SEED={SEED}")
    return Scenario(campus, random.Random(f"{SEED} {request.node.name}"))


@pytest.fixture
def is_long() -> bool:
    return LONG
