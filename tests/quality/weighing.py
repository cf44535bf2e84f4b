"""Makes the points of `chat.signs` again: how much each sign speaks for a verdict, fitted to the labelled claims of chat's tests.

    python tests/quality/weighing.py             the points, and how well each set is judged by those of the others
    python tests/quality/weighing.py sign NAME   the lines of a set for signs.csv, as the rules of today find them

`signs.csv` keeps what the rules found in a claim before anybody had looked at the errors of its set (of the first two sets: since):
of claims that rules were mended on they are surer than of new ones. So a new set is signed before it is looked at. A `~` is a claim
whose sentence was taken out of the material, so that this does not speak of it any more: of such claims the sets have few.
"""

import csv
import sys
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

TESTS = Path(__file__).resolve().parents[2] / "services" / "chat" / "tests"
sys.path.insert(0, str(TESTS))

from chat.claims import split  # noqa: E402
from chat.passages import Passage  # noqa: E402
from chat.signs import Signs  # noqa: E402
from chat.verdicts import CONTRADICTING, SUPPORTING, SUPPORTING_NOWHERE, Evidence  # noqa: E402
from teach_back.labelled import topics  # type: ignore[import-not-found]  # noqa: E402

NAMES = [field.name for field in fields(Signs)]
AT = {
    "known": (0.4, 0.7, 0.85, 1.0),
    "words": (2, 6, 12),
    "sound": (0.0, 0.6, 0.8, 1.0),
    "denied": (0.0, 0.6, 0.8, 1.0),
    "twists": (0, 1, 2),
    "missing": (0, 1, 2, 4),
}
YES_OR_NO = (0, 1)
LABELS = "+-?~"
RESTRAINT = 1.0
Numbers = NDArray[np.float64]
Points = dict[str, tuple[Sequence[float], ...]]


def read() -> tuple[list[str], Numbers, str]:
    """Of each claim its set, its signs, and its label."""
    with (TESTS / "teach_back" / "signs.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    signs = np.array([[float(row[name]) for name in NAMES] for row in rows])
    return [row["set"] for row in rows], signs, "".join(row["label"] for row in rows)


def spread(signs: Numbers) -> Numbers:
    """Each sign as its nearness to its values; that to the first is what the others leave, and a one that all have comes last."""
    columns = [np.ones(len(signs))]
    for name, values in zip(NAMES, signs.T, strict=True):
        at = AT.get(name, YES_OR_NO)
        columns += [np.interp(values, at, one) for one in np.eye(len(at))[1:]]
    return np.array([*columns[1:], columns[0]]).T


def fit(spread_out: Numbers, labels: str) -> Numbers:
    """Points for each verdict, likeliest for these labels and none too large: multinomial logistic regression by Newton's steps."""
    verdict = np.array([min(LABELS.index(label), 2) for label in labels])
    truth, size = np.eye(3)[verdict], spread_out.shape[1]
    points = np.zeros((3, size))
    held = np.r_[np.full(size - 1, 1 / RESTRAINT), 1e-6]
    for _ in range(30):
        likely = judge(spread_out, points)
        slope = (likely - truth).T @ spread_out + points * held
        bend = np.zeros((3, size, 3, size))
        for one in range(3):
            for other in range(3):
                share = likely[:, one] * ((one == other) - likely[:, other])
                bend[one, :, other] = (spread_out * share[:, None]).T @ spread_out + (one == other) * np.diag(held)
        points -= np.linalg.solve(bend.reshape(3 * size, -1), slope.ravel()).reshape(3, size)
    return points


def judge(spread_out: Numbers, points: Numbers) -> Numbers:
    """How likely each verdict is."""
    sums = spread_out @ points.T
    raised = np.exp(sums - sums.max(axis=1, keepdims=True))
    likely: Numbers = raised / raised.sum(axis=1, keepdims=True)
    return likely


def table(points: Numbers) -> tuple[tuple[float, ...], Points]:
    """The points against those of *not spoken of*: where every claim starts, and of each sign its values with the points there."""
    against, found = points[:2] - points[2], Points()
    ends = np.cumsum([len(AT.get(name, YES_OR_NO)) - 1 for name in NAMES])
    for name, columns in zip(NAMES, np.split(against[:, :-1], ends[:-1], axis=1), strict=True):
        sides = (tuple(round(float(value), 2) for value in (0, *side)) for side in columns)
        found[name] = (AT.get(name, YES_OR_NO), *sides)
    return tuple(round(float(value), 2) for value in against[:, -1]), found


def show_others(sets: Sequence[str], signs: Numbers, labels: str) -> None:
    """Precision and recall of each set, by the points of the other sets."""
    spread_out, own = spread(signs), np.array(sets)
    label, lacking = np.array(list(labels)), np.array(list(labels)) == "~"
    told = np.empty(len(sets), dtype="U1")
    for name in dict.fromkeys(sets):
        away = own != name
        likely = judge(spread_out[~away], fit(spread_out[away], "".join(label[away])))
        sound, denied = (signs[~away][:, NAMES.index(name)] for name in ("sound", "denied"))
        supported = likely[:, 0] >= np.where(sound > 0, SUPPORTING, SUPPORTING_NOWHERE)
        contradicted = (likely[:, 1] >= CONTRADICTING) & (denied > sound)
        told[~away] = np.where(contradicted, "-", np.where(supported, "+", "?"))
    for name in (*dict.fromkeys(sets), ""):
        here = (own == name) | (name == "")
        figures = [
            f"{verdict} {np.mean(label[here & ~lacking & (told == verdict)] == verdict):.2f}/"
            f"{np.mean(told[here & (label == verdict)] == verdict):.2f}, of what is not there "
            f"{np.mean(told[here & lacking] == verdict):.3f}"
            for verdict in "-+"
        ]
        print(f"{name or 'all':14}" + "    ".join(figures))


def sign(name: str) -> None:
    """The lines of a set: each claim, and the same where its sentence is taken out."""
    for topic in topics(name):
        evidence = Evidence(topic.passages, topic.concept)
        for mark, line in topic.marked("+-?"):
            for claim in split(line):
                place = evidence.nearest(claim.text)
                show_line(name, mark, evidence.signs(claim.text))
                if place is not None:
                    cut = [
                        _without(passage, place.start, place.end) if number == place.passage else passage
                        for number, passage in enumerate(topic.passages, 1)
                    ]
                    show_line(name, "~", Evidence(cut, topic.concept).signs(claim.text))


def _without(passage: Passage, start: int, end: int) -> Passage:
    text = f"{passage.text[:start]}{passage.text[end:]}".strip() or "…"
    return Passage(uuid4(), uuid4(), passage.document_title, 1, 1, text, 0, len(text), passage.score)


def show_line(name: str, label: str, signs: Signs | None) -> None:
    if signs is not None:
        print(name, label, *(f"{value:.3g}" for value in astuple(signs)), sep=",")


if __name__ == "__main__":
    if sys.argv[1:2] == ["sign"]:
        sign(sys.argv[2])
    else:
        of_sets, found, marks = read()
        start, points = table(fit(spread(found), marks))
        print(f"START = {start}\nPOINTS: Mapping[str, tuple[Sequence[float], ...]] = {{")
        print(*(f'    "{name}": {values},' for name, values in points.items()), "}", sep="\n")
        show_others(of_sets, found, marks)
