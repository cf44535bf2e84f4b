"""Claims that say no more than that one thing is another: "checks are money", "silver is a metal"."""

from collections.abc import Sequence

from chat.alignment import Alignment, points_back
from chat.wording import Reading, Word

_BE = frozenset(("is", "are", "was", "were"))
# What stands between two words of a piece where the text says so.
_LINKS = _BE | {
    "such",
    "like",
    "including",
    "includes",
    "include",
    "called",
    "as",
    "means",
    "become",
    "becomes",
    "remain",
    "or",
}
# "Amylase, an enzyme", "amylase (an enzyme)", "a dyad, or group of two"
_APPOSED = frozenset(("a", "an", "the", "which", "who", "that", "or", "called"))
_ASIDE = frozenset((",", "(", "—", "–"))
_BESIDE = 2


def unlinked(claim: Reading, lead: Sequence[Word], alignment: Alignment, text: Reading) -> bool:
    """Whether a text names both and does not say that one is the other: that both stand in one list says nothing."""
    said = [word for word in claim.words if word not in lead and not word.light]
    about = [word for word in lead if not word.light]
    if len(said) != 1 or not about or not _BE.intersection(claim.tokens[about[-1].place : said[0].place]):
        return False
    what = [word for word in text.words if (match := alignment.matched.get(said[0].place)) and word.base == match.base]
    head = alignment.matched.get(about[-1].place)
    whose = [word for word in text.words if head is not None and word.base == head.base]
    return bool(what and whose) and not any(_linked(one, other, text) for one in whose for other in what)


def _linked(one: Word, other: Word, text: Reading) -> bool:
    first, last = sorted((one, other), key=lambda word: word.place)
    between = text.tokens[first.place + 1 : last.place]
    near = _BESIDE + (first is one)  # "mutations arise at random"
    if len(between) < near or points_back([first, last], text):
        return True
    if last.segment == first.segment:
        return not _LINKS.isdisjoint(between)
    if last is other and not _BE.isdisjoint(between[-_BESIDE:]):
        return True
    opens = next((place for place, token in enumerate(between) if token in _ASIDE), _BESIDE)
    return opens < _BESIDE and not _APPOSED.isdisjoint(between[opens : opens + _BESIDE])
