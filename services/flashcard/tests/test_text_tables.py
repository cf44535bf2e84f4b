"""Tables of cards: every line of them arrives, as it was written, here and in the real Anki."""

from pathlib import Path

import pytest
from flashcard.models import Markup, NoteKind
from flashcard.text_tables import read_table, written_table
from hypothesis import given
from hypothesis import strategies as st

from .desk import Desk
from .real_anki import anki
from .test_anki_packages import bring_in, export, look

HEADING = "# Cells\n## Parts\n# deck: Elsewhere\nA wall\n\n#separator:Tab"


@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_heading_in_an_answer_is_no_header_of_the_table(separator: str) -> None:
    written = written_table([("g", NoteKind.BASIC, "Biology", "Q", HEADING, ["exam"], Markup.MARKDOWN)], separator)
    (note,) = read_table(written.encode()).notes
    assert (note.question, note.answer, note.deck, note.tags) == ("Q", HEADING, "Biology", ["exam"])


def test_a_row_that_begins_with_a_hash_is_a_card() -> None:
    notes = read_table(b"#separator:comma\n#tags:exam\nQ1,A1\n# What is a heading?,A line\n").notes
    assert [(note.question, note.answer) for note in notes] == [("Q1", "A1"), ("# What is a heading?", "A line")]


@pytest.mark.parametrize(("html", "answer"), [("true", "house<br>das"), ("false", "house\ndas")])
def test_fields_beside_the_sides_are_lines_of_the_answer(html: str, answer: str) -> None:
    """Anki's own export of several note types: empty fields of the one stand where another has text."""
    table = f"#separator:tab\n#html:{html}\n#notetype column:1\n#tags column:5\nBasic\tone\teins\t\tt\nVocab\tHaus\thouse\tdas\t\n"
    assert [note.answer for note in read_table(table.encode()).notes] == ["eins", answer]


def test_a_note_of_one_side_goes_out_and_comes_back() -> None:
    written = written_table([("g", NoteKind.BASIC, "Biology", "Say nothing", "", [], Markup.HTML)])
    (note,) = read_table(written.encode()).notes
    assert (note.guid, note.question, note.answer) == ("g", "Say nothing", "")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_in_any_system(end: str) -> None:
    notes = read_table(end.join(["#separator:comma", "#deck:D", "Q1,A1", "Q2,A2"]).encode()).notes
    assert [(note.question, note.answer, note.deck) for note in notes] == [("Q1", "A1", "D"), ("Q2", "A2", "D")]


# What a text may hold, and a table cuts at by mistake; at its ends white space is nobody's.
_SIDES = st.text(st.sampled_from(list("ab#,;\"'\t\n\u2028\u2029\x85\x0b\x0c\x1c :")), max_size=30).map(
    lambda text: f"a{text}b"
)


@given(st.lists(st.tuples(_SIDES, _SIDES), min_size=1, max_size=5), st.sampled_from(",\t"))
def test_any_text_goes_out_and_comes_back(sides: list[tuple[str, str]], separator: str) -> None:
    rows = [(f"g{place}", NoteKind.BASIC, "D", *both, (), Markup.HTML) for place, both in enumerate(sides)]
    notes = read_table(written_table(rows, separator).encode()).notes
    assert [(note.question, note.answer) for note in notes] == sides


async def test_rows_that_ask_the_same_are_all_kept_however_far_apart(desk: Desk) -> None:
    ada = desk.student()
    rows = ["Define cell,In biology", *(f"Question {number},A" for number in range(1500)), "Define cell,In a prison"]
    table = "question,answer\n" + "\n".join([*rows, "Question 7,A"]) + "\n"
    seen = await look(ada, "deck.csv", table.encode())
    assert (seen["preview"]["notes"], seen["preview"]["new"]) == (1502, 1502)
    assert seen["preview"]["warnings"] == ["1 note is in the file more than once; the first is taken."]
    done = await bring_in(desk, ada, "deck.csv", table.encode())
    assert done["preview"]["cards"] == 1502
    answers = {card["answer"] for card in (await ada.get("/flashcards", q="Define"))["items"]}
    assert answers == {"In biology", "In a prison"}
    again = await look(ada, "deck.csv", table.encode())
    assert (again["preview"]["new"], again["preview"]["unchanged"]) == (0, 1502)


