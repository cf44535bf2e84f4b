"""An assessed explanation over GraphQL: the same as over REST, in camelCase."""

from typing import Self

import strawberry

from chat import assessment
from chat.verdicts import Verdict

strawberry.enum(Verdict, description="What the material says to a claim")


@strawberry.type(description="A claim, at `start` to `end` of the student's own text")
class AssessedClaim:
    text: str
    start: int
    end: int
    verdict: Verdict
    citation: int | None = strawberry.field(description="The marker of what the verdict rests on")


@strawberry.type(description="What an explanation should hold, with where it stands")
class KeyPoint:
    text: str
    document_id: strawberry.ID
    document_title: str
    page: int | None
    part: int
    start: int
    end: int
    covered: bool
    covered_in: int | None = strawberry.field(description="The attempt that covered it")
    contradicted: bool
    citation: int | None


@strawberry.type(description="An explanation, assessed; `attempt` is 0 where nothing was")
class Assessment:
    concept: str | None
    attempt: int
    claims: list[AssessedClaim]
    key_points: list[KeyPoint]
    newly_covered: int
    corrected: int
    coverage: float
    next_question: str | None
    complete: bool

    @classmethod
    def of(cls, shown: assessment.Assessment) -> Self:
        parts = {"claims", "key_points"}
        return cls(
            **shown.model_dump(exclude=parts),
            claims=[AssessedClaim(**claim.model_dump()) for claim in shown.claims],
            key_points=[
                KeyPoint(**point.model_dump(exclude={"document_id"}), document_id=strawberry.ID(str(point.document_id)))
                for point in shown.key_points
            ],
        )
