"""The database: a transaction ends before its answer is sent, outages are 503s that end by themselves, schemas are apart."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from chassis.database import Database, DatabaseAway, DatabaseDep, SessionDep, table_registry
from chassis.errors import Conflict
from chassis.http import create_app
from devstack.line import Line
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Field, SQLModel, select
from starlette.types import Message, Receive, Scope, Send

ONE, OTHER = table_registry(), table_registry()


class Row(SQLModel, registry=ONE):
    """Base of one service's tables."""


class OtherRow(SQLModel, registry=OTHER):
    """Base of another's."""


class Note(Row, table=True):
    __tablename__ = "note"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    words: str = Field(unique=True)


class OtherNote(OtherRow, table=True):
    __tablename__ = "note"

    id: int = Field(primary_key=True)


class Words(BaseModel):
    words: str


router = APIRouter()


@router.post("/notes", status_code=201)
async def add_note(body: Words, session: SessionDep) -> Words:
    """Write, and leave the commit to the edge."""
    session.add(Note(words=body.words))
    return body


@router.post("/notes/refused")
async def refuse_note(body: Words, session: SessionDep) -> Words:
    """Write, and then refuse."""
    session.add(Note(words=body.words))
    await session.flush()
    raise Conflict("On second thoughts, no.")


@router.post("/notes/as-json")
async def keep_json(body: Words, session: SessionDep) -> None:
    """Write a JSON value."""
    await session.execute(text("SELECT CAST(:document AS jsonb)"), {"document": body.model_dump_json()})


@router.get("/notes")
async def read_notes(session: SessionDep) -> list[str]:
    """All words."""
    return [note.words for note in (await session.exec(select(Note).order_by(Note.words))).all()]


@router.get("/slow")
async def be_slow(session: SessionDep) -> None:
    """Hold a connection for long."""
    await session.execute(text("SELECT pg_sleep(30)"))


@router.get("/broken")
async def be_broken(database: DatabaseDep) -> None:
    """Lose the connection in the middle."""
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@router.get("/wrong")
async def be_wrong(session: SessionDep) -> None:
    """A statement that is a mistake."""
    await session.execute(text("SELECT nothing FROM nowhere"))


def application(database: Database) -> FastAPI:
    return create_app(
        title="Tests",
        service="tests",
        routers=[router],
        state={"database": database},
        checks={"database": database.check},
    )


def client_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tests")


async def create_tables(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{database.schema}"'))
        await connection.run_sync(ONE.metadata.create_all)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, schema="tests")
    await create_tables(database)
    yield database
    await database.close()


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(application(database)) as client:
        yield client


async def words_of(database: Database) -> list[str]:
    async with database.transaction() as session:
        return [note.words for note in (await session.exec(select(Note))).all()]


async def test_a_transaction_commits_at_its_end_and_rolls_back_on_an_error(database: Database) -> None:
    async with database.transaction() as session:
        session.add(Note(words="kept"))
        assert await words_of(database) == []

    async def fail() -> None:
        async with database.transaction() as session:
            session.add(Note(words="lost"))
            await session.flush()
            raise LookupError("after the write")

    with pytest.raises(LookupError):
        await fail()
    assert await words_of(database) == ["kept"]


