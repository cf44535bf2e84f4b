"""Judging an explanation without a language model: by its words, their opposites, numbers, denials and order."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chat.assessment import Draft, JudgedClaim
from chat.claims import Claim
from chat.key_points import Point, key_points
from chat.lexicon import alike
from chat.model import Usage
from chat.passages import Passage
from chat.verdicts import Evidence, Verdict
from chat.wording import read

COVERING = 0.4
COVERING_FROM_AFAR = 0.65  # where no claim was found to rest on this very sentence


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a student says of a concept, and its claims; `known` are the points that an earlier attempt was measured by."""

    text: str
    claims: Sequence[Claim]
    concept: str
    passages: Sequence[Passage]
    known: Sequence[Point] = ()


class Judge(Protocol):
    """Says what an explanation is worth. `model` and `prompt` are None where no model takes part."""

    @property
    def model(self) -> str | None: ...

    @property
    def prompt(self) -> str | None: ...

    async def judge(self, explanation: Explanation) -> tuple[Draft, Usage]:
        """A draft of the assessment, and what it cost. Raises `ModelFailed`."""
        ...


class OfflineJudge:
    """Compares with the material word by word. Its rules are for English."""

    model = None
    prompt = None

    async def judge(self, explanation: Explanation) -> tuple[Draft, Usage]:
        """A draft of the assessment; it costs nothing. A long one takes a second, which other answers do not wait for."""
        return await asyncio.to_thread(draft, explanation), Usage(0, 0)


def draft(explanation: Explanation) -> Draft:
    """What the rules say."""
    evidence = Evidence(explanation.passages, explanation.concept)
    claims = []
    for claim in explanation.claims:
        judged = evidence.judge(claim.text)
        unspoken = judged.verdict is Verdict.UNSPOKEN
        claims.append(JudgedClaim(claim, judged.verdict, evidence.nearest(claim.text) if unspoken else judged.place))
    points = explanation.known or key_points(explanation.concept, explanation.passages)
    covered = frozenset(n for n, point in enumerate(points) if covers(claims, point, evidence))
    return Draft(claims, points, covered)


def covers(claims: Sequence[JudgedClaim], point: Point, evidence: Evidence) -> bool:
    """Whether what the student says rightly holds enough of a point."""
    right = [claim for claim in claims if claim.verdict is Verdict.SUPPORTED and claim.place is not None]
    at_home = any(claim.place.overlaps(point.place) for claim in right if claim.place)
    said = {word.base for claim in right for word in read(claim.claim.text).words}
    wanted = read(point.text)
    weigh = evidence.weighing(wanted)
    total = sum(map(weigh, wanted.words))
    held = sum(weigh(word) for word in wanted.words if any(alike(word.base, base) for base in said))
    return total > 0 and held / total >= (COVERING if at_home else COVERING_FROM_AFAR)
