"""A little noise in long intervals, so that cards learnt together do not come back together for ever.

The ranges are FSRS's and Anki's: 15 % of the part between 2.5 and 7 days, 10 % up to 20, 5 % beyond, and one day.
The noise is drawn from a seed: a log that is replayed on another device, or in another order of arrival, gives the same days.
"""

import hashlib

_RANGES = ((2.5, 7.0, 0.15), (7.0, 20.0, 0.10), (20.0, float("inf"), 0.05))


def fuzzed(interval: int, seed: str, longest: int) -> int:
    """`interval` in days, moved within its range and no further than `longest`; below 2.5 days it stays."""
    if interval < _RANGES[0][0]:
        return min(interval, longest)
    least, most = fuzz_range(interval, longest)
    return least + int(_fraction(seed) * (most - least + 1))


def fuzz_range(interval: int, longest: int) -> tuple[int, int]:
    """The least and the greatest interval that `interval` (3 days or more) may become."""
    spread = 1.0 + sum(part * max(min(interval, end) - start, 0.0) for start, end, part in _RANGES)
    most = min(round(interval + spread), longest)
    return min(max(2, round(interval - spread)), most), most


def _fraction(seed: str) -> float:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:7]) / 2**56
