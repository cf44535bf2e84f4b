"""How well answers are graded without a language model: with the cosine of the model that searches, by the words alone, and by the
cosine alone, cut so that it gives each grade as often as people did on `developed_on`.
"""

import asyncio
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "services" / "chat" / "tests"))

from chat.recall.drafts import SHORT
from chat.recall.grading import grade
from ingestion.minilm import MiniLM
from recall_answers import Heard, answers  # type: ignore[import-not-found]  # its folder is no package of ours

SETS = ("developed_on", "held_out", "played", "unseen", "named", "turned", "fresh", "blind")


async def cosine(model: MiniLM, heard: Heard) -> float | None:
    if heard.task.form in SHORT:
        return None
    return float(await model.embed_query(heard.said) @ await model.embed_query(heard.task.answer))


def cuts(heard: Sequence[Heard], near: Sequence[float | None]) -> list[float]:
    """The cosines from which an answer is worth 1, 2, 3, 4 and 5."""
    known = sorted(value for value in near if value is not None)
    hand = sorted(one.grade for one, value in zip(heard, near, strict=True) if value is not None)
    return [known[min(bisect_left(hand, grade), len(known) - 1)] for grade in range(1, 6)]


def show(name: str, grades: list[tuple[int, int]]) -> None:
    count = len(grades)
    within = sum(abs(hand - program) <= 1 for hand, program in grades) / count
    passing = sum((hand >= 3) == (program >= 3) for hand, program in grades) / count
    mean = sum(abs(hand - program) for hand, program in grades) / count
    confused = sum((h <= 1 and p >= 3) or (h >= 4 and p <= 2) for h, p in grades)
    print(f"{name:38}{count:>8}{mean:>8.2f}{within:>10.2f}{passing:>9.2f}{confused:>10}")


async def main() -> None:
    print(f"{'grades offline':38}{'answers':>8}{'error':>8}{'within 1':>10}{'passing':>9}{'confused':>10}")
    steps: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        model = MiniLM(Path(folder))
        for name in SETS:
            heard = list(answers(name))
            near = [await cosine(model, one) for one in heard]
            steps = steps or cuts(heard, near)
            ours = [(h.grade, grade(h.task, h.said, n).grade) for h, n in zip(heard, near, strict=True)]
            alone = [
                (h.grade, sum(n >= step for step in steps)) for h, n in zip(heard, near, strict=True) if n is not None
            ]
            show(f"{name}, with {model.name}", ours)
            show(f"{name}, words alone", [(h.grade, grade(h.task, h.said).grade) for h in heard])
            if alone:
                show(f"{name}, cosine alone (no terms)", alone)
        await model.close()
    print()


if __name__ == "__main__":
    asyncio.run(main())
