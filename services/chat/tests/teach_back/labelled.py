"""Reads the labelled explanations, and measures a judge by them.

A topic is a heading, a passage, and lines: `+` a claim that it supports, `-` one that it contradicts, `?` one of which it does not
speak; `!` the beginning of a key point that the `+` lines leave out, `=` of one that they hold. Each is judged beside the
passages of the two topics that follow, as a search would bring what is not meant.

`blind` was written by somebody who did not know the rules, and nobody has looked at what is judged wrongly in it: look at its
figures only, or it says nothing any more of texts that are new.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from chat.claims import split
from chat.judging import Explanation, OfflineJudge
from chat.passages import Passage
from chat.verdicts import Evidence, Verdict

LABELS = {"+": Verdict.SUPPORTED, "-": Verdict.CONTRADICTED, "?": Verdict.UNSPOKEN}
SETS = ("developed_on", "held_out", "judged_on", "played", "unseen", "students", "adversarial", "restated", "blind")


@dataclass(frozen=True)
class Topic:
    concept: str
    passages: Sequence[Passage]
    lines: Sequence[tuple[str, str]]

    def marked(self, marks: str) -> list[tuple[str, str]]:
        return [(mark, line) for mark, line in self.lines if mark in marks]


@dataclass
class Score:
    """Claims by label and verdict; points by whether they were named missing, or taken for covered, rightly."""

    verdicts: Counter[tuple[Verdict, Verdict]] = field(default_factory=Counter)
    points: Counter[tuple[str, bool]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def precision(self, verdict: Verdict) -> float:
        given = sum(self.verdicts[label, verdict] for label in Verdict)
        return self.verdicts[verdict, verdict] / given if given else 1.0

    def recall(self, verdict: Verdict) -> float:
        return self.verdicts[verdict, verdict] / sum(self.verdicts[verdict, given] for given in Verdict)

    def found(self, mark: str) -> float:
        return self.points[mark, True] / (self.points[mark, True] + self.points[mark, False])

    def lines(self) -> Iterator[str]:
        """The confusion matrix, a line for each label, and the points."""
        yield (
            f"{'label / verdict':16}"
            + "".join(f"{verdict.value:>16}" for verdict in Verdict)
            + f"{'precision':>12}{'recall':>9}"
        )
        for label in Verdict:
            counts = "".join(f"{self.verdicts[label, verdict]:>16}" for verdict in Verdict)
            yield f"{label.value:16}{counts}{self.precision(label):>12.2f}{self.recall(label):>9.2f}"
        yield f"missing points named {self.found('!'):.2f}, covered points recognised {self.found('='):.2f}"


def topics(name: str) -> list[Topic]:
    text = (Path(__file__).parent / f"{name}.md").read_text(encoding="utf-8")
    read = []
    for block in re.split(r"^# ", text, flags=re.MULTILINE)[1:]:
        concept, passage, *lines = (line for line in block.splitlines() if line.strip())
        read.append((concept, passage, [(line[0], line[2:]) for line in lines]))
    return [
        Topic(concept, [_passage(read[(at + step) % len(read)][1]) for step in range(3)], lines)
        for at, (concept, _, lines) in enumerate(read)
    ]


def _passage(text: str) -> Passage:
    return Passage(uuid4(), uuid4(), "Textbook", 1, 1, text, 0, len(text), 0.8)


async def measure(topics: Sequence[Topic]) -> Score:
    """The offline judge's verdicts on each line, and its points for what the right lines say together."""
    score = Score()
    for topic in topics:
        evidence = Evidence(topic.passages, topic.concept)
        for mark, line in topic.marked("+-?"):
            verdict = gravest(evidence, line)
            score.verdicts[LABELS[mark], verdict] += 1
            if verdict is not LABELS[mark]:
                score.wrong.append(f"{LABELS[mark].value} taken for {verdict.value}: {line}")
        told = "\n".join(line for _, line in topic.marked("+"))
        draft, _ = await OfflineJudge().judge(Explanation(told, split(told), topic.concept, topic.passages))
        for mark, beginning in topic.marked("!="):
            place = next((n for n, point in enumerate(draft.points) if beginning in point.text), None)
            score.points[mark, place is not None and (place in draft.covered) is (mark == "=")] += 1
    return score


def gravest(evidence: Evidence, line: str) -> Verdict:
    """A line may hold two claims: what is wrong in one of them is wrong."""
    verdicts = {evidence.judge(claim.text).verdict for claim in split(line)}
    return next((v for v in (Verdict.CONTRADICTED, Verdict.SUPPORTED) if v in verdicts), Verdict.UNSPOKEN)
