"""What an explanation is worth: its claims with their verdicts, the key points that it covers, and how far the student has come.

Whoever judges only drafts. A verdict that rests on the material keeps it only with a citation that stands; else the material is
said not to speak of the claim.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, Field

from chat.citations import Citation, Citations
from chat.claims import Claim
from chat.key_points import Point
from chat.passages import Passage, Place
from chat.sentences import Sentence
from chat.studying import Details
from chat.verdicts import Verdict

GAPS_NAMED = 3


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """A claim with the verdict on it, and the place that the verdict rests on, or that comes nearest where there is none."""

    claim: Claim
    verdict: Verdict
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a judge says: `covered` are the numbers of the points (from 0) that the claims cover."""

    claims: Sequence[JudgedClaim]
    points: Sequence[Point]
    covered: frozenset[int]
    question: str | None = None


class AssessedClaim(BaseModel, frozen=True):
    """A claim of the student's: `text` is what stands at `start` to `end` of the explanation, its white space made single blanks."""

    text: str
    start: int
    end: int
    verdict: Verdict
    citation: int | None = Field(
        description="The marker of what the verdict rests on; where the material does not speak of it, of what comes "
        "nearest, or null"
    )


class KeyPoint(BaseModel, frozen=True):
    """What an explanation should hold, with where it stands, the most important first."""

    text: str
    document_id: UUID
    document_title: str
    page: int | None
    part: int
    start: int
    end: int
    covered: bool = Field(description="In this attempt or an earlier one, and not contradicted since")
    covered_in: int | None = Field(description="The attempt that covered it")
    contradicted: bool = Field(description="The student said the opposite, and has not yet put it right")
    citation: int | None = Field(description="Its marker, where the answer's text names it")

    @classmethod
    def of(cls, citation: Citation, text: str) -> Self:
        """A point that nothing is said to yet."""
        source = citation.model_dump(include={"document_id", "document_title", "page", "part", "start", "end"})
        return cls(**source, text=text, covered=False, covered_in=None, contradicted=False, citation=None)

    def at(self, passages: Sequence[Passage]) -> Place | None:
        """Where it stands in these passages, if it still does."""
        for number, passage in enumerate(passages, 1):
            if (passage.document_id, passage.part) == (self.document_id, self.part) and passage.start <= self.start:
                begin, end = self.start - passage.start, self.end - passage.start
                if end <= len(passage.text):
                    return Place(number, begin, end)
        return None


class Assessment(Details, frozen=True):
    """An explanation, assessed. `attempt` counts those of the same concept in the session; 0 where nothing was assessed."""

    shown_as: ClassVar[str] = "assessment"

    concept: str | None
    attempt: int
    claims: tuple[AssessedClaim, ...] = ()
    key_points: tuple[KeyPoint, ...] = ()
    newly_covered: int = 0
    corrected: int = Field(0, description="Points that were contradicted in an earlier attempt and are covered now")
    coverage: float = Field(0.0, ge=0, le=1, description="The share of the key points that is covered")
    next_question: str | None = None
    complete: bool = Field(False, description="Every key point is covered, none contradicted")

    def count(self, verdict: Verdict) -> int:
        """How many claims have this verdict."""
        return sum(claim.verdict is verdict for claim in self.claims)

    @property
    def gaps(self) -> list[KeyPoint]:
        """What is missing, the biggest gap first: what was contradicted, then by importance."""
        missing = [point for point in self.key_points if not point.covered]
        return sorted(missing, key=lambda point: not point.contradicted)


def known_points(earlier: Assessment | None, passages: Sequence[Passage]) -> list[Point]:
    """The points that an earlier attempt was measured by, as far as they still stand in the material."""
    places = [(point, point.at(passages)) for point in (earlier.key_points if earlier else ())]
    return [Point(point.text, place) for point, place in places if place is not None]


