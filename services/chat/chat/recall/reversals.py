"""Whether an answer turns a sentence round: what stands on one side of *than* or *into* there stands on the other here."""

import re
from collections.abc import Iterable, Sequence

from chat.lexicon import opposed
from chat.wording import Reading, read

_PIVOTS = (("into", "to"), ("than",))  # light turns *into* and converts *to* heat
_MANY = 2
_BEHIND = 8
_OUT_OF = re.compile(r"\bout of\b", re.IGNORECASE)
_COMES_OUT = re.compile(r"\bcom(?:es?|ing) out\b", re.IGNORECASE)


def heard(said: str) -> Reading:
    """What was said. "Out of" says where from, and what comes out is there; *out* is opposed to *into*, and they are not."""
    return read(_COMES_OUT.sub("appears", _OUT_OF.sub("from", said)))


def reversed_around(said: Reading, text: Reading) -> str | None:
    """The word around which two sides have changed places."""
    for pivots in _PIVOTS:
        mine, theirs = _sides(said, pivots), _sides(text, pivots)
        if mine is None or theirs is None:
            continue
        moved_right = (mine[0] - mine[1]) & (theirs[1] - theirs[0])
        moved_left = (mine[1] - mine[0]) & (theirs[0] - theirs[1])
        if moved_right and moved_left and (len(moved_right | moved_left) >= _MANY or _opposed(moved_right, moved_left)):
            return f"order around {pivots[0]!r}"
    ways = [_way(reading) for reading in (said, text)]
    if ways[0] and ways[1] and ways[0] != ways[1] and _crossed(ways[0], ways[1]):
        return "order around 'to'"
    return None


def _way(reading: Reading) -> tuple[frozenset[str], frozenset[str]] | None:
    """From where, and to where: what stands between *from* and *to*, and a few words behind."""
    tokens = reading.tokens
    if tokens.count("from") != 1 or "to" not in tokens[(begin := tokens.index("from")) :]:
        return None
    middle = tokens.index("to", begin)
    strong = [word for word in reading.words if not word.light]
    source = frozenset(word.base for word in strong if begin < word.place < middle)
    return source, frozenset(word.base for word in strong if middle < word.place <= middle + _BEHIND)


def _crossed(mine: tuple[frozenset[str], frozenset[str]], theirs: tuple[frozenset[str], frozenset[str]]) -> bool:
    return bool((mine[0] - mine[1]) & (theirs[1] - theirs[0])) and bool((mine[1] - mine[0]) & (theirs[0] - theirs[1]))


def _sides(reading: Reading, pivots: Sequence[str]) -> tuple[frozenset[str], frozenset[str]] | None:
    places = [place for place, token in enumerate(reading.tokens) if token in pivots and not reading.intends(place)]
    if len(places) != 1:
        return None
    place = places[0]
    strong = [word for word in reading.words if not word.light]
    left = frozenset(word.base for word in strong if word.place < place)
    return left, frozenset(word.base for word in strong if word.place > place)


def _opposed(some: Iterable[str], others: Iterable[str]) -> bool:
    return any(opposed(one, other) for one in some for other in others)
