"""The mode `feynman`: the student explains a concept, and sees what of it the material supports, what not, and what is missing."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from contracts.chat import ExplanationAssessed, MissingPoint

from chat.assessment import Assessment, KeyPoint, known_points, settle
from chat.citations import Citation, Citations
from chat.claims import says_nothing
from chat.explaining import Turn, read_turn, search
from chat.judging import Explanation, Judge
from chat.key_points import Point, key_points, speaks_of
from chat.languages import may_be_english
from chat.model import Usage
from chat.models import Intent
from chat.passages import Findings
from chat.studying import Answered, Asked, Material
from chat.teach_back import cues_of, question_on, quoted, report
from chat.verdicts import Verdict

NOTHING_TO_COMPARE = "There is no material to compare with yet. Add a document, and explain again when it is ready."
WHICH_CONCEPT = (
    "Which concept do you want to explain? Write its name, a colon, and what you know of it in your own words, "
    "such as “Photosynthesis: it is how plants …”."
)
_FEWEST_WORDS = 3
ENGLISH_ONLY = (
    "Without a language model I can compare explanations with your material in English only. "
    "Explain it in English, or set up a language model."
)


class FeynmanMode:
    """Explanations are assessed by `judge`; whatever it says is checked, and counted over the attempts."""

    intents = frozenset((Intent.START, Intent.EXPLAIN, Intent.HINT))

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def respond(self, asked: Asked, material: Material) -> AsyncGenerator[str | Answered]:
        """The assessment as text, a part at a time; or what to do where there is nothing to assess."""
        turn = await asyncio.to_thread(read_turn, asked)
        explains = asked.intent is not Intent.HINT and self._explains(turn)
        if turn.concept is None and not explains:
            material.unneeded()
            parts: Sequence[str] = [WHICH_CONCEPT]
            answered = Answered(WHICH_CONCEPT, (), Usage(0, 0))
        else:
            findings = await search(turn, material)
            if not holds(turn, findings):
                parts, answered = _not_held(turn, findings)
            elif not explains:
                parts, answered = _invited(turn, findings, hint=turn.earlier is not None or asked.intent is Intent.HINT)
            elif self._judge.model is None and not may_be_english(turn.text):
                parts, answered = _declined(turn, ENGLISH_ONLY)
            else:
                parts, answered = await self._assess(asked, turn, findings)
        for part in parts:
            yield part
        yield answered

    def _explains(self, turn: Turn) -> bool:
        """Whether there is anything to assess; a model reads more than the rules do."""
        if self._judge.model is None and may_be_english(turn.text):
            return bool(turn.claims)
        return len(turn.text.split()) >= _FEWEST_WORDS and not says_nothing(turn.text)

    async def _assess(self, asked: Asked, turn: Turn, findings: Findings) -> tuple[Sequence[str], Answered]:
        concept = turn.concept or "this"
        known = known_points(turn.earlier, findings.passages)
        draft, usage = await self._judge.judge(Explanation(turn.text, turn.claims, concept, findings.passages, known))
        if not draft.points and all(claim.verdict is Verdict.UNSPOKEN for claim in draft.claims):
            return _not_held(turn, findings, usage, self._judge)
        assessment, citations = settle(concept, draft, findings.passages, turn.earlier)
        assessment = _with_question(assessment)
        parts = list(report(assessment, citations, offline=self._judge.model is None))
        answered = Answered(
            content="".join(parts),
            citations=tuple(citations),
            usage=usage,
            model=self._judge.model,
            prompt=self._judge.prompt,
            query=concept,
            details=assessment,
            events=(_event(asked, assessment),),
        )
        return parts, answered


def holds(turn: Turn, findings: Findings) -> bool:
    """Whether the material has anything to compare with: it names the concept, or the search says that it can answer."""
    if not findings.passages:
        return False
    return findings.answerable or any(speaks_of(turn.concept or "", passage) for passage in findings.passages)


def _with_question(assessment: Assessment) -> Assessment:
    """With a question of ours where the judge has none, or one beside the gap that comes first."""
    if assessment.complete:
        return assessment.model_copy(update={"next_question": None})
    if assessment.next_question:
        return assessment.model_copy(update={"next_question": quoted(assessment.next_question)})
    if not assessment.gaps:
        return assessment
    question = question_on(assessment.gaps[0], assessment.concept or "", assessment.claims)
    return assessment.model_copy(update={"next_question": question})


def _not_held(
    turn: Turn, findings: Findings, usage: Usage | None = None, judge: Judge | None = None
) -> tuple[list[str], Answered]:
    said = (
        f"Your material does not speak of “{quoted(turn.concept or turn.text.strip())}”. Explain another concept, or add a "
        "document that covers it."
        if findings.passages
        else NOTHING_TO_COMPARE
    )
    parts, answered = _declined(turn, said)
    if judge is None or usage is None:
        return parts, answered
    return parts, replace(answered, usage=usage, model=judge.model, prompt=judge.prompt)


def _declined(turn: Turn, said: str) -> tuple[list[str], Answered]:
    """A reply that assesses nothing; the concept is kept where the student has named it, and so is the progress."""
    kept = turn.earlier or Assessment(concept=turn.concept if turn.named else None, attempt=0)
    return [said], Answered(said, (), Usage(0, 0), query=turn.concept, details=_unchanged(kept))


def _unchanged(kept: Assessment) -> Assessment:
    """What was reached, without what belongs to the attempt itself."""
    points = tuple(point.model_copy(update={"citation": None}) for point in kept.key_points)
    return kept.model_copy(update={"claims": (), "newly_covered": 0, "corrected": 0, "key_points": points})


def _invited(turn: Turn, findings: Findings, *, hint: bool) -> tuple[list[str], Answered]:
    """An invitation to explain; with a hint, where to look for the biggest gap."""
    concept = turn.concept or "this"
    if not hint:
        return _declined(
            turn,
            f"Explain **{quoted(concept)}** in your own words, as if to somebody who has never heard of it. "
            "I compare it with your material, and ask about what is missing.",
        )
    gap = _biggest_gap(turn, findings)
    if gap is None:
        return _declined(turn, f"You have said all that matters about **{quoted(concept)}**. Name another concept.")
    return _hinted(turn, gap, findings)


def _biggest_gap(turn: Turn, findings: Findings) -> tuple[Point, str] | None:
    if turn.earlier is None:
        points = key_points(turn.concept or "", findings.passages)
        return (points[0], _asked(points[0].text, turn)) if points else None
    for gap in turn.earlier.gaps:
        if (place := gap.at(findings.passages)) is not None:
            return Point(gap.text, place), question_on(gap, turn.concept or "")
    return None


def _asked(text: str, turn: Turn) -> str:
    cues = " and ".join(f"**{cue}**" for cue in cues_of(text, turn.concept or ""))
    return f"What can you say of {cues or 'it'}?"


def _hinted(turn: Turn, gap: tuple[Point, str], findings: Findings) -> tuple[list[str], Answered]:
    point, question = gap
    cited = Citations()
    marker = cited.cite(findings.passages[point.place.passage - 1], point.place.start, point.place.end)
    where = _where(cited.found[0]) if marker else "your material"
    said = (
        f"Here is where to begin: {question} Read {where}"
        + (f" [{marker}]" if marker else "")
        + ", close it, and explain."
    )
    _, answered = _declined(turn, said)
    return [said], replace(answered, citations=tuple(cited.found))


def _where(citation: Citation) -> str:
    place = f"page {citation.page}" if citation.page is not None else f"part {citation.part}"
    return f"{place} of “{quoted(citation.document_title)}”"


def _event(asked: Asked, assessment: Assessment) -> ExplanationAssessed:
    return ExplanationAssessed(
        version=1,
        message_id=asked.answer_id,
        session_id=asked.session_id,
        user_id=asked.user_id,
        concept=assessment.concept or "",
        attempt=assessment.attempt,
        supported=assessment.count(Verdict.SUPPORTED),
        contradicted=assessment.count(Verdict.CONTRADICTED),
        unspoken=assessment.count(Verdict.UNSPOKEN),
        missing=[_missing(point) for point in assessment.gaps],
        coverage=assessment.coverage,
    )


def _missing(point: KeyPoint) -> MissingPoint:
    return MissingPoint(text=point.text, document_id=point.document_id, page=point.page)
