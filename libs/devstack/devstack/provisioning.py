"""One database, and in it a role and a schema for each service that no other service can read."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from devstack.administrator import Administrator
from devstack.errors import DevstackError

DATABASE = "studyteddy"


def provision(administrator_url: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """Make what is missing, and return an asyncpg URL for each service. `passwords` names the services."""
    url, database = _target(administrator_url)
    try:
        with Administrator(administrator_url) as server:
            if not server.value("SELECT 1 FROM pg_database WHERE datname = $1", database):
                server.execute(f'CREATE DATABASE "{database}"')
        with Administrator(url) as inside:
            inside.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
            inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            for service, password in passwords.items():
                _make_home(inside, database, service, password)
    except (OSError, asyncpg.PostgresError) as error:
        raise DevstackError(f"PostgreSQL at {without_password(administrator_url)} cannot be set up: {error}") from error
    return {
        service: _with(url, user=f"{database}_{service}", password=password).replace(
            "postgresql://", "postgresql+asyncpg://", 1
        )
        for service, password in passwords.items()
    }


def _make_home(inside: Administrator, database: str, service: str, password: str) -> None:
    role = f"{database}_{service}"
    if not inside.value("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        inside.execute(f'CREATE ROLE "{role}" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE')
    quoted = inside.value("SELECT quote_literal($1)", password)
    inside.execute(f'ALTER ROLE "{role}" PASSWORD {quoted}')
    inside.execute(f'GRANT CONNECT, TEMPORARY ON DATABASE "{database}" TO "{role}"')
    inside.execute(f'GRANT "{role}" TO CURRENT_USER')  # an administrator that is no superuser may then give it a schema
    inside.execute(f'CREATE SCHEMA IF NOT EXISTS "{service}" AUTHORIZATION "{role}"')
    inside.execute(f'ALTER ROLE "{role}" IN DATABASE "{database}" SET search_path = "{service}"')


def _target(administrator_url: str) -> tuple[str, str]:
    """URL and name of our database: the one that the URL names, unless that is PostgreSQL's own."""
    parts = urlsplit(administrator_url)
    named = parts.path.strip("/")
    database = named if named not in {"", "postgres"} else DATABASE
    return urlunsplit(parts._replace(path=f"/{database}")), database


def _with(url: str, *, user: str, password: str) -> str:
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user)}:{quote(password, safe='')}@{address}"))


def without_password(url: str) -> str:
    """A URL that may be shown."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
