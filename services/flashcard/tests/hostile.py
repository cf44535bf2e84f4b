"""Packages made by hand."""

import io
import json
import sqlite3
import zipfile
from pathlib import Path

from flashcard.anki.schema import TABLES

_EMPTY = (1, 1_700_000_000, 0, 0, 11, 0, 0, 0, "{}", "{}", "{}", "{}", "{}")


def package(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "."), content)
    return out.getvalue()


def collection(tmp_path: Path, *statements: str) -> bytes:
    path = tmp_path / "made.db"
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.executescript(TABLES)
    database.execute(f"INSERT INTO col VALUES ({','.join('?' * 13)})", _EMPTY)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()
    return path.read_bytes()


MODEL = {"1": {"name": "B", "type": 0, "flds": [{"name": "F"}, {"name": "B"}],
               "tmpls": [{"ord": 0, "qfmt": "{{F}}", "afmt": "{{B}}"}]}}  # fmt: skip
NOTE = "INSERT INTO notes VALUES (1, 'g', 1, 0, 0, '', 'Q' || char(31) || 'A', 'Q', 0, 0, '')"


def hostile(folder: Path, *statements: str) -> bytes:
    """A package with a known card that was reviewed once, and what the statements make of it."""
    return package(
        collection__anki2=collection(
            folder,
            f"UPDATE col SET models = '{json.dumps(MODEL)}'",
            NOTE,
            "INSERT INTO cards VALUES (1, 1, 1, 0, 0, 0, 2, 2, 10, 5, 2500, 1, 0, 0, 0, 0, 0, '{}')",
            "INSERT INTO revlog VALUES (1700000000000, 1, 0, 3, 5, 1, 2500, 1000, 1)",
            *statements,
        ),
    )
