"""How well explanations are judged without a language model: verdicts by label, on the labelled claims of chat's tests.

Beside it the cosine alone: a claim is supported where a sentence is nearer than the cut that does best on `developed_on`.
Where the corpus is, also its own sentences as claims: a textbook contradicts neither itself nor a chapter on something else.
"""

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from chat.claims import split
from chat.passages import Passage
from chat.sentences import sentences
from chat.verdicts import Evidence, Verdict
from ingestion.minilm import MiniLM

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("CORPUS") or ROOT.parent / "shared" / "corpus")
CUT, MOST, TAKEN, CHAPTERS = 1700, 17_000, 25, 40

sys.path.insert(0, str(ROOT / "services" / "chat" / "tests"))

from teach_back.labelled import (  # type: ignore[import-not-found]  # noqa: E402 (its folder is no package of ours)
    SETS,
    Topic,
    measure,
    topics,
)


def labelled() -> None:
    for name in SETS:
        began = time.perf_counter()
        score = asyncio.run(measure(topics(name)))
        print(
            f"teach-back offline, {name}: {sum(score.verdicts.values())} claims in {time.perf_counter() - began:.1f} s, "
            f"{sum(score.verdicts[label, label] for label in Verdict) / sum(score.verdicts.values()):.2f} right"
        )
        print(*score.lines(), sep="\n", end="\n\n")


async def cosine_alone() -> None:
    """The share of right verdicts, and how many of the supported ones are: nearness tells neither opposites nor subjects apart."""
    cut = 0.0
    with tempfile.TemporaryDirectory() as folder:
        model = MiniLM(Path(folder))
        for name in SETS:
            near = [pair for topic in topics(name) for pair in await nearest(model, topic)]
            cut = cut or max((value for _, value in near), key=lambda value: right(near, value))
            taken = [mark for mark, value in near if value >= cut]
            precision = taken.count("+") / len(taken)
            print(f"cosine alone, {name}: {right(near, cut):.2f} right, supported precise {precision:.2f}")
        await model.close()
    print()


def right(near: Sequence[tuple[str, float]], cut: float) -> float:
    """The share of claims that a cut tells apart; what it does not take for supported is not spoken of."""
    return sum((mark == "+") if value >= cut else (mark == "?") for mark, value in near) / len(near)


async def nearest(model: MiniLM, topic: Topic) -> list[tuple[str, float]]:
    """Each claim's mark, with the cosine of the sentence that is nearest."""
    said = [sentence.text for passage in topic.passages for sentence in sentences(passage.text)]
    vectors = [await model.embed_query(text) for text in said]
    lines = [(mark, await model.embed_query(line)) for mark, line in topic.marked("+-?")]
    return [(mark, max(float(claim @ vector) for vector in vectors)) for mark, claim in lines]


def verdicts(evidence: Evidence, text: str, chosen: random.Random) -> Counter[str]:
    """What evidence says to some sentences of a text."""
    said = [sentence.text for sentence in sentences(text) if sentence.closed and 6 < len(sentence.text.split()) < 35]
    taken = chosen.sample(said, min(TAKEN, len(said)))
    return Counter(evidence.judge(claim.text).verdict.value for sentence in taken for claim in split(sentence))


def own_words() -> None:
    """Sentences of textbooks as claims, of their own chapter and of another."""
    lines = (CORPUS / "retrieval" / "sections.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"][:MOST] for line in lines[:CHAPTERS]]
    own, foreign, chosen = Counter[str](), Counter[str](), random.Random(1)
    for place, text in enumerate(texts):
        cut = [text[start : start + CUT] for start in range(0, len(text), CUT)]
        found = [Passage(uuid4(), uuid4(), "", 1, 1, piece, 0, len(piece), 0.8) for piece in cut]
        evidence = Evidence(found)
        own += verdicts(evidence, text, chosen)
        foreign += verdicts(evidence, texts[(place + len(texts) // 2) % len(texts)], chosen)
    print(f"sentences of textbooks as claims of their chapter: {dict(own)}; of another: {dict(foreign)}\n")


if __name__ == "__main__":
    labelled()
    asyncio.run(cosine_alone())
    if (CORPUS / "retrieval").is_dir():
        own_words()
