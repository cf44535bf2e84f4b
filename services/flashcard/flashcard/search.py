"""The words with which a student looks for cards: `deck:Biology tag:exam is:due "cell wall" -tag:leech`."""

import re
from collections.abc import Callable
from datetime import date, datetime
from uuid import UUID

from chassis.errors import Invalid
from sqlalchemy import ColumnElement, any_, false, func, literal, not_, or_
from sqlalchemy.orm import Mapped
from sqlmodel import col, select

from flashcard.decks import SEPARATOR
from flashcard.models import Card, Deck, Note

# `deck:"My Deck"`, and as Anki writes it `"deck:My Deck"`.
_TERM = re.compile(
    r"""(?P<minus>-?)(?:(?P<field>deck|tag|is):(?:"(?P<said>[^"]*)"|(?P<named>\S+))"""
    r"""|"(?P<inner>deck|tag|is):(?P<quoted>[^"]*)"|"(?P<phrase>[^"]*)"|(?P<word>\S+))""",
    re.IGNORECASE,
)
# What Anki would read as more than text: another field of its, an operator, a bracket, a wildcard. Taken for text it is found
# nowhere, and with a minus everywhere: `-added:7` would be every card.
_ANKIS = re.compile(r"[A-Za-z_-]+:(?!//).*|OR|AND|\(.*|[^(]*\)|.*\*.*")
_MOST_TERMS = 20
IN_WORDS = (
    'Such as `deck:Biology tag:exam is:due "cell wall" -tag:leech`: all of it must hold. `deck:` and `tag:` mean what lies in them, too;'
    ' `deck:"My deck"` or `"deck:My deck"`; `is:` new, learn, review, due, suspended, buried or leech; `-` is not. Everything else is looked'
    " for as it stands in questions, answers and tags. The rest of Anki's language, such as `OR`, brackets, `*` and `added:7`, is refused;"
    " in quotation marks it is text like any other"
)


class NotASearch(Invalid):
    type, title = "not-a-search", "The search cannot be read"


def says_nothing(query: str) -> bool:
    """Whether it is white space of whichever script and empty quotation marks, and so finds every card."""
    return not query.replace('"', " ").strip()


def conditions(query: str, owner: UUID, now: datetime, today: date) -> list[ColumnElement[bool]]:
    """What a card, joined with its note, must fulfil; all of it. Raises `NotASearch`."""
    terms = list(_TERM.finditer(query))
    if len(terms) > _MOST_TERMS:
        raise NotASearch(f"q: at most {_MOST_TERMS} words. Use fewer.")
    found = []
    for term in terms:
        field = (term["field"] or term["inner"] or "").lower()
        value = next(term[name] for name in ("said", "named", "quoted", "phrase", "word") if term[name] is not None)
        _refuse_what_is_ankis(term)
        condition = _condition(field, value, owner, now, today)
        # Of what has no day or tag PostgreSQL does not know whether it is so: it is not, and what is not so is looked for.
        found.append(not_(func.coalesce(condition, false())) if term["minus"] else condition)
    return found


def _refuse_what_is_ankis(term: re.Match[str]) -> None:
    if _ANKIS.fullmatch(term["word"]) if term["word"] else "*" in (term["named"] or ""):
        raise NotASearch(
            f"q: {term[0][:40]} would mean something to Anki and does not here. Leave it out, or put it in quotation marks to "
            "look for it as it stands."
        )


def _condition(field: str, value: str, owner: UUID, now: datetime, today: date) -> ColumnElement[bool]:
    if field == "deck":
        return _in_deck(value, owner)
    if field == "tag":
        tags = select(func.unnest(Note.tags).label("tag")).correlate(Note).subquery()
        return select(tags.c.tag).where(_lies_in(tags.c.tag, value)).exists()
    if field == "is":
        return _is(value.lower(), now, today)
    return or_(
        col(Note.question).icontains(value, autoescape=True),
        col(Note.answer).icontains(value, autoescape=True),
        literal(value) == any_(col(Note.tags)),
    )


def _in_deck(name: str, owner: UUID) -> ColumnElement[bool]:
    return col(Card.deck_id).in_(select(Deck.id).where(Deck.user_id == owner, _lies_in(col(Deck.name), name)))


def _lies_in(name: ColumnElement[str] | Mapped[str], outer: str) -> ColumnElement[bool]:
    """Both in small letters as PostgreSQL has them, which knows another `ß` and `ς` than Python."""
    named, wanted = func.lower(name), func.lower(literal(outer))
    return or_(named == wanted, func.starts_with(named, wanted + SEPARATOR))


def _is(state: str, now: datetime, today: date) -> ColumnElement[bool]:
    states: dict[str, Callable[[], ColumnElement[bool]]] = {
        "new": lambda: col(Card.phase) == "new",
        "learn": lambda: col(Card.phase).in_(("learning", "relearning")),
        "review": lambda: col(Card.phase) == "review",
        "due": lambda: (
            or_((col(Card.phase) == "review") & (col(Card.due_day) <= today), (col(Card.due_at) <= now))
            & ~col(Card.suspended)
            & or_(col(Card.buried_until).is_(None), col(Card.buried_until) <= today)
        ),
        "suspended": lambda: col(Card.suspended).is_(True),
        "buried": lambda: col(Card.buried_until) > today,
        "leech": lambda: literal("leech") == any_(col(Note.tags)),
    }
    if state not in states:
        raise NotASearch(
            f"q: is:{state[:20]} is not known. It may be one of {', '.join(f'is:{name}' for name in states)}."
        )
    return states[state]()
