"""Packages and tables that strangers wrote: a clear error, and nothing is left behind."""

import csv
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from .desk import Desk
from .hostile import collection, package
from .test_anki_packages import bring_in, export, look


def bad_packages(tmp_path: Path) -> dict[str, Callable[[], bytes]]:
    """What makes each: a bomb takes seconds."""
    whole = package(collection__anki2=collection(tmp_path), media=b"{}")
    forever = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, x, x, x, x, x, x, x, x FROM n"
    hostile = collection(
        tmp_path, "DROP TABLE revlog", f"CREATE VIEW revlog(id,cid,usn,ease,ivl,lastIvl,factor,time,type) AS {forever}"
    )
    return {
        "no zip": lambda: b"PK\x03\x04 and nothing more",
        "cut off": lambda: whole[: len(whole) // 2],
        "no collection": lambda: package(readme=b"x"),
        "no database": lambda: package(collection__anki2=b"x" * 5000),
        "an empty collection": lambda: package(collection__anki2=b""),
        "no zstd": lambda: package(collection__anki21b=b"x" * 500),
        "media is no list": lambda: package(collection__anki2=collection(tmp_path), media=b"[1]"),
        "media is no json": lambda: package(collection__anki2=collection(tmp_path), media=b"{" * 100_000),
        "a bomb in zstd": lambda: package(
            collection__anki21b=zstandard.ZstdCompressor().compress(b"\x00" * (600 * 1024 * 1024))
        ),
        "a bomb in the zip": lambda: package(collection__anki2=b"\x00" * (520 * 1024 * 1024)),
        "a bomb in the list of media": lambda: package(
            collection__anki2=collection(tmp_path), media=b" " * (40 * 1024 * 1024)
        ),
        "a view without end": lambda: package(collection__anki2=hostile),
        "types are no json": lambda: package(collection__anki2=collection(tmp_path, "UPDATE col SET models = 'x'")),
        "a table is missing": lambda: package(collection__anki2=collection(tmp_path, "DROP TABLE cards")),
    }


@pytest.mark.parametrize(
    "name",
    [
        "no zip", "cut off", "no collection", "no database", "an empty collection", "no zstd", "media is no list",
        "media is no json", "a bomb in zstd", "a bomb in the zip", "a bomb in the list of media", "a view without end", "types are no json", "a table is missing",
    ],
)  # fmt: skip
async def test_a_bad_package_is_refused_in_words_and_leaves_nothing(
    desk: Desk, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flashcard.anki.collection.READING_SECONDS", 1.0)
    ada = desk.student()
    answer = await ada.http.post("/decks/import", files={"file": ("deck.apkg", bad_packages(tmp_path)[name]())})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
    assert answer.json()["type"] == "urn:studyteddy:problem:not-an-anki-package"
    assert [path for path in desk.folder.rglob("*") if path.is_file() and "imports" in path.parts] == []


def with_pictures(tmp_path: Path, names: dict[str, str] | None = None, tags: str = "", answer: str = "A") -> bytes:
    """A package with one card and three files."""
    media = names or {"0": "a.png", "1": "b.png", "2": "c.png"}
    note = f"INSERT INTO notes VALUES (1, 'g', 1, 0, 0, '{tags}', 'Q' || char(31) || '{answer}', 'Q', 0, 0, '')"
    card = "INSERT INTO cards VALUES (1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, '')"
    model = {"1": {"name": "B", "type": 0, "flds": [{"name": "F"}, {"name": "B"}],
                   "tmpls": [{"ord": 0, "qfmt": "{{F}}", "afmt": "{{B}}"}]}}  # fmt: skip
    types = f"UPDATE col SET models = '{json.dumps(model)}'"
    return package(
        collection__anki2=collection(tmp_path, note, card, types),
        media=json.dumps(media).encode(),
        **{"0": b"x", "1": b"y", "2": b"z"},
    )


async def test_names_that_leave_their_folder_are_not_kept(desk: Desk, tmp_path: Path) -> None:
    content = with_pictures(tmp_path, {"0": "../../etc/passwd", "1": "good.png", "2": "/abs.png"})
    ada = desk.student()
    done = await bring_in(desk, ada, "deck.apkg", content)
    assert done["preview"]["media"] == 1
    assert done["preview"]["warnings"] == [
        "2 pictures or sounds are left out for a name that has / or \\ or a control character in it, or is empty or too long:"
        " ../../etc/passwd, /abs.png. Give them other names in Anki, and export the deck again."
    ]
    assert (await ada.http.get("/flashcards/media/good.png")).content == b"y"
    assert (await ada.http.get("/flashcards/media/passwd")).status_code == 404


async def test_a_name_with_half_a_character_is_not_kept(desk: Desk, tmp_path: Path) -> None:
    content = with_pictures(tmp_path, {"0": "\ud800.png", "1": "good.png", "2": "a\nb.png"})
    done = await bring_in(desk, desk.student(), "deck.apkg", content)
    assert (done["status"], done["preview"]["media"]) == ("done", 1)
    assert done["preview"]["warnings"][0].startswith("2 pictures or sounds are left out")


SHOWN = '<img src="gone.png"> <img src="b.png"> [sound:it is gone.mp3] <img src="mine%20own.png">'
NOT_SHOWN = '<img src="https://example.org/x.png"> &lt;img src="told.png"&gt; ![told](of.png)'


async def test_pictures_that_the_file_does_not_have_are_told(desk: Desk, tmp_path: Path) -> None:
    ada = desk.student()
    await ada.http.post("/flashcards/media", files={"file": ("mine own.png", b"x")})
    media = {"0": "a.png", "1": "b.png", "7": "torn.png", "8": "mine own.png"}
    content = with_pictures(tmp_path, media, answer=f"{SHOWN} {NOT_SHOWN}")
    told = (
        "3 pictures or sounds are not in the file: torn.png, gone.png, it is gone.mp3."
        " In Anki, use Check Media, and export the deck again with its media."
    )
    done = await bring_in(desk, ada, "deck.apkg", content)
    assert (await look(ada, "deck.apkg", content))["preview"]["warnings"] == [told]
    assert (done["preview"]["media"], done["preview"]["warnings"]) == (2, [told])


async def test_of_many_long_and_unreadable_names_a_warning_tells_a_few(desk: Desk, tmp_path: Path) -> None:
    names = {str(number): f"{number}\x00\u202e\ud800{'x' * 200}.png" for number in range(3, 60_003)}
    seen = await look(desk.student(), "deck.apkg", with_pictures(tmp_path, names))
    (told,) = seen["preview"]["warnings"]
    assert told.startswith("60000 pictures or sounds are left out for a name that")
    assert f": 3���{'x' * 36}…, 4���{'x' * 36}…, 5���{'x' * 36}… and 59997 more. Give" in told


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        ("Frage,Antwort\nWas ist das?,Gr\u00fc\u00dfe".encode("cp1252"), "UTF-8"),
        (b"\x00\x01\x02", "text"),
        (b"only one column\nand another", "question and an answer"),
        (b"question,answer\n", "question and an answer"),
    ],
)
async def test_a_bad_table_is_refused_in_words(desk: Desk, content: bytes, says: str) -> None:
    answer = await desk.student().http.post("/decks/import", files={"file": ("deck.csv", content)})
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


