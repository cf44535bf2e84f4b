"""Figures in one form."""

from collections.abc import Sequence
from statistics import quantiles


def percentile(seconds: Sequence[float], percent: int) -> float:
    """In milliseconds."""
    return quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000


def line(what: str, seconds: Sequence[float], beside: str = "") -> None:
    """Print how long something took."""
    found = "   ".join(f"p{percent} {percentile(seconds, percent):6.1f} ms" for percent in (50, 95, 99))
    print(f"{what:<58} {found}   {beside}", flush=True)
