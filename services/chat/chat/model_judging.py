"""Judging an explanation with a language model, which is believed nothing that can be checked.

A claim must stand in the student's text, a quote in the passage that is named, and both must have a word in common. What does not
is not shown as cited.
"""

from collections.abc import Sequence
from secrets import token_hex
from typing import Literal

from pydantic import BaseModel, Field

from chat.assessment import Draft, JudgedClaim
from chat.citations import locate, quoted_span, single_spaced
from chat.claims import MOST_CLAIMS, Claim
from chat.judging import Explanation
from chat.key_points import MOST_POINTS, Point
from chat.languages import may_be_english
from chat.lexicon import alike
from chat.memory import shorten
from chat.model import Turn, Usage
from chat.passages import Passage, Place
from chat.prompts import Prompt, fenced, unfenced
from chat.sentences import sentences
from chat.structured import Structured
from chat.tokens import TokenCounter
from chat.tutoring import Budget
from chat.verdicts import Verdict
from chat.wording import read


class _Claim(BaseModel):
    text: str
    verdict: Literal["supported", "contradicted", "not_spoken_of"]
    passage: int
    quote: str


class _KeyPoint(BaseModel):
    passage: int
    quote: str
    covered: bool


class TeachBack(BaseModel):
    """What the model fills in."""

    in_material: bool
    claims: list[_Claim] = Field(max_length=MOST_CLAIMS)
    key_points: list[_KeyPoint] = Field(max_length=2 * MOST_POINTS)
    next_question: str = Field(max_length=600)


class ModelJudge:
    """Asks a language model, and checks what it says."""

    def __init__(self, structured: Structured, prompt: Prompt, tokens: TokenCounter, budget: Budget) -> None:
        self._structured = structured
        self._template = prompt
        self._tokens = tokens
        self._budget = budget
        self.model = structured.name
        self.prompt = prompt.name

    async def judge(self, explanation: Explanation) -> tuple[Draft, Usage]:
        """A draft of the assessment, and what it cost. Raises `ModelFailed`."""
        longest = min(2 * self._budget.answer, self._budget.context // 3)
        filled = await self._structured.fill(self.turns(explanation, longest), TeachBack, longest=longest)
        return checked(filled.value, explanation), filled.usage

    def turns(self, explanation: Explanation, longest: int) -> list[Turn]:
        """What the model is given: as many of the best passages as fit."""
        fence = f"passage-{token_hex(4)}"
        instructions = self._template.instructions.substitute(fence=fence)
        room = self._budget.context - longest - self._tokens.count(instructions)
        said = shorten(unfenced(explanation.text), room // 3, self._tokens)
        known = _listed(explanation.known, fence)
        room -= self._tokens.count(said) + self._tokens.count(known)
        shown: Sequence[Passage] = explanation.passages
        while len(shown) > 1 and self._tokens.count(fenced(shown, fence)) > room:
            shown = shown[:-1]
        asked = self._template.question.substitute(
            fence=fence,
            passages=fenced(shown, fence),
            concept=unfenced(explanation.concept),
            known=known,
            explanation=said,
        )
        return [Turn("system", instructions), Turn("user", asked)]


def _listed(known: Sequence[Point], fence: str) -> str:
    if not known:
        return ""
    points = "\n".join(f'<{fence} number="{p.place.passage}">{unfenced(p.text)}</{fence}>' for p in known)
    return f"Key points, each with the number of its passage:\n\n{points}\n"


def checked(said: TeachBack, explanation: Explanation) -> Draft:
    """What of a model's judgement stands up to the texts."""
    passages = explanation.passages
    if not said.in_material and not explanation.known:
        return Draft((), (), frozenset())
    claims = [claim for each in said.claims if (claim := _claim(each, explanation)) is not None]
    found = [(place, each.covered) for each in said.key_points if (place := _sentence(each, passages)) is not None]
    points = list(explanation.known)
    for place, _ in found:
        if not explanation.known and len(points) < MOST_POINTS and not any(place.overlaps(p.place) for p in points):
            points.append(Point(single_spaced(passages[place.passage - 1].text[place.start : place.end]), place))
    covered = frozenset(
        number
        for number, point in enumerate(points)
        if any(covers and place.overlaps(point.place) for place, covers in found)
    )
    right = any(claim.verdict is Verdict.SUPPORTED for claim in claims)
    return Draft(claims, points, covered if right else frozenset(), single_spaced(said.next_question) or None)


def _claim(said: _Claim, explanation: Explanation) -> JudgedClaim | None:
    span = locate(said.text, explanation.text)
    if span is None:
        return None
    claim = Claim(single_spaced(explanation.text[slice(*span)]), *span)
    verdict, place = Verdict(said.verdict), _sentence(said, explanation.passages)
    if verdict is Verdict.UNSPOKEN or place is None:
        return JudgedClaim(claim, Verdict.UNSPOKEN)
    if not _related(claim.text, explanation.passages[place.passage - 1].text[place.start : place.end]):
        return JudgedClaim(claim, Verdict.UNSPOKEN)
    return JudgedClaim(claim, verdict, place)


def _quoted(number: int, quote: str, passages: Sequence[Passage]) -> Place | None:
    if not 1 <= number <= len(passages) or not quote.strip():
        return None
    span = quoted_span(passages[number - 1], quote)
    return Place(number, *span) if span else None


def _sentence(said: _KeyPoint | _Claim, passages: Sequence[Passage]) -> Place | None:
    """The whole sentences that a quote stands in: half of one reads badly alone."""
    place = _quoted(said.passage, said.quote, passages)
    if place is None:
        return None
    around = [s for s in sentences(passages[place.passage - 1].text) if s.start < place.end and place.start < s.end]
    return Place(place.passage, around[0].start, around[-1].end) if around else place


def _related(claim: str, quote: str) -> bool:
    """Whether a claim and what it is said to rest on have a word in common; in two languages they need not."""
    if not (may_be_english(claim) and may_be_english(quote)):
        return True
    held = read(quote).words
    return any(alike(word.base, other.base) for word in read(claim).words if not word.light for other in held)
