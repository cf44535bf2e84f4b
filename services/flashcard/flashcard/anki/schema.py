"""Anki's schema 11, as far as a package needs it: tables, note types of ours, and settings that Anki expects to find."""

from typing import Any

from flashcard.models import Markup, NoteKind

TABLES = """
CREATE TABLE col (id integer PRIMARY KEY, crt integer NOT NULL, mod integer NOT NULL, scm integer NOT NULL,
    ver integer NOT NULL, dty integer NOT NULL, usn integer NOT NULL, ls integer NOT NULL, conf text NOT NULL,
    models text NOT NULL, decks text NOT NULL, dconf text NOT NULL, tags text NOT NULL);
CREATE TABLE notes (id integer PRIMARY KEY, guid text NOT NULL, mid integer NOT NULL, mod integer NOT NULL,
    usn integer NOT NULL, tags text NOT NULL, flds text NOT NULL, sfld integer NOT NULL, csum integer NOT NULL,
    flags integer NOT NULL, data text NOT NULL);
CREATE TABLE cards (id integer PRIMARY KEY, nid integer NOT NULL, did integer NOT NULL, ord integer NOT NULL,
    mod integer NOT NULL, usn integer NOT NULL, type integer NOT NULL, queue integer NOT NULL, due integer NOT NULL,
    ivl integer NOT NULL, factor integer NOT NULL, reps integer NOT NULL, lapses integer NOT NULL, left integer NOT NULL,
    odue integer NOT NULL, odid integer NOT NULL, flags integer NOT NULL, data text NOT NULL);
CREATE TABLE revlog (id integer PRIMARY KEY, cid integer NOT NULL, usn integer NOT NULL, ease integer NOT NULL,
    ivl integer NOT NULL, lastIvl integer NOT NULL, factor integer NOT NULL, time integer NOT NULL, type integer NOT NULL);
CREATE TABLE graves (usn integer NOT NULL, oid integer NOT NULL, type integer NOT NULL);
CREATE INDEX ix_notes_usn ON notes (usn);
CREATE INDEX ix_cards_usn ON cards (usn);
CREATE INDEX ix_revlog_usn ON revlog (usn);
CREATE INDEX ix_cards_nid ON cards (nid);
CREATE INDEX ix_cards_sched ON cards (did, queue, due);
CREATE INDEX ix_revlog_cid ON revlog (cid);
CREATE INDEX ix_notes_csum ON notes (csum);
"""

CONFIG: dict[str, Any] = {
    "sched2021": True,
    "schedVer": 2,
    "activeDecks": [1],
    "curDeck": 1,
    "curModel": 1,
    "nextPos": 1,
    "collapseTime": 1200,
    "timeLim": 0,
    "estTimes": True,
    "dueCounts": True,
    "newSpread": 0,
    "dayLearnFirst": False,
    "addToCur": True,
    "sortType": "noteFld",
    "sortBackwards": False,
}
DECK: dict[str, Any] = {
    "usn": -1,
    "lrnToday": [0, 0],
    "revToday": [0, 0],
    "newToday": [0, 0],
    "timeToday": [0, 0],
    "collapsed": False,
    "browserCollapsed": False,
    "desc": "",
    "dyn": 0,
    "conf": 1,
    "extendNew": 0,
    "extendRev": 0,
}
OPTIONS: dict[str, Any] = {
    "id": 1,
    "mod": 0,
    "name": "Default",
    "usn": 0,
    "maxTaken": 60,
    "autoplay": True,
    "timer": 0,
    "replayq": True,
    "new": {"bury": True, "delays": [1.0, 10.0], "initialFactor": 2500, "ints": [1, 4, 0], "order": 1, "perDay": 20},
    "rev": {"bury": True, "ease4": 1.3, "ivlFct": 1.0, "maxIvl": 36500, "perDay": 200, "hardFactor": 1.2},
    "lapse": {"delays": [10.0], "leechAction": 0, "leechFails": 8, "minInt": 1, "mult": 0.0},
    "dyn": False,
}
_CSS = ".card { font-family: arial; font-size: 20px; text-align: center; white-space: pre-line; }"


def _note_type(number: int, name: str, fields: tuple[str, str], *templates: tuple[str, str]) -> dict[str, Any]:
    cloze = "{{cloze:" in templates[0][0]
    return {
        "id": number,
        "name": name,
        "type": int(cloze),
        "mod": 0,
        "usn": -1,
        "sortf": 0,
        "did": None,
        "css": _CSS,
        "latexPre": "\\documentclass[12pt]{article}\n\\usepackage{amssymb,amsmath}\n\\pagestyle{empty}\n\\begin{document}\n",
        "latexPost": "\\end{document}",
        "latexsvg": False,
        "req": [[ordinal, "any", [0 if cloze else ordinal]] for ordinal in range(len(templates))],
        "flds": [
            {"name": field, "ord": ordinal, "sticky": False, "rtl": False, "font": "Arial", "size": 20}
            for ordinal, field in enumerate(fields)
        ],
        "tmpls": [
            {
                "name": f"Card {ordinal + 1}",
                "ord": ordinal,
                "qfmt": front,
                "afmt": back,
                "bqfmt": "",
                "bafmt": "",
                "did": None,
            }
            for ordinal, (front, back) in enumerate(templates)
        ],
    }


_FORWARD = ("{{Front}}", "{{FrontSide}}\n\n<hr id=answer>\n\n{{Back}}")
_BACKWARD = ("{{Back}}", "{{FrontSide}}\n\n<hr id=answer>\n\n{{Front}}")
_CLOZE = ("{{cloze:Text}}", "{{cloze:Text}}<br>\n{{Back Extra}}")

# Their numbers are ours for ever: Anki takes a type with a number that it knows for the same type.
_OURS: dict[NoteKind, tuple[int, str, tuple[str, str], tuple[tuple[str, str], ...]]] = {
    NoteKind.BASIC: (1_605_000_000_001, "Basic", ("Front", "Back"), (_FORWARD,)),
    NoteKind.REVERSED: (1_605_000_000_002, "Basic (and reversed card)", ("Front", "Back"), (_FORWARD, _BACKWARD)),
    NoteKind.CLOZE: (1_605_000_000_003, "Cloze", ("Text", "Back Extra"), (_CLOZE,)),
}
NOTE_TYPES = {
    (kind, markup): _note_type(number + 10 * (markup is Markup.HTML), f"Study Teddy {name}{suffix}", fields, *templates)
    for kind, (number, name, fields, templates) in _OURS.items()
    for markup, suffix in ((Markup.MARKDOWN, ""), (Markup.HTML, " in HTML"))
}
# By these a package of ours is known to hold Markdown; every other type's texts are HTML.
MARKDOWN_TYPES = frozenset(number for number, *_ in _OURS.values())
