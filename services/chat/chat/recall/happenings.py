"""Questions about what happened: who did it, when it was done, what happened on a day.

As all questions made offline they are the sentence's own words: nothing is inflected. So only those verbs move that a question may
begin with (*was*, *were*), and *who* stands where the name stood. A name is asked for where something says that it is a person's.
"""

import re
from collections.abc import Iterator, Sequence

from chat.lexicon import is_irregular
from chat.ordinals import roman_number
from chat.recall.drafts import Form
from chat.recall.prose import Statement
from chat.recall.subjects import lowered
from chat.terms import STOP_WORDS

_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_YEAR = r"(?:1\d{3}|20\d\d)"
_DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?),? {_YEAR}"
_DATE = rf"(?:on {_DAY}|in (?:{_MONTH} )?(?:of )?{_YEAR})"
_NAME = r"[A-Z][\w’'-]+(?: (?:(?:of|the|de|von|van|la|le) )?[A-Z][\w’'.-]*){0,3}"
_LIVED = r"(?: \((?:born )?\d{4}[^)]{0,12}\))?"
_ROLE = r"(?:The |An? )?(?:[\w-]+ ){0,3}?[A-Za-z]+(?:ist|er|or|ian|king|queen|pope|duke|prince|princess|president|general|poet)"
_DID = re.compile(
    rf"(?:(?P<role>{_ROLE}) )?(?P<name>{_NAME})(?P<lived>{_LIVED}) (?P<verb>[a-z]+) (?P<rest>[^;:]{{12,160}})\."
)
_DONE = re.compile(
    rf"(?P<subject>[^,;:()]{{3,80}}?) (?P<verb>was|were) (?P<done>[a-z]+(?: [^,;:()]{{2,80}})?) (?P<date>{_DATE})\."
)
_FIRST_THE_DATE = re.compile(rf"(?P<date>On {_DAY}),? (?P<event>[^;:()]{{15,160}})\.")
_HE = re.compile(r"\W*(?:He|She|His|Her)\b")
# What would have to be known already.
_POINTS = re.compile(
    r"\b(?:it|its|they|them|their|this|that|these|those|there|such|both|former|latter|also|then|later|however|therefore)\b",
    re.IGNORECASE,
)
_MOST_BEFORE = 8
_WHO, _WHEN, _WHAT = 0.55, 0.52, 0.55  # what is defined goes before


def happenings(statement: Statement, texts: Sequence[str]) -> Iterator[tuple[Form, str, str, str, float]]:
    """Form, concept, question, answer and worth of what can be asked about an event."""
    text = statement.text
    if statement.story:
        return
    if (
        (match := _DID.fullmatch(text))
        and _is_past(match["verb"])
        and not _POINTS.search(match["rest"])
        and _is_person(match, statement)
    ):
        yield Form.TERM, match["name"], f"Who {match['verb']} {match['rest']}?", match["name"], _WHO
    if (
        (match := _DONE.fullmatch(text))
        and _is_participle(match["done"].split()[0])
        and _is_subject(match["subject"])
        and not _POINTS.search(match["done"])
    ):
        subject = _inside(match["subject"], texts)
        yield (
            Form.TERM,
            _name_of(match["subject"]),
            f"When {match['verb']} {subject} {match['done']}?",
            match["date"].split(" ", 1)[1],
            _WHEN,
        )
    if (match := _FIRST_THE_DATE.fullmatch(text)) and not _POINTS.search(match["event"]):
        day = match["date"][3:]
        if sum(one.count(day) for one in texts) == 1:
            yield Form.RELATION, day, f"What happened on {day}?", match["event"], _WHAT


def _is_past(verb: str) -> bool:
    return verb in ("was", "were", "became") or verb.endswith("ed") or (is_irregular(verb) and not verb.endswith("s"))


def _is_participle(word: str) -> bool:
    return word.endswith("ed") or is_irregular(word)


def _is_subject(text: str) -> bool:
    """Whether it is one thing, or several, and no clause."""
    said = text.split()
    return (
        len(said) <= _MOST_BEFORE
        and not _POINTS.search(text)
        and not re.search(r"\b(?:is|are|was|were|has|have|had|when|where|while|who|which|if|as)\b", text)
    )


def _inside(subject: str, texts: Sequence[str]) -> str:
    """The subject as it reads behind *was*."""
    article, _, rest = subject.partition(" ")
    return f"{article.lower()} {rest}" if article in ("The", "A", "An") else lowered(subject, texts)


def _name_of(text: str) -> str:
    return re.sub(r"^(?:The|An?) ", "", text)


def _is_person(match: re.Match[str], statement: Statement) -> bool:
    """Whether something says so: *he* or *she* behind it, years of a life, a role before it, a number of a king."""
    name = match["name"].split()
    if name[0].casefold() in STOP_WORDS or "," in match["rest"]:
        return False
    king = len(name) > 1 and roman_number(name[-1].casefold()) is not None
    if king or match["lived"] or match["role"]:
        return True
    # What was done to whom a text calls by one name is often a story.
    behind = statement.passage.text[statement.end :][:40]
    return bool(_HE.match(behind)) and (len(name) > 1 or match["verb"] not in ("was", "were"))