async def test_what_a_client_is_told_is_committed_before_the_first_byte(database: Database) -> None:
    app, seen = application(database), []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def look(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.append(await words_of(database))
            await send(message)

        await app(scope, receive, look)

    answer = await client_of(watched).post("/notes", json={"words": "hello"})
    assert answer.status_code == 201
    assert seen == [["hello"]]


async def test_a_refusal_undoes_what_was_written(client: httpx.AsyncClient, database: Database) -> None:
    assert (await client.post("/notes/refused", json={"words": "no"})).status_code == 409
    assert await words_of(database) == []


async def test_a_failing_commit_is_an_error_and_not_a_success(client: httpx.AsyncClient) -> None:
    assert (await client.post("/notes", json={"words": "twice"})).status_code == 201
    assert (await client.post("/notes", json={"words": "twice"})).status_code == 500


@pytest.mark.parametrize("words", ["a\\u0000b", "half \\ud800"])
@pytest.mark.parametrize("path", ["/notes", "/notes/as-json"])
async def test_text_that_cannot_be_stored_is_an_invalid_request(
    client: httpx.AsyncClient, path: str, words: str
) -> None:
    body = f'{{"words": "{words}"}}'
    answer = await client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


async def test_a_mistaken_statement_is_ours_and_shows_no_parameters(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await client.get("/wrong")).status_code == 500
    await client.post("/notes", json={"words": "a secret"})
    await client.post("/notes", json={"words": "a secret"})
    assert "UniqueViolation" in caplog.text
    assert "'a secret'" not in caplog.text


async def test_a_connection_that_is_lost_in_the_middle_is_a_503_and_the_next_request_is_fine(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/broken")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert (await client.get("/notes")).status_code == 200


async def test_connections_that_died_while_idle_are_not_noticed(
    client: httpx.AsyncClient, database: Database, database_url: str
) -> None:
    async with database.transaction() as session:
        pooled = await (await session.connection()).get_raw_connection()
        assert pooled.driver_connection is not None
        ended = asyncio.Event()
        pooled.driver_connection.add_termination_listener(lambda _: ended.set())
    other = Database(database_url, schema="tests")
    async with other.transaction() as session:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        killed = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
        await session.execute(text(killed))
    await other.close()
    # The server says that it ends the session, and then ends it: a request between the two gets a 503.
    await asyncio.wait_for(ended.wait(), 5)
    assert (await client.get("/notes")).status_code == 200


async def test_nothing_but_its_begin_and_commit_stands_around_a_transaction(database: Database) -> None:
    asked: list[str] = []
    async with database.transaction() as session:
        pooled = await (await session.connection()).get_raw_connection()
        assert pooled.driver_connection is not None
        # It is told of everything but of prepared statements, which are the transaction's own.
        pooled.driver_connection.add_query_logger(lambda record: asked.append(record.query))
    await asyncio.sleep(0)  # it is told on the loop's next turn
    asked.clear()
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
    await asyncio.sleep(0)
    assert asked == ["BEGIN;", "COMMIT;"]


async def test_a_line_that_was_cut_without_a_word_while_idle_is_not_noticed(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line(make_url(database_url).render_as_string(hide_password=False))
    await line.up()
    distant = Database(line.url, schema="tests", statement_seconds=5)
    client = client_of(application(distant))
    assert (await client.get("/notes")).status_code == 200
    line.forget()
    monkeypatch.setattr("chassis.database.TRUSTED_SECONDS", 0)
    monkeypatch.setattr("chassis.database.ANSWER_SECONDS", 0.1)
    assert (await client.get("/notes")).status_code == 200
    await distant.close()
    await line.down()


async def test_a_deadlock_is_answered_with_try_again(database: Database) -> None:
    turns = APIRouter()
    both = asyncio.Barrier(2)

    @turns.post("/{first}/{second}")
    async def update_both(first: str, second: str, session: SessionDep) -> None:
        await session.execute(text("UPDATE note SET words = words WHERE words = :words"), {"words": first})
        await both.wait()
        await session.execute(text("UPDATE note SET words = words WHERE words = :words"), {"words": second})

    async with database.transaction() as session:
        session.add_all([Note(words="a"), Note(words="b")])
    app = create_app(title="T", service="tests", routers=[turns], state={"database": database}, checks={})
    answers = await asyncio.gather(client_of(app).post("/a/b"), client_of(app).post("/b/a"))
    assert sorted(answer.status_code for answer in answers) == [200, 503]


async def test_who_waits_in_vain_for_a_lock_is_told_so_and_not_that_the_database_is_away(database: Database) -> None:
    hasty = APIRouter()

    @hasty.post("/change")
    async def change(session: SessionDep) -> None:
        await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        await session.execute(text("UPDATE note SET words = words"))

    async with database.transaction() as session:
        session.add(Note(words="a"))
    app = create_app(title="T", service="tests", routers=[hasty], state={"database": database}, checks={})
    async with database.transaction() as session:
        await session.execute(text("UPDATE note SET words = words"))
        answer = await client_of(app).post("/change")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["type"] == "urn:studyteddy:problem:being-changed"
    assert "being changed right now" in answer.json()["detail"]
    assert "database" not in answer.json()["detail"]


async def test_more_requests_than_connections_wait_and_then_are_told_to_come_back(database_url: str) -> None:
    narrow = Database(database_url, schema="tests", pool_size=1, pool_timeout=0.1)
    async with narrow.transaction() as one, narrow.transaction() as two:
        await one.execute(text("SELECT 1"))
        await two.execute(text("SELECT 1"))
        answer = await client_of(application(narrow)).get("/notes")
    assert answer.status_code == 503
    assert "at once" in answer.json()["detail"]
    await narrow.close()


async def test_a_single_statement_opens_no_transaction_and_leaves_its_connection_to_those_that_do(
    database: Database, database_url: str
) -> None:
    narrow = Database(database_url, schema="tests", pool_size=1)
    async with narrow.statements() as connection, database.transaction() as watch:
        process = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        state = text("SELECT state FROM pg_stat_activity WHERE pid = :pid")
        assert (await watch.execute(state, {"pid": process})).scalar_one() == "idle"
    async with narrow.transaction() as session:
        assert (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one() == process
        session.add(Note(words="taken back"))
        await session.flush()
        await session.rollback()
    async with database.transaction() as session:
        assert (await session.exec(select(Note))).all() == []
    await narrow.close()


async def test_a_statement_has_a_time_limit(database_url: str) -> None:
    hurried = Database(database_url, schema="tests", statement_seconds=0.2)
    async with asyncio.timeout(10):
        answer = await client_of(application(hurried)).get("/slow")
    assert answer.status_code == 503
    await hurried.close()


@pytest.mark.parametrize("place", ["a port where nobody listens", "a database that is not there"])
async def test_a_database_that_cannot_be_reached_is_a_503(database_url: str, place: str) -> None:
    nowhere = "postgresql+asyncpg://nobody@127.0.0.1:1/none"
    away = Database(nowhere if "port" in place else f"{database_url}_gone", schema="tests")
    answer = await client_of(application(away)).get("/notes")
    assert answer.status_code == 503
    assert answer.json()["type"].endswith(":database-away")
    ready = await client_of(application(away)).get("/health/ready")
    assert ready.json()["failures"] == {"database": "DatabaseAway"}
    with pytest.raises(DatabaseAway):
        await away.check()
    await away.close()


async def test_two_services_have_tables_of_one_name_in_one_process(database: Database, database_url: str) -> None:
    other = Database(database_url, schema="other")
    async with other.engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA other"))
        await connection.run_sync(OTHER.metadata.create_all)
    async with database.transaction() as session:
        session.add(Note(words="mine"))
    async with other.transaction() as session:
        session.add(OtherNote(id=1))
    async with other.transaction() as session:
        assert [note.id for note in (await session.exec(select(OtherNote))).all()] == [1]
        with pytest.raises(DBAPIError):
            await session.execute(text("SELECT words FROM note"))
    await other.close()


async def test_times_come_back_in_utc(database: Database) -> None:
    async with database.transaction() as session:
        assert (await session.execute(text("SHOW timezone"))).scalar_one() == "UTC"
        found = (await session.execute(text("SELECT '2026-11-20 10:00+01'::timestamptz"))).scalar_one()
    assert found.isoformat() == "2026-11-20T09:00:00+00:00"


@pytest.mark.faults
async def test_a_database_that_is_killed_and_started_again(postgres: Any, database_url: str) -> None:
    database = Database(database_url, schema="tests")
    await create_tables(database)
    client = client_of(application(database))
    assert (await client.post("/notes", json={"words": "before"})).status_code == 201
    postgres.kill()
    async with asyncio.timeout(20):
        for _ in range(3):
            assert (await client.get("/notes")).status_code == 503
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
    postgres.restart()
    assert (await client.get("/notes")).json() == ["before"]
    await database.close()


@pytest.mark.faults
async def test_a_database_that_freezes_is_a_503_in_bounded_time(postgres: Any, database_url: str) -> None:
    database = Database(database_url, schema="tests", statement_seconds=0.5)
    await create_tables(database)
    client = client_of(application(database))
    assert (await client.get("/notes")).status_code == 200
    postgres.freeze()
    async with asyncio.timeout(30):
        assert (await client.get("/notes")).status_code == 503
    postgres.thaw()
    assert (await client.get("/notes")).status_code == 200
    await database.close()
