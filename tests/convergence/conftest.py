"""Real schemas of all services, made once for each worker."""

from collections.abc import AsyncIterator

import pytest
from chassis.database import Database
from devstack.service_databases import ServiceDatabases

from .copies import COPIES
from .harness import Copy


@pytest.fixture(params=COPIES, ids=lambda copy: f"{copy.service}-{copy.__name__.lower()}")
async def copy(request: pytest.FixtureRequest, service_databases: ServiceDatabases) -> AsyncIterator[Copy]:
    kind: type[Copy] = request.param
    database = Database(await service_databases.url(kind.service), schema=kind.service, pool_size=10)
    yield kind(database)
    await database.close()
