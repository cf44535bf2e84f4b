"""Millions of cards in flashcard's tables, made by the database itself in a minute or two; they go with the run's servers."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

USERS, CARDS_EACH, CARDS_A_NOTE, REVIEWS_EACH = 50_000, 100, 10, 10
ZONES = 24

_STUDENTS = """
    CREATE UNLOGGED TABLE bench_student AS
    SELECT number, coalesce(($1::uuid[])[number], gen_random_uuid()) AS user_id, gen_random_uuid() AS deck_id
    FROM generate_series(1, $2::int) AS number
"""
# Each zone has a rollover of its own, tomorrow; those who sign up have told theirs.
_PROFILES = f"""
    INSERT INTO student (user_id, version, time_zone, day_starts_at, next_day_at, told_version)
    SELECT user_id, 1, 'Etc/GMT' || CASE WHEN number % {ZONES} < 11 THEN '' ELSE '+' END || (number % {ZONES} - 11), 4, now() + interval '1 day' + number % {ZONES} * interval '1 hour', 0
    FROM bench_student ON CONFLICT DO NOTHING
"""  # numbers of ours
_DECKS = """
    INSERT INTO deck (id, user_id, name, options, version, created_at, updated_at)
    SELECT deck_id, user_id, 'Biology', $1::jsonb, 1, now(), now() FROM bench_student
"""
_NOTES = f"""
    INSERT INTO note (id, user_id, guid, kind, question, answer, tags, fingerprint, version, created_at, updated_at)
    SELECT gen_random_uuid(), user_id, number || '-' || place, 'cloze', 'What is {{{{c1::a cell}}}}? ' || place, 'The unit of life',
           ARRAY['bench'], md5(number || '-' || place), 1, now() - interval '90 days', now()
    FROM bench_student, generate_series(1, {CARDS_EACH // CARDS_A_NOTE}) AS place
"""  # numbers of ours
# Of ten cards one is new; the others come back from three days ago until in three months.
_CARDS = f"""
    INSERT INTO card (user_id, id, note_id, deck_id, ordinal, suspended, version, created_at, base, phase, step, due_day, interval,
                      stability, difficulty, ease, repetitions, lapses, reviews, last_day, last_reviewed_at)
    SELECT user_id, gen_random_uuid(), note_id, deck_id, ordinal, false, 1, now() - interval '90 days',
           CASE WHEN known THEN '{{"phase": "review", "interval": 20, "stability": 20, "difficulty": 5, "reviews": 4}}' ELSE '{{}}' END::jsonb,
           CASE WHEN known THEN 'review' ELSE 'new' END, 0, CASE WHEN known THEN current_date - 3 + place END, 20,
           CASE WHEN known THEN 20 END, CASE WHEN known THEN 5 END, 2.5, 0, 0, CASE WHEN known THEN 4 ELSE 0 END,
           CASE WHEN known THEN current_date - 20 END, CASE WHEN known THEN now() - interval '20 days' END
    FROM (
        SELECT note.user_id, note.id AS note_id, deck_id, ordinal, ordinal > 0 AS known,
               (abs(hashtext(note.guid)) % 10 + ordinal * 10) % 90 AS place
        FROM note JOIN bench_student ON bench_student.user_id = note.user_id, generate_series(0, {CARDS_A_NOTE - 1}) AS ordinal
        WHERE note.tags = ARRAY['bench'] ORDER BY bench_student.number
    ) AS made
"""  # numbers of ours
_LOG = f"""
    INSERT INTO review (user_id, id, card_id, deck_id, rating, quality, reviewed_at, received_at, day, imported, made_leech, memory_before)
    SELECT user_id, gen_random_uuid(), gen_random_uuid(), deck_id, 3, 4, now() - place * interval '2 days', now(),
           current_date - place * 2, false, false, '{{"phase": "review", "interval": 9}}'
    FROM bench_student, generate_series(1, {REVIEWS_EACH}) AS place
"""  # numbers of ours


@dataclass(frozen=True, slots=True)
class _Index:
    name: str
    table: str
    made_by: str
    constraint: bool


async def fill(connection: asyncpg.Connection, known: Sequence[UUID], options: str, users: int = USERS) -> None:
    """Give so many students a deck of cards each; the first of them are `known`. Indexes are built afterwards."""
    await connection.execute("SET maintenance_work_mem = '512MB'; SET synchronous_commit = off; SET work_mem = '256MB'")
    await connection.execute(_STUDENTS.replace("$1", _array(known)).replace("$2", str(users)))
    foreign = await connection.fetch(
        "SELECT conname, conrelid::regclass::text AS of, pg_get_constraintdef(oid) AS made_by FROM pg_constraint "
        "WHERE contype = 'f' AND conrelid IN ('card'::regclass)"
    )
    for key in foreign:
        await connection.execute(f"ALTER TABLE {key['of']} DROP CONSTRAINT {key['conname']}")
    await connection.execute(_PROFILES)
    await connection.execute(_DECKS, options)
    await connection.execute(_NOTES)
    dropped = [await _drop(connection, index) for index in await _indexes(connection)]
    await connection.execute(_CARDS)
    await connection.execute(_LOG)
    for index in dropped:
        await connection.execute(
            f"ALTER TABLE {index.table} ADD CONSTRAINT {index.name} {index.made_by}"
            if index.constraint
            else index.made_by
        )
    for key in foreign:
        await connection.execute(f"ALTER TABLE {key['of']} ADD CONSTRAINT {key['conname']} {key['made_by']} NOT VALID")
    await connection.execute("VACUUM (ANALYZE) card, review, note, deck, student")


async def _indexes(connection: asyncpg.Connection) -> list[_Index]:
    rows = await connection.fetch(
        "SELECT i.indexrelid::regclass::text AS name, i.indrelid::regclass::text AS of, pg_get_indexdef(i.indexrelid) AS made_by, "
        "pg_get_constraintdef(c.oid) AS key FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid "
        "AND c.conrelid = i.indrelid WHERE i.indrelid IN ('card'::regclass, 'review'::regclass)"
    )
    return [_Index(row["name"], row["of"], row["key"] or row["made_by"], row["key"] is not None) for row in rows]


async def _drop(connection: asyncpg.Connection, index: _Index) -> _Index:
    constraint = f"ALTER TABLE {index.table} DROP CONSTRAINT {index.name}"
    await connection.execute(constraint if index.constraint else f"DROP INDEX {index.name}")
    return index


def _array(ids: Sequence[UUID]) -> str:
    return "'{" + ",".join(map(str, ids)) + "}'"
