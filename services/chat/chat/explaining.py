"""A student's turn in the mode `feynman`: which concept it is about, what it says of it, what was said before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chat.assessment import Assessment
from chat.claims import Claim, split
from chat.concepts import LONGEST_CONCEPT, announced, folded, inferred, named
from chat.models import Intent
from chat.passages import Findings, Passage
from chat.studying import Asked, Material
from chat.tutoring import courtesy

_LONGEST_PIECE = 600
_MOST_PIECES = 3
_MOST_PASSAGES = 20


@dataclass(frozen=True, slots=True)
class Turn:
    """`text` has the places of the student's own message: what only names the concept is made blank in it.

    `earlier` is the newest assessment of the same concept in the session. `named` is False where the concept is only inferred.
    """

    concept: str | None
    text: str
    claims: Sequence[Claim]
    earlier: Assessment | None
    named: bool


def read_turn(asked: Asked) -> Turn:
    """What the turn is about. Once a session has a concept, only a start or "Concept: …" gives it another.

    Of a long message this takes milliseconds: not for the loop that others' answers wait for.
    """
    kept = [Assessment.model_validate(each) for each in asked.kept]
    current = kept[-1].concept if kept else None
    concept, begin = _named(asked)
    if current is not None and not _starts(asked) and not announced(asked.question):
        kept_apart = concept is None or folded(concept) == folded(current)
        concept, begin = current, begin if kept_apart else 0
    text = " " * begin + asked.question[begin:]
    known = concept or current or (None if asked.history else asked.title)
    guessed = known or inferred(text)
    return Turn(guessed, text, split(text), _newest(kept, guessed), known is not None)


def _named(asked: Asked) -> tuple[str | None, int]:
    """The concept that the message names, and where what it says of it begins. A courtesy names none and says nothing."""
    if courtesy(asked.question) is not None:
        return None, len(asked.question)
    return (asked.question[:LONGEST_CONCEPT], len(asked.question)) if _starts(asked) else named(asked.question)


def _starts(asked: Asked) -> bool:
    return asked.intent is Intent.START and bool(asked.question)


def _newest(kept: list[Assessment], concept: str | None) -> Assessment | None:
    wanted = folded(concept or "")
    return next((a for a in reversed(kept) if a.attempt and a.concept and folded(a.concept) == wanted), None)


async def search(turn: Turn, material: Material) -> Findings:
    """What the material says of the concept first, then of what the student says; answerable by the first search's verdict."""
    found: dict[object, Passage] = {}
    answerable = None
    for query in _queries(turn):
        findings = await material.find(query)
        answerable = findings.answerable if answerable is None else answerable
        found |= {passage.id: passage for passage in findings.passages if passage.id not in found}
    return Findings(tuple(found.values())[:_MOST_PASSAGES], bool(answerable))


def _queries(turn: Turn) -> Iterator[str]:
    if turn.concept:
        yield turn.concept
    yield from _pieces(turn)


def _pieces(turn: Turn) -> list[str]:
    """The explanation in stretches of a length that a search understands."""
    pieces: list[str] = []
    for claim in turn.claims:
        if pieces and len(pieces[-1]) + len(claim.text) < _LONGEST_PIECE:
            pieces[-1] += f". {claim.text}"
        else:
            pieces.append(claim.text[:_LONGEST_PIECE])
    plain = " ".join(turn.text.split())[:_LONGEST_PIECE]
    return pieces[:_MOST_PIECES] or ([plain] if plain else [])
