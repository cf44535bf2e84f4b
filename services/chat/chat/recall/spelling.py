"""Whether a word is another one, spelt wrong."""

from functools import lru_cache

from chat.lexicon import is_another, opposed
from chat.terms import stem

_SHORTEST = 5
_LONG = 8
# What has been named so that a letter tells one kind from the next.
_TELLING_ENDS = (
    ("ane", "ene", "yne", "ine", "one"),
    ("ate", "ite", "ide"),
    ("er", "ee"),
    ("or", "ee"),
    ("ose", "ase"),
    ("ous", "ic"),
)


@lru_cache(maxsize=8192)
def is_typo(said: str, meant: str) -> bool:
    """One slip in a word of five letters, two in one of eight; never one that makes it the opposite (*hyper*, *hypo*) or another word."""
    if said == meant:
        return True
    if len(meant) < _SHORTEST or not meant.isalpha() or said[:1] != meant[:1] or opposed(stem(said), stem(meant)):
        return False
    if is_another(said, meant) or of_another_kind(said, meant):
        return False
    allowed = 2 if len(meant) >= _LONG else 1
    return abs(len(said) - len(meant)) <= allowed and _distance(said, meant) <= allowed


def of_another_kind(one: str, other: str) -> bool:
    """Whether two words have the ends by which a science, or the law, tells kinds apart: *sulphate*, *sulphite*."""
    one, other = one.removesuffix("s"), other.removesuffix("s")
    for ends in _TELLING_ENDS:
        kinds = [(word.removesuffix(end), end) for word in (one, other) for end in ends if word.endswith(end)]
        if len(kinds) == 2 and kinds[0][0] == kinds[1][0] and kinds[0][1] != kinds[1][1]:
            return True
    return False


def _distance(one: str, other: str) -> int:
    """Insertions, deletions, exchanges of a letter, and of two neighbours."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, b in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, above[j - 2] + 1)
            row.append(best)
    return row[-1]
