"""How well explanations are judged without a language model: verdicts by label, on the labelled claims of chat's tests."""

import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "services" / "chat" / "tests"))

from teach_back.labelled import (  # type: ignore[import-not-found]  # its folder is no package of ours
    SETS,
    measure,
    topics,
)


def main() -> None:
    for name in SETS:
        began = time.perf_counter()
        score = asyncio.run(measure(topics(name)))
        print(
            f"teach-back offline, {name}: {sum(score.verdicts.values())} claims in {time.perf_counter() - began:.1f} s"
        )
        print(*score.lines(), sep="\n", end="\n\n")


if __name__ == "__main__":
    main()