def settle(
    concept: str, draft: Draft, passages: Sequence[Passage], earlier: Assessment | None
) -> tuple[Assessment, Sequence[Citation]]:
    """The assessment that a draft makes, and what it cites, in the order of reading: contradictions, support, the rest, gaps."""
    cited = Citations()
    claims = _claims(draft.claims, passages, cited)
    wrong = [
        j.place for j, c in zip(draft.claims, claims, strict=True) if c.verdict is Verdict.CONTRADICTED and j.place
    ]
    progress = _Progress(earlier)
    points = [
        progress.of(point, denied=any(place.overlaps(other) for other in wrong), covers=covers)
        for point, place, covers in _points(draft, wrong, passages)
    ]
    covered = sum(point.covered for point in points)
    assessment = Assessment(
        concept=concept,
        attempt=progress.attempt,
        claims=tuple(claims),
        key_points=tuple(points),
        newly_covered=sum(point.covered_in == progress.attempt for point in points),
        corrected=sum(map(progress.corrects, points)),
        coverage=round(covered / len(points), 3) if points else 0.0,
        next_question=draft.question,
        complete=0 < covered == len(points),
    )
    return _with_cited_gaps(assessment, passages, cited), cited.found


def _claims(judged: Sequence[JudgedClaim], passages: Sequence[Passage], cited: Citations) -> list[AssessedClaim]:
    markers: dict[int, int | None] = {}
    for verdict in (Verdict.CONTRADICTED, Verdict.SUPPORTED, Verdict.UNSPOKEN):
        for number, each in enumerate(judged):
            if each.verdict is verdict and each.place is not None:
                passage = passages[each.place.passage - 1]
                markers[number] = cited.cite(passage, each.place.start, each.place.end)
    return [
        AssessedClaim(
            text=each.claim.text,
            start=each.claim.start,
            end=each.claim.end,
            verdict=each.verdict if markers.get(number) is not None else Verdict.UNSPOKEN,
            citation=markers.get(number),
        )
        for number, each in enumerate(judged)
    ]


def _points(
    draft: Draft, wrong: Sequence[Place], passages: Sequence[Passage]
) -> Iterator[tuple[KeyPoint, Place, bool]]:
    """The draft's points, and whatever else the student contradicted: what was misunderstood is one, too."""
    points = [(point, number in draft.covered) for number, point in enumerate(draft.points)]
    for place in wrong:
        if not any(place.overlaps(point.place) for point, _ in points):
            said = Sentence(passages[place.passage - 1].text, place.start, place.end, 0).text
            points.append((Point(said, place), False))
    for point, covers in points:
        alone = Citations()
        if alone.cite(passages[point.place.passage - 1], point.place.start, point.place.end) is not None:
            yield KeyPoint.of(alone.found[0], point.text), point.place, covers


class _Progress:
    """What earlier attempts say to this one: what is covered stays covered until it is contradicted."""

    def __init__(self, earlier: Assessment | None) -> None:
        self.attempt = earlier.attempt + 1 if earlier else 1
        self._before = {_identity(point): point for point in (earlier.key_points if earlier else ())}

    def of(self, point: KeyPoint, *, denied: bool, covers: bool) -> KeyPoint:
        before = self._before.get(_identity(point), point)
        covered = not denied and (covers or before.covered)
        since = before.covered_in if before.covered else self.attempt
        still_wrong = before.contradicted and not covered
        return point.model_copy(
            update={
                "covered": covered,
                "covered_in": since if covered else None,
                "contradicted": denied or still_wrong,
            }
        )

    def corrects(self, point: KeyPoint) -> bool:
        before = self._before.get(_identity(point))
        return point.covered and before is not None and before.contradicted


def _identity(point: KeyPoint) -> tuple[UUID, int, int]:
    return point.document_id, point.part, point.start


def _with_cited_gaps(assessment: Assessment, passages: Sequence[Passage], cited: Citations) -> Assessment:
    """The assessment with markers for the gaps that the answer's text names."""
    named = {_identity(point) for point in assessment.gaps[:GAPS_NAMED]}
    points = []
    for point in assessment.key_points:
        place = point.at(passages)
        if _identity(point) in named and place is not None:
            marker = cited.cite(passages[place.passage - 1], place.start, place.end)
            points.append(point.model_copy(update={"citation": marker}))
        else:
            points.append(point)
    return assessment.model_copy(update={"key_points": tuple(points)})
