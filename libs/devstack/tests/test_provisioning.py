"""A database with a home for each service."""

import asyncpg
import pytest
from devstack.errors import DevstackError
from devstack.provisioning import provision, without_password


def plain(url: str) -> str:
    return url.replace("postgresql+asyncpg://", "postgresql://")


PASSWORDS = {"shelf": "p/a:s@s", "loan": "other"}


@pytest.fixture
def homes(database_url: str) -> dict[str, str]:
    return provision(plain(database_url), PASSWORDS)


async def test_a_service_owns_its_schema_and_finds_it_without_naming_it(homes: dict[str, str]) -> None:
    connection = await asyncpg.connect(plain(homes["shelf"]))
    await connection.execute("CREATE TABLE book (id int)")
    assert await connection.fetchval("SELECT to_regclass('shelf.book') IS NOT NULL")
    await connection.close()


async def test_a_service_can_read_no_other_schema(homes: dict[str, str]) -> None:
    shelf = await asyncpg.connect(plain(homes["shelf"]))
    await shelf.execute("CREATE TABLE book (id int)")
    await shelf.close()
    loan = await asyncpg.connect(plain(homes["loan"]))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await loan.execute("SELECT * FROM shelf.book")
    for schema in ("shelf", "public"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await loan.execute(f"CREATE TABLE {schema}.mine (id int)")
    await loan.close()


async def test_doing_it_again_keeps_data_and_changes_passwords(database_url: str, homes: dict[str, str]) -> None:
    connection = await asyncpg.connect(plain(homes["shelf"]))
    await connection.execute("CREATE TABLE book AS SELECT 7 AS id")
    await connection.close()
    again = provision(plain(database_url), {**PASSWORDS, "shelf": "changed"})
    connection = await asyncpg.connect(plain(again["shelf"]))
    assert await connection.fetchval("SELECT id FROM book") == 7
    await connection.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(plain(homes["shelf"]))


def test_a_server_that_refuses_is_told_without_its_password(postgres_url: str) -> None:
    wrong = postgres_url.replace("postgres:", "postgres:wrong", 1)
    with pytest.raises(DevstackError, match="cannot be set up: password authentication failed") as told:
        provision(wrong, PASSWORDS)
    assert "wrong" not in str(told.value)


def test_a_url_is_shown_without_its_password() -> None:
    assert without_password("amqp://user:secret@host:5672/x") == "amqp://host:5672/x"
