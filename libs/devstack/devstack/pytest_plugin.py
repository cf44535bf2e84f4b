"""Fixtures that give tests real servers; loaded by `-p devstack.pytest_plugin`.

One set of servers for the whole run, shared by all xdist workers, started by whoever needs one first and stopped by the
controller. A test marked `faults` has another set, which it may kill, freeze and restart.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # a run that needs no server does not pay for importing them
    from devstack.for_tests import TestServers
    from devstack.servers import Postgres, RabbitMQ, Redis
    from devstack.service_databases import ServiceDatabases

RUN = pytest.StashKey[tuple[Path, int]]()
"""Folder of the run's servers, and the controller's process id."""
LONGEST_NAME = 80


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "faults: kills, freezes or restarts servers of its own; run these one at a time")
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is not None:
        config.stash[RUN] = (Path(given["devstack_folder"]), given["devstack_owner"])
        return
    from devstack.places import temporary_home  # noqa: PLC0415

    config.stash[RUN] = (temporary_home(), os.getpid())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup` one worker runs all fault tests, one at a time; they go first, because they take longest."""
    faults = [item for item in items if item.get_closest_marker("faults")]
    for item in faults:
        item.add_marker(pytest.mark.xdist_group("faults"))
    items.sort(key=lambda item: item.get_closest_marker("faults") is None)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Not all of a long text: a token or an archive is another in each worker, which may not call a test by another name."""
    return argname if isinstance(val, str | bytes) and len(val) > LONGEST_NAME else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where the run's servers are."""
    folder, owner = node.config.stash[RUN]
    node.workerinput.update(devstack_folder=str(folder), devstack_owner=owner)


def pytest_unconfigure(config: pytest.Config) -> None:
    folder, owner = config.stash.get(RUN, (None, 0))
    if folder is None or owner != os.getpid() or not folder.exists():
        return
    from devstack.for_tests import TestServers  # noqa: PLC0415

    TestServers(folder, owner, "controller").end()


@pytest.fixture(scope="session")
def shared_servers(request: pytest.FixtureRequest) -> "Iterator[TestServers]":
    from devstack.for_tests import TestServers  # noqa: PLC0415

    folder, owner = request.config.stash[RUN]
    servers = TestServers(folder, owner, os.environ.get("PYTEST_XDIST_WORKER", "main"))
    yield servers
    servers.disconnect()


@pytest.fixture(scope="session")
def fault_servers() -> "Iterator[TestServers]":
    from devstack.for_tests import breakable_servers  # noqa: PLC0415

    servers = breakable_servers(os.getpid())
    yield servers
    servers.disconnect()
    servers.end()


@pytest.fixture
def _servers(request: pytest.FixtureRequest) -> "TestServers":
    faulty = request.node.get_closest_marker("faults") is not None
    servers: TestServers = request.getfixturevalue("fault_servers" if faulty else "shared_servers")
    return servers


@pytest.fixture(scope="session")
def postgres_url(shared_servers: "TestServers") -> str:
    """Superuser's URL, `postgresql://…/postgres`, of the run's server."""
    return shared_servers.postgres().url


@pytest.fixture(scope="session")
def service_databases(postgres_url: str) -> "ServiceDatabases":
    """This worker's databases by service, each with the service's schema."""
    from devstack.service_databases import ServiceDatabases  # noqa: PLC0415

    return ServiceDatabases(postgres_url)


@pytest.fixture
def database_url(_servers: "TestServers") -> Iterator[str]:
    """`postgresql+asyncpg://…` of an empty database, this test's alone."""
    with _servers.database() as url:
        yield url


@pytest.fixture
def redis_url(_servers: "TestServers") -> str:
    """URL of an empty Redis database, this worker's alone."""
    return _servers.redis()


@pytest.fixture
def amqp_url(_servers: "TestServers") -> str:
    """URL of an empty virtual host, this worker's alone."""
    return _servers.vhost()


@pytest.fixture
def standing_amqp_url(_servers: "TestServers") -> str:
    """URL of a virtual host, this worker's alone, whose queues earlier tests declared; all of them are empty."""
    return _servers.standing_vhost()


def _may_break(request: pytest.FixtureRequest) -> "TestServers":
    if request.node.get_closest_marker("faults") is None:
        pytest.fail("Mark the test with @pytest.mark.faults: it is given a server that it may break.", pytrace=False)
    servers: TestServers = request.getfixturevalue("fault_servers")
    return servers


@pytest.fixture
def postgres(request: pytest.FixtureRequest) -> "Iterator[Postgres]":
    """The PostgreSQL behind `database_url`, to be killed, frozen and restarted; made well again afterwards."""
    server = _may_break(request).stack.postgres
    server.recover()
    yield server
    server.recover()


@pytest.fixture
def redis(request: pytest.FixtureRequest) -> "Iterator[Redis]":
    """The Redis behind `redis_url`, likewise."""
    server = _may_break(request).stack.redis
    server.recover()
    yield server
    server.recover()


@pytest.fixture
def rabbitmq(request: pytest.FixtureRequest) -> "Iterator[RabbitMQ]":
    """The RabbitMQ behind `amqp_url`, likewise."""
    server = _may_break(request).stack.rabbitmq
    server.recover()
    yield server
    server.recover()