async def test_a_row_with_another_answer_changes_the_card(desk: Desk) -> None:
    ada = desk.student()
    await bring_in(desk, ada, "deck.csv", b"question,answer\nQ,old\n")
    done = await bring_in(desk, ada, "deck.csv", b"question,answer\nQ,new\n")
    assert (done["preview"]["new"], done["preview"]["updated"]) == (0, 1)


async def test_guids_that_come_twice_are_told_and_taken_once(desk: Desk) -> None:
    ada = desk.student()
    rows = "".join(f"g{number % 1200},Q{number},A\n" for number in range(1203))
    done = await bring_in(desk, ada, "deck.csv", f"#separator:comma\n#guid column:1\n{rows}".encode())
    assert (done["preview"]["notes"], done["preview"]["cards"]) == (1200, 1200)
    assert "3 notes are in the file more than once" in done["preview"]["warnings"][0]


async def test_questions_that_are_pictures_are_told_apart(desk: Desk) -> None:
    ada = desk.student()
    table = b"#separator:comma\n#html:true\n<img src=a.png>,heart\n<img src=b.png>,liver\n"
    done = await bring_in(desk, ada, "deck.csv", table)
    assert done["preview"]["notes"] == 2
    made = await ada.post("/flashcards", question='<img src="c.png">', answer="lung")
    assert made["alike"] == []
    again = await ada.post("/flashcards", question="<img alt='' src='c.png'/>", answer="lung")
    assert len(again["alike"]) == 1


async def test_latex_is_text_that_only_a_page_shows_otherwise(desk: Desk) -> None:
    ada, latex = desk.student(), r"[latex]\alpha &lt; 1[/latex]"
    await bring_in(desk, ada, "deck.csv", f"#separator:comma\n#html:true\n{latex},A\n".encode())
    (card,) = (await ada.get("/flashcards"))["items"]
    assert (card["question"], card["front"]) == (latex, latex)
    shown = await ada.get(f"/flashcards/{card['id']}")
    assert shown["front_html"] == r'<span class="math">\[\alpha &lt; 1\]</span>'
    table = await ada.http.get(f"/decks/{card['deck_id']}/export", params={"format": "csv"})
    assert latex in table.text


async def test_each_note_of_a_table_keeps_its_markup(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    deck = await ada.post("/decks", name="Mixed")
    for markup in Markup:
        await ada.writes(f"Which is {markup}?", "5*3*2", markup=markup, deck_id=deck["id"])
    table = await export(ada, "Mixed", format="csv")
    await bring_in(desk, bob, "mixed.csv", table)
    cards = (await bob.get("/flashcards"))["items"]
    assert {card["question"]: card["markup"] for card in cards} == {f"Which is {markup}?": markup for markup in Markup}
    assert (await look(ada, "mixed.csv", table))["preview"]["unchanged"] == 2


async def test_a_table_of_ours_is_the_same_in_anki_and_one_of_ankis_here(desk: Desk, tmp_path: Path) -> None:
    ada, bob = desk.student(), desk.student()
    deck = await ada.post("/decks", name="Biology::Cells")
    texts = [('Say, "what"\nis it?', HEADING), ("#1", "a\u2028\tb; c"), ("{{c1::ATP}} is made", "")]
    for question, answer in texts:
        kind = "cloze" if "{{" in question else "basic"
        await ada.post("/flashcards", question=question, answer=answer, kind=kind, tags=["x::y"], deck_id=deck["id"])
    (tmp_path / "ours.csv").write_bytes(await export(ada, "Biology", format="csv"))

    with anki(tmp_path / "anki") as real:
        real.bring_in_table(tmp_path / "ours.csv")
        rows = real.cards()
        assert sorted(tuple(row["flds"].split("\x1f")) for row in rows) == sorted(texts)
        assert {(row["deck"], row["tags"].strip()) for row in rows} == {("Biology::Cells", "x::y")}
        theirs = real.export_table(tmp_path / "theirs.txt", "Biology")

    done = await bring_in(desk, bob, "theirs.txt", theirs)
    assert done["preview"]["decks"] == ["Biology::Cells"]
    cards = (await bob.get("/flashcards"))["items"]
    assert sorted((card["question"], card["answer"]) for card in cards) == sorted(texts)
    assert {(card["kind"], card["markup"]) for card in cards} == {("basic", "html"), ("cloze", Markup.HTML)}
    mine = {card["guid"] for card in rows}
    assert len(mine) == 3
    assert (await look(ada, "theirs.txt", theirs))["preview"]["new"] == 0, "it is known by its guid"
