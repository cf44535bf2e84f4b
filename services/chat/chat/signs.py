"""What speaks for a verdict, and how likely that makes it: a sum of points for each sign, and none of them decides alone.

The points were fitted to labelled claims (`tests/quality/weighing.py` makes them again). Each sign has its points at a few values, and
lies on the line between them; both sums are against that of "not spoken of", which is 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp


@dataclass(frozen=True, slots=True)
class Signs:
    """What was found of a claim. What the material has of it is measured as shares of the weight of its words."""

    known: float  # the material uses these words, wherever
    words: float  # how many it has
    denies: float  # it has a denial (1), or none (0)
    sound: float  # stands in the place that bears it out best
    denied: float  # stands in the place that says the opposite, and most of it
    twists: float  # in how many of its pieces that place says the opposite
    missing: float  # how many words that matter the nearest sentence lacks
    number: float  # what that place says otherwise is a number
    by_denial: float  # what that place says otherwise is a denial


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How likely the material supports a claim, and contradicts it; what is left is that it does not speak of it."""

    supported: float
    contradicted: float


def likelihood(signs: Signs) -> Likelihood:
    """What the signs say together."""
    supported, contradicted = (
        exp(start + sum(_between(getattr(signs, name), at, points[side]) for name, (at, *points) in POINTS.items()))
        for side, start in enumerate(START)
    )
    total = 1 + supported + contradicted
    return Likelihood(supported / total, contradicted / total)


def _between(value: float, at: Sequence[float], points: Sequence[float]) -> float:
    """The points of a value, on the line between those of its neighbours."""
    for low, high, before, behind in zip(at, at[1:], points, points[1:], strict=False):
        if value < high:
            return before + (behind - before) * max(0.0, value - low) / (high - low)
    return points[-1]


START = (-2.48, -2.96)
POINTS: Mapping[str, tuple[Sequence[float], ...]] = {
    "known": ((0.4, 0.7, 0.85, 1.0), (0.0, 1.58, 2.15, 2.99), (0.0, 1.5, 2.72, 4.51)),
    "words": ((2, 6, 12), (0.0, 1.51, 3.48), (0.0, 0.85, 1.59)),
    "denies": ((0, 1), (0.0, 0.37), (0.0, -1.17)),
    "sound": ((0.0, 0.6, 0.8, 1.0), (0.0, -0.09, 1.7, 2.09), (0.0, 0.2, 0.62, 0.71)),
    "denied": ((0.0, 0.6, 0.8, 1.0), (0.0, -0.29, 0.37, 0.11), (0.0, -1.14, -0.37, 2.17)),
    "twists": ((0, 1, 2), (0.0, -0.52, 0.13), (0.0, 0.21, -1.71)),
    "missing": ((0, 1, 2, 4), (0.0, -1.21, -2.36, -4.52), (0.0, -0.68, -2.2, -4.39)),
    "number": ((0, 1), (0.0, 0.26), (0.0, 1.65)),
    "by_denial": ((0, 1), (0.0, 1.37), (0.0, 0.32)),
}
