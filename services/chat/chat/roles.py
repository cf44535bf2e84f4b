"""Who does what to whom: whether two things have changed places around a verb, or around a word such as *than*."""

from collections.abc import Set

from chat.comparisons import THAN
from chat.lexicon import alike, base, directs
from chat.terms import word_set
from chat.wording import BEFORE_THINGS, CLAUSE_BORDERS, Reading, Word

# What stands on both sides of these may not be exchanged.
_PIVOTS = word_set("than into onto from to against above below beneath under minus")
# What one does to another, the other does to the one.
_MUTUAL = frozenset(map(base, word_set(
    """fit match meet equal resemble differ touch cross join marry contact collide react bind interact combine fuse balance compete
    share trade exchange mix connect correlate correspond agree converge diverge separate alternate face pair link relate"""
)))  # fmt: skip
_OBJECTS_FIRST = frozenset(("that", "which", "whom"))
_BY = frozenset(("by",))
_ARGUMENT = 2  # words on each side of a verb that may be what it is about


def exchanged(claim: Reading, text: Reading) -> str | None:
    """The word around which two things have changed places: "Serbia attacked Austria" and "Austria attacked Serbia"."""
    for place, pivot in _pivots(claim):
        mine = _sides(claim, place, pivot)
        theirs = [_seen(claim, place, text, at, pivot) for at, other in _pivots(text) if other == pivot]
        crossed = _outdone if pivot == THAN else _crossed
        known = [sides for sides in theirs if sides is not None]
        if any(crossed(mine, sides) for sides in known) and not any(_parallel(mine, sides) for sides in known):
            return f"order around {pivot!r}"
    return None


def _seen(claim: Reading, place: int, text: Reading, at: int, pivot: str) -> "Sides | None":
    """The text's sides as the claim would order them: what suffers stands before a verb in the passive. None where that is unclear."""
    left, right = _sides(text, at, pivot)
    if pivot in _PIVOTS:
        return left, right
    voices = {claim.voice(place), text.voice(at)}
    if len(voices) == 1 or voices == {"passive", "agent"}:
        return left, right
    return (right, left) if voices == {"active", "agent"} else None


def _pivots(reading: Reading) -> list[tuple[int, str]]:
    small = [(place, token) for place, token in enumerate(reading.tokens) if token in _PIVOTS]
    verbs = [
        word
        for word in reading.words
        if reading.acts(word) and word.base not in _MUTUAL and not _relates(word, reading)
    ]
    # "The downward slope of the curve" has no verb.
    return small + [
        (word.place, word.base) for word in verbs if reading.tokens[word.place + 1 : word.place + 2] != ("of",)
    ]


def _relates(verb: Word, reading: Reading) -> bool:
    """Whether a verb stands in "the debris that a glacier leaves": what it is done to stands before it."""
    before = [at for at in range(verb.place) if reading.tokens[at] in _OBJECTS_FIRST]
    return bool(before) and any(before[-1] < word.place < verb.place for word in reading.words)


def _sides(reading: Reading, place: int, pivot: str) -> tuple[frozenset[str], frozenset[str]]:
    """What stands before and behind a word, as far as its piece of the sentence goes."""
    at = [word for word in reading.words if word.place <= place]
    segment = at[-1].segment if at else 0
    beside = [word for word in reading.words if word.segment == segment and word.base != pivot]
    before = [word.base for word in beside if word.place < place]
    if not before:  # "Austria, assured of help, declared war": the subject stands before the commas
        before = [word.base for word in reading.words if word.place < place][:_ARGUMENT]
    behind = [word.base for word in beside if word.place > place]
    if pivot not in _PIVOTS:
        before, behind = before[-_ARGUMENT:], behind[:_ARGUMENT]
    left, right = frozenset(before), frozenset(behind)
    return left, right


Sides = tuple[frozenset[str], frozenset[str]]


def _parallel(one: Sides, other: Sides) -> bool:
    return bool((one[0] - one[1]) & (other[0] - other[1])) and bool((one[1] - one[0]) & (other[1] - other[0]))


def _outdone(one: Sides, other: Sides) -> bool:
    """Whether what is more here is what the other is more than there."""
    (left, right), (other_left, other_right) = one, other
    own = left - other_left
    if own and own <= other_right - other_left and not right - left:
        return True
    return _crossed(one, other) or (
        2 * len(own & other_right) > len(own) and bool(right) and right.isdisjoint(other_right)
    )


def _crossed(one: Sides, other: Sides) -> bool:
    (left, right), (other_left, other_right) = one, other
    to_the_right = (left - right) & (other_right - other_left)
    to_the_left = (right - left) & (other_left - other_right)
    mine_right, mine_left = (right - left) & (other_left | other_right), (left - right) & (other_left | other_right)
    return 2 * len(to_the_left) >= max(1, len(mine_right)) and bool(to_the_right) and bool(mine_left)


def played_otherwise(claim: Reading, text: Reading, known: Set[str]) -> bool:
    """Whether a verb that both have is done by another, or to another: "pepsin breaks starch down", of proteins.

    Of what is not `known` one cannot tell whether it is another name for the same.
    """
    for word in claim.words:
        if not claim.acts(word) or word.negated or word.base in _MUTUAL or directs(word.base):
            continue
        verbs = [other for other in text.words if other.base == word.base and text.acts(other) and not other.negated]
        if verbs and all(_played_by_another(claim, word, text, verb, known) for verb in verbs):
            return True
    return False


def _played_by_another(claim: Reading, word: Word, text: Reading, verb: Word, known: Set[str]) -> bool:
    """Whether who does it or what it is done to is the same, and the other is another."""
    (doer, thing), (other_doer, other_thing) = _parts(claim, word), _parts(text, verb)
    if not (doer and thing and other_doer and other_thing) or not doer.isdisjoint(other_thing):
        return False
    # Of a list that is the subject, the verb's clause has the last.
    same_doer = _meet(doer | _before(word, claim), other_doer | _before(verb, text))
    same_thing = _meet(thing, other_thing)
    if same_doer:
        return not same_thing and thing <= known
    return same_thing


def _before(verb: Word, reading: Reading) -> Set[str]:
    """All that a sentence names before a verb in the active voice."""
    active = reading.voice(verb.place) == "active"
    return frozenset(word.base for word in reading.words if word.place < verb.place and active and not word.light)


def _meet(some: Set[str], others: Set[str]) -> bool:
    return any(alike(one, other) for one in some for other in others)


Parts = tuple[Set[str], Set[str]]


def _parts(reading: Reading, verb: Word) -> Parts:
    """Who does it, and to what, as far as the clause says; in the passive as in the active."""
    strong = [word for word in reading.words if word.segment == verb.segment and not word.light and word.number is None]
    before = frozenset(word.base for word in [word for word in strong if word.place < verb.place][-_ARGUMENT:])
    voice = reading.voice(verb.place)
    if voice == "active":
        return before, _phrase(reading, verb.place + 1)
    by = next((at for at in range(verb.place, len(reading.tokens)) if reading.tokens[at] in _BY), None)
    return (_phrase(reading, by + 1) if voice == "agent" and by is not None else frozenset()), before


def _phrase(reading: Reading, begin: int) -> Set[str]:
    """The words from here up to a preposition or the end of the clause."""
    ends = (at for at in range(begin, len(reading.tokens)) if reading.tokens[at] in CLAUSE_BORDERS | BEFORE_THINGS)
    end = next(ends, len(reading.tokens))
    return frozenset(
        word.base for word in reading.words if begin <= word.place < end and not word.light and word.number is None
    )
