"""How well answers are graded without a language model: with the cosine of the model that searches, and by the words alone."""

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "services" / "chat" / "tests"))

from chat.recall.drafts import SHORT
from chat.recall.grading import grade
from ingestion.minilm import MiniLM
from recall_answers import Heard, answers  # type: ignore[import-not-found]  # its folder is no package of ours

SETS = ("developed_on", "held_out")


async def cosine(model: MiniLM, heard: Heard) -> float | None:
    if heard.task.form in SHORT:
        return None
    return float(await model.embed_query(heard.said) @ await model.embed_query(heard.task.answer))


def show(name: str, grades: list[tuple[int, int]]) -> None:
    count = len(grades)
    within = sum(abs(hand - program) <= 1 for hand, program in grades) / count
    passing = sum((hand >= 3) == (program >= 3) for hand, program in grades) / count
    mean = sum(abs(hand - program) for hand, program in grades) / count
    confused = sum((h <= 1 and p >= 3) or (h >= 4 and p <= 2) for h, p in grades)
    print(f"{name:38}{count:>8}{mean:>8.2f}{within:>10.2f}{passing:>9.2f}{confused:>10}")


async def main() -> None:
    print(f"{'grades offline':38}{'answers':>8}{'error':>8}{'within 1':>10}{'passing':>9}{'confused':>10}")
    with tempfile.TemporaryDirectory() as folder:
        model = MiniLM(Path(folder))
        for name in SETS:
            heard = list(answers(name))
            near = [await cosine(model, one) for one in heard]
            show(
                f"{name}, with {model.name}",
                [(h.grade, grade(h.task, h.said, n).grade) for h, n in zip(heard, near, strict=True)],
            )
            show(f"{name}, words alone", [(h.grade, grade(h.task, h.said).grade) for h in heard])
        await model.close()
    print()


if __name__ == "__main__":
    asyncio.run(main())
