"""The migrated schema is what the models say, and rows of an older one are what they were."""

from pathlib import Path

import asyncpg
from chassis.database import Database
from chassis.migrations import differences, upgrade
from flashcard.app import MIGRATIONS
from flashcard.models import SCHEMA, tables

from .desk import Desk, Json, Student
from .test_imports import wanted


async def test_migrations_make_the_models(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences, tables.metadata) == []


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await upgrade(database, MIGRATIONS, tables.metadata)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences, tables.metadata) == []


async def lives(desk: Desk) -> Student:
    """A student with all kinds of rows."""
    ada = desk.student()
    await desk.knows(ada)
    once, twice = [
        (await ada.post("/decks", name=f"Leeches::{lapses}", options={"leech_lapses": lapses, "fuzz": False}))["id"]
        for lapses in (1, 2)
    ]
    await ada.post(f"/decks/{once}/share")
    for deck in (once, once, twice):
        card = await ada.writes("Forgotten", deck_id=deck, tags=["t"])
        for rating in ("easy", "again", "easy", "again"):
            await ada.post("/flashcards/bulk", card_ids=[card["id"]], action="unsuspend")
            await ada.reviews(card, rating)
            desk.later(days=9)
    await ada.post("/reviews/undo")
    for kind, question in (("basic", "plain"), ("reversed", "casa"), ("cloze", "{{c1::a}} {{c2::b}} {{c3::c}}")):
        cards = (await ada.post("/flashcards", kind=kind, question=question, answer="A"))["cards"]
        await ada.reviews(cards[0], "good")
    await ada.writes("by hand", tags=["leech"])
    await ada.post("/flashcards/bulk", q="hand", action="suspend")
    await ada.http.post("/flashcards/media", files={"file": ("cell.png", b"x")})
    await wanted(ada)
    desk.later(days=1)
    await desk.upkeep.turn_days()
    return ada


async def make_older(new: str, old: str) -> None:
    """Put all rows of the present schema at `new` into the older one at `old`, without the columns that are not there yet."""
    source, target = [await asyncpg.connect(url.replace("+asyncpg", "")) for url in (new, old)]
    known = await target.fetch(
        "SELECT table_name, array_agg(quote_ident(column_name)) AS columns FROM information_schema.columns"
        " WHERE table_schema = $1 AND table_name <> 'alembic_version' GROUP BY 1",
        SCHEMA,
    )
    columns = {row["table_name"]: row["columns"] for row in known}
    for table in tables.metadata.sorted_tables:  # what others refer to comes first
        if table.name not in columns:
            continue
        names = ", ".join(columns[table.name])
        rows = await source.fetch(f"SELECT {names} FROM {SCHEMA}.{table.name}")
        places = ", ".join(f"${place + 1}" for place in range(len(columns[table.name])))
        statement = f"INSERT INTO {SCHEMA}.{table.name} ({names}) OVERRIDING SYSTEM VALUE VALUES ({places})"
        await target.executemany(statement, [tuple(row) for row in rows])
    numbered = await target.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = $1 AND is_identity = 'YES'",
        SCHEMA,
    )
    for table, column in numbered:
        counter = f"pg_get_serial_sequence('{SCHEMA}.{table}', '{column}')"
        await target.execute(f"SELECT setval({counter}, max({column})) FROM {SCHEMA}.{table}")
    await source.close()
    await target.close()


async def seen(ada: Student) -> list[Json]:
    """All that the student is shown."""
    lists = [await ada.get(path, limit=100) for path in ("/decks", "/flashcards", "/flashcards/due")]
    statistics = await ada.get("/flashcards/statistics")
    for day in statistics["retention_curve"]:
        day["recalled"] = round(day["recalled"], 9)  # summed in whichever order the rows lie
    return [*lists, statistics]


async def test_a_schema_with_rows_is_brought_up_and_they_are_what_they_were(
    desk: Desk, database_url: str, tmp_path: Path
) -> None:
    ada = await lives(desk)
    older = Database(database_url, schema=SCHEMA)
    await upgrade(older, MIGRATIONS, tables.metadata, "0006")
    await make_older(desk.database.url, database_url)
    await upgrade(older, MIGRATIONS, tables.metadata)
    async with older.engine.connect() as connection:
        assert await connection.run_sync(differences, tables.metadata) == []
    async with Desk.open(older, tmp_path / "upgraded", now=desk.now) as upgraded:
        same = upgraded.student(user_id=ada.id)
        assert await seen(same) == await seen(ada)
        # Leeches are given back as if they had been made by the present code.
        undone = 0
        while (answer := await ada.http.post("/reviews/undo")).status_code == 200:
            assert (await same.http.post("/reviews/undo")).json() == answer.json()
            undone += 1
        assert undone == 14
        assert await seen(same) == await seen(ada)
    await older.close()