async def test_a_table_goes_out_and_comes_back(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    deck = await ada.post("/decks", name="D::E")
    await ada.writes('What, "exactly",\nis this?', "#1; a\ttab", deck_id=deck["id"], tags=["x::y", "z"])
    await ada.post("/flashcards", kind="cloze", question="{{c1::a}} b", deck_id=deck["id"])
    for form in ("csv", "tsv"):
        table = await export(ada, "D", format=form)
        await bring_in(desk, bob, f"deck.{form}", table)
        cards = (await bob.get("/flashcards"))["items"]
        decks = {deck["id"]: deck["name"] for deck in (await bob.get("/decks"))["items"]}
        shown = {(card["question"], card["answer"], tuple(card["tags"]), decks[card["deck_id"]]) for card in cards}
        assert shown == {
            ('What, "exactly",\nis this?', "#1; a\ttab", ("x::y", "z"), "D::E"),
            ("{{c1::a}} b", "", (), "D::E"),
        }


async def test_a_plain_table_needs_no_header(desk: Desk) -> None:
    ada = desk.student()
    await bring_in(desk, ada, "deck.txt", "Q1\tA1\tone two\nQ2\tA2\n".encode("utf-16"))
    cards = {card["question"]: (card["answer"], card["tags"]) for card in (await ada.get("/flashcards"))["items"]}
    assert cards == {"Q1": ("A1", ["one", "two"]), "Q2": ("A2", [])}


async def test_columns_are_found_by_their_names(desk: Desk) -> None:
    ada = desk.student()
    await bring_in(desk, ada, "deck.csv", b"Tags,Back,Front,Deck\nt,A,Q,My deck\n")
    (card,) = (await ada.get("/flashcards"))["items"]
    assert (card["question"], card["answer"], card["tags"]) == ("Q", "A", ["t"])


async def test_a_table_is_markdown_unless_it_says_that_it_is_html(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    await ada.writes("5 **times**", "x")
    for name, table in {
        "ours": await export(ada, "Default", format="csv"),
        "plain": b"question,answer\n**a**,x\n",
        "ankis": b"#separator:comma\n#html:true\n*b*,x\n",
    }.items():
        await bring_in(desk, bob, f"{name}.csv", table)
    cards = {card["question"]: card["markup"] for card in (await bob.get("/flashcards"))["items"]}
    assert cards == {"5 **times**": "markdown", "**a**": "markdown", "*b*": "html"}


async def test_of_a_hundred_thousand_tags_a_card_keeps_a_hundred(desk: Desk, tmp_path: Path) -> None:
    ada, tags = desk.student(), " ".join(f"t{number}" for number in range(100_000))
    done = await bring_in(desk, ada, "deck.apkg", with_pictures(tmp_path, tags=tags))
    assert done["preview"]["warnings"] == [
        "99900 tags are left out, as a note has 100 at most: t100, t101, t102 and 99897 more."
        " Take some off these notes where they come from, and import them again."
    ]
    (card,) = (await ada.get("/flashcards"))["items"]
    assert card["tags"] == tags.split()[:100]
    table = f"question,answer,tags\nQ2,A2,{tags}\n".encode()
    answer = await ada.http.post("/decks/import", files={"file": ("deck.csv", table)})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:studyteddy:problem:not-a-table")


async def test_tags_that_a_note_cannot_have_are_told_of_a_table_too(desk: Desk) -> None:
    tags = " ".join(f"t{number}" for number in range(101))
    seen = await look(desk.student(), "deck.csv", f"question,answer,tags\nQ,A,{tags}\nQ2,A,{'x' * 101}\n".encode())
    assert seen["preview"]["warnings"] == [
        "1 tag is left out, as a note has 100 at most: t100."
        " Take some off these notes where they come from, and import them again.",
        f"1 tag is cut to 100 characters: {'x' * 40}…. Shorten them where they come from, and import them again.",
    ]


async def test_what_a_browser_would_run_goes_out_as_it_was_written(desk: Desk, tmp_path: Path) -> None:
    ada, question = desk.student(), "<script>alert(1)</script> **bold** $x^2$"
    answer = "<img src=x onerror=alert(1)>\n![cell](cell.png) \\(y\\)"
    await ada.writes(question, answer)
    rows = list(csv.reader((await export(ada, "Default", format="csv")).decode().splitlines(keepends=True)))
    assert rows[-1][3:5] == [question, answer]
    with zipfile.ZipFile(io.BytesIO(await export(ada, "Default"))) as packed:
        (tmp_path / "out.db").write_bytes(packed.read("collection.anki2"))
    database = sqlite3.connect(tmp_path / "out.db")
    assert database.execute("SELECT flds FROM notes").fetchone()[0] == f"{question}\x1f{answer}"
    database.close()
