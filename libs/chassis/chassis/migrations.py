"""Alembic, run by a service's own `migrate` role instead of a command line with an ini file.

It is imported by who migrates alone: every other process of a service would keep seven megabytes of it.
"""

from logging import getLogger
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, MetaData, text

from chassis.database import Database

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext

log = getLogger(__name__)
# Any number will do, as long as all migrations of all services share it: they wait for each other.
MIGRATION_LOCK = 727_001


def config_for(folder: Path) -> "Config":
    """An Alembic configuration for a service's `migrations` folder."""
    from alembic.config import Config  # noqa: PLC0415 - see the module

    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    return config


async def upgrade(database: Database, folder: Path, metadata: MetaData, revision: str = "head") -> None:
    """Bring the schema to `revision`, in one transaction, one migrating process at a time."""
    patient = Database(database.url, schema=database.schema, pool_size=1, statement_seconds=None)
    try:
        async with patient.engine.begin() as connection:
            await connection.run_sync(_upgrade, database.schema, config_for(folder), metadata, revision)
    finally:
        await patient.close()


def _upgrade(
    connection: Connection,
    schema: str,
    config: "Config",
    metadata: MetaData,
    revision: str,
) -> None:
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415 - see the module
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
    # Not "IF NOT EXISTS": that asks for the right to create schemas even where the operator has made this one.
    if not connection.dialect.has_schema(connection, schema):
        connection.execute(text(f'CREATE SCHEMA "{schema}"'))
    scripts = ScriptDirectory.from_config(config)

    def steps(current: tuple[str, ...], _: "MigrationContext") -> list[object]:
        return scripts._upgrade_revs(revision, current)  # type: ignore[arg-type, return-value]  # Alembic's own env.py does the same

    with EnvironmentContext(config, scripts, fn=steps, destination_rev=revision) as environment:
        environment.configure(connection=connection, target_metadata=metadata, version_table_schema=schema)
        environment.run_migrations()
    log.info("schema is at %s", scripts.get_current_head())


def differences(connection: Connection, metadata: MetaData) -> list[object]:
    """What the models say that the migrated schema does not, as Alembic operations. Tests hold this empty."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - see the module
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    return list(
        compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}),
            metadata,
        )
    )
