"""How well explanations are judged without a language model: verdicts by label, on the labelled claims of chat's tests.

Where the corpus is, also its own sentences as claims: a textbook contradicts neither itself nor a chapter on something else.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

from chat.claims import split
from chat.passages import Passage
from chat.sentences import sentences
from chat.verdicts import Evidence

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("CORPUS") or ROOT.parent / "shared" / "corpus")
CUT, MOST, TAKEN, CHAPTERS = 1700, 17_000, 25, 40

sys.path.insert(0, str(ROOT / "services" / "chat" / "tests"))

from teach_back.labelled import (  # type: ignore[import-not-found]  # noqa: E402 (its folder is no package of ours)
    SETS,
    measure,
    topics,
)


def labelled() -> None:
    for name in SETS:
        began = time.perf_counter()
        score = asyncio.run(measure(topics(name)))
        print(
            f"teach-back offline, {name}: {sum(score.verdicts.values())} claims in {time.perf_counter() - began:.1f} s"
        )
        print(*score.lines(), sep="\n", end="\n\n")


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
    if (CORPUS / "retrieval").is_dir():
        own_words()
