"""How a claim lies against what a text says: which of its words stand there, and where the two say the opposite.

Two texts about the same thing contradict each other by few means: one denies, the words are opposed, a number differs, two roles
are exchanged. Each is counted in the piece of the claim where it stands: twice in one piece is agreement again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from operator import and_

from chat.comparisons import THAN, across, counted
from chat.lexicon import alike, base, directs, is_verb, measured_otherwise, opposed
from chat.roles import exchanged
from chat.terms import word_set
from chat.wording import LIGHT, PREPOSITIONS, PRONOUN, Reading, Word, depends, goes_along

_PRONOUNS = frozenset(("it", "them", "one", "ones"))
_TURNING = frozenset(map(base, word_set("turn convert transform change make break divide split develop")))
_PARTICLES = frozenset(("up", "down"))
_CONTRASTS = frozenset(("whereas", "while", "but", ";"))
_TANGLED = 3
NOT, UNLIKE = "not", "unlike"
_DEGREES = frozenset(("more", "most", "less", "least"))
_LESS = ("less", "least")
_TO, _FROM = ("to", "into", "toward", "towards", "onto"), ("from", "off")
_NEAR = 3
_NEXT_PIECE = 0.1
_BEHIND = 1.3  # what a verb or an adverb is about follows it more often
_MOST_DIRECTIONS = 4
_FEWEST_LITERAL = 4
_YEARS = range(1000, 2101)
Weigh = Callable[[Word], float]


@dataclass(slots=True)
class Alignment:
    """`coverage` is the share of the claim's weight that stands in the text, the opposite of a word included.

    `twists` are the pieces of the claim in which the two say the opposite of each other, with the words that do it.
    """

    coverage: float
    matched: dict[int, Word] = field(default_factory=dict)
    contrary: dict[int, Word] = field(default_factory=dict)  # those of the matched that say the opposite
    missing: list[Word] = field(default_factory=list)
    twists: list[str] = field(default_factory=list)
    misnumbered: bool = False  # one of the twists is another number
    literal: bool = False  # the claim stands in the text, word for word
    short: bool = False  # for all the words that stand there, the text does not bear the claim out

    def denies(self, claim: Reading) -> bool:
        """Whether the claim denies what the text, there, does not."""
        pairs = ((word, self.matched[word.place]) for word in claim.words if word.place in self.matched)
        return any(word.negated and not match.negated for word, match in pairs)

    def holds(self, word: Word) -> bool:
        """Whether the claim speaks of this word of the text."""
        return word in self.matched.values()


def align(claim: Reading, text: Reading, weigh: Weigh) -> Alignment:
    """Lay the claim against the text."""
    found = Alignment(0.0)
    order = exchanged(claim, text)
    for word in claim.words:
        same, other = _counterparts(word, claim, text, searched=not order)
        if other is not None:
            found.contrary[word.place] = other
        if (match := other or same) is not None:
            found.matched[word.place] = match
        else:
            found.missing.append(word)
    _share_out(claim, text, found)
    number = counted(claim, text)
    if number is not None and (borne_out := number[0]) in found.missing:
        found.missing.remove(borne_out)
        found.matched[borne_out.place] = borne_out
    found.literal = _stands_in(claim, text)
    total = sum(map(weigh, claim.words))
    held = sum(weigh(word) for word in claim.words if word.place in found.matched)
    found.coverage = held / total if total else 0.0
    _find_twists(claim, text, found, order or across(claim, text))
    if number is not None:
        found.twists = [number[1]] if number[1] is not None else []
    if found.literal:
        found.twists = []
    return found


def _stands_in(claim: Reading, text: Reading) -> bool:
    """Whether the claim is a part of the text, word for word, and not of what that denies."""
    length = len(claim.tokens)
    if length < _FEWEST_LITERAL:
        return False
    for at in range(len(text.tokens) - length + 1):
        if text.tokens[at] == claim.tokens[0] and text.tokens[at : at + length] == claim.tokens:
            said = [word.negated for word in text.words if at <= word.place < at + length]
            return said == [word.negated for word in claim.words]
    return False


def _share_out(claim: Reading, text: Reading, found: Alignment) -> None:
    """Give each direction of the claim the nearest of the text's, and as many of them as there are their own.

    "Lower rates increase investment" is said by "rates rise, investment falls": each where it lies nearest.
    """
    mine = [word for word in claim.words if _grows(word) and word.place in found.matched][:_MOST_DIRECTIONS]
    theirs = [other for other in text.words if _grows(other)][:_MOST_DIRECTIONS]
    if not theirs or len({found.matched[word.place].place for word in mine}) == len(mine):
        return
    sides, others = [_around(word, claim) for word in mine], [_around(other, text) for other in theirs]
    nearness = [[_shared(side, other) for other in others] for side in sides]
    most = min(len(mine), len(theirs))
    shares = (share for share in product(range(len(theirs)), repeat=len(mine)) if len(set(share)) == most)
    best = max(shares, key=lambda share: sum(row[at] for row, at in zip(nearness, share, strict=True)))
    for word, other in zip(mine, (theirs[at] for at in best), strict=True):
        found.matched[word.place] = other
        found.contrary.pop(word.place, None)
        if opposed(word.base, other.base):
            found.contrary[word.place] = other
    for word in mine:  # "what is too high makes firms hire fewer": what *fewer* says is not the opposite of *high*
        match = found.matched[word.place]
        if word.place in found.contrary and any(
            found.matched.get(one.place) is match and one.place not in found.contrary for one in mine
        ):
            del found.matched[word.place], found.contrary[word.place]
            found.missing.append(word)


def _grows(word: Word) -> bool:
    """Whether a word tells a direction by itself, as no particle does."""
    return directs(word.base) and word.text not in PREPOSITIONS | _PARTICLES


def _find_twists(claim: Reading, text: Reading, found: Alignment, order: str | None) -> None:
    ways: list[str] = []  # twists that are a direction and no more
    kinds: list[str] = []  # twists that are another opposition and no more
    for segment in sorted({word.segment for word in claim.words}):
        words = [word for word in claim.words if word.segment == segment and word.place in found.matched]
        contrary = [(word, found.contrary[word.place]) for word in words if word.place in found.contrary]
        reasons = _reasons(words, claim, text, found)
        if order and segment == claim.words[0].segment:
            reasons.append(order)
        turned = (_turned(word, found.matched[word.place], claim, text) for word in words)
        if not reasons and (way := next(filter(None, turned), None)):
            reasons.append(way)
        # Another number is wrong whatever else is turned round.
        numbers = [f"{word.text} / {other.text}" for word, other in contrary if word.number is not None]
        found.misnumbered |= bool(numbers)
        attributes = [
            word for word, other in contrary if word.number is None and not (directs(word.base) or directs(other.base))
        ]
        if len(reasons) >= _TANGLED and not numbers:
            found.short = True  # too much is turned to tell
        elif numbers or len(reasons) % 2 or len(attributes) == len(reasons) > 0:
            found.twists.append(", ".join([*reasons, *numbers]))
            if len(contrary) == len(reasons) and not numbers:
                (kinds if attributes else ways).append(found.twists[-1])
    _take_together(claim, found, ways, kinds)


def _take_together(claim: Reading, found: Alignment, ways: Sequence[str], kinds: Sequence[str]) -> None:
    """Of twists in two clauses, of which one depends on the other, one takes the other back."""
    nots = found.twists.count(NOT)
    if nots and nots % 2 == 0 and depends(claim):
        # "Who does not look for work is not counted", and who does is: the text does not say that he is, nor that he is not.
        found.twists = [twist for twist in found.twists if twist != NOT]
        found.short = True
    turned = [*ways, *kinds]
    if len(turned) % 2 == 0 and goes_along(claim):
        # "When income falls, demand falls": with the condition all turns round that goes along with it.
        found.twists = [twist for twist in found.twists if twist not in turned]
        found.short |= bool(kinds)  # what is so when it is dry need not be the other way when it is wet


def _reasons(words: Sequence[Word], claim: Reading, text: Reading, found: Alignment) -> list[str]:
    """By what a piece of the claim, of which these words stand in the text, says the opposite of it."""
    pairs = [(word, found.matched[word.place]) for word in words]
    reasons = [f"{word.text} / {o.text}" for word, o in pairs if word.place in found.contrary and word.number is None]
    lifted = _lifted(claim, found)
    if _denies(pairs, mine=not lifted[0], theirs=not lifted[1]):
        # "Who does not look is not counted" says nothing of who does.
        twice = len({match.denial for _, match in pairs if match.denied}) == 2
        elsewhere = not reasons and _denied_of_another(pairs, text)
        found.short |= twice or elsewhere
        reasons += [] if twice or elsewhere else [NOT]
    apart = any(match.apart for match in found.matched.values()) and THAN not in claim.tokens
    return [*reasons, UNLIKE] if apart and any(word.apart != match.apart for word, match in pairs) else reasons


def _turned(word: Word, match: Word, claim: Reading, text: Reading) -> str | None:
    """Whether one side says *to* it and the other *from* it."""
    home = {other.segment for other in text.words if other.base == _subject(claim)}
    if home and match.segment not in home:
        return None
    mine, theirs = _way(word, claim), [_way(other, text) for other in text.words if other.base == match.base]
    ours = [_way(other, claim) for other in claim.words if other.base == word.base]
    for here, there in ((_TO, _FROM), (_FROM, _TO)):
        both = any(way in here for way in theirs) or any(way in there for way in ours)
        if mine in here and _way(match, text) in there and not both:
            return f"{mine} / {_way(match, text)} {match.text}"
    return None


def _way(word: Word, reading: Reading) -> str | None:
    """The preposition that a noun stands behind, a few words between. In "to burn it" there is none."""
    for place in range(word.place - 1, max(0, word.place - 1 - _NEAR) - 1, -1):
        if reading.tokens[place] in PREPOSITIONS:
            return reading.tokens[place] if not is_verb(reading.tokens[place + 1]) else None
    return None


def _lifted(claim: Reading, found: Alignment) -> tuple[bool, bool]:
    """Whether the claim's denial is taken back by an exception that both speak of, and the text's.

    "It cannot live without water" says that it lives with water, and nothing else.
    """
    mine, theirs = {word.place for word in claim.words if word.excepted}, found.matched.values()
    return not mine.isdisjoint(found.matched), any(match.excepted for match in theirs)


def _denied_of_another(pairs: Sequence[tuple[Word, Word]], text: Reading) -> bool:
    """Whether a claim denies of one thing what a clause of the text says of another: that fungi make food, as plants do."""
    about = next((match for word, match in pairs if not word.light and not word.negated), None)
    denied = [match for word, match in pairs if word.denied]
    if about is None or not denied:
        return False
    first, last = sorted((about.place, denied[0].place))
    apart = text.segments(about.base).isdisjoint(text.segments(denied[0].base))
    return apart and not _CONTRASTS.isdisjoint(text.tokens[first:last])


def _denies(pairs: Sequence[tuple[Word, Word]], *, mine: bool, theirs: bool) -> bool:
    """Whether one side denies what the other says. What is denied has to be spoken of on the other side.

    `mine` and `theirs`: whether the denials of the claim and of the text count.
    """
    ours, others = [word.negated and mine for word, _ in pairs], [match.negated and theirs for _, match in pairs]
    if any(map(and_, ours, others)):
        return False
    here = any(word.denied for (word, _), denies in zip(pairs, ours, strict=True) if denies)
    there = any(match.denied for (_, match), denies in zip(pairs, others, strict=True) if denies)
    # Where both deny, they may deny the same in different words; or each what the other says.
    return (here and there) if any(ours) and any(others) else (here or there)


def _counterparts(word: Word, claim: Reading, text: Reading, *, searched: bool) -> tuple[Word | None, Word | None]:
    """The word of the text that says the same, or the one that says the opposite where that lies nearer."""
    around = _around(word, claim)

    def nearness(other: Word) -> float:
        return _shared(around, _around(other, text))

    if word.number is not None:
        return _number_counterparts(word, claim, text, nearness)
    if (lesser := _compared_downwards(word, claim, text)) is not None:
        return None, lesser
    exact = [other for other in text.words if other.base == word.base]
    same = exact + [o for o in text.words if o.base != word.base and alike(word.base, o.base) and _free(o, claim, text)]
    nearest = max(exact or same, key=nearness, default=None)
    if word.base in LIGHT or (exact and not searched):
        return nearest, None
    opposing = _opposing(word, same, claim, text)
    if _compares(word) and any(map(_compares, same + opposing)):
        # The opposite of "a smaller one" is a larger one, whatever else is small.
        same, opposing = list(filter(_compares, same)), list(filter(_compares, opposing))
        nearest = max(same, key=nearness, default=None)
    if any(_stands_for_more(other, claim, text) for other in exact):
        return nearest, None
    contrary = max(opposing, key=nearness, default=None)
    if contrary is not None and (
        nearest is None or _shared(around, _around(contrary, text, PRONOUN)) > max(map(nearness, same))
    ):
        return None, contrary
    return nearest, None


def _opposing(word: Word, same: Sequence[Word], claim: Reading, text: Reading) -> list[Word]:
    """The words of the text that may say the opposite of one of the claim; `same` are those that say the same."""
    if _tells_result(word, claim):
        return []
    exact = [other for other in same if other.base == word.base]
    pieces = {other.segment for other in same}
    found = [
        o for o in text.words if o.segment not in pieces and opposed(word.base, o.base) and not _tells_result(o, text)
    ]
    if word.text not in _DEGREES:
        found = [other for other in found if not _grades_next(other, text)]
    found = [other for other in found if not any(_coordinated(other, one, text) for one in exact)]
    # "A big surface of the small intestine" is said of a large one, and "the left wall is thicker than the right one" of both.
    if (same and not exact) or (exact and THAN in claim.tokens and not directs(word.base)):
        found = [other for other in found if other.base not in claim.bases]
    return found


def _compares(word: Word) -> bool:
    return word.text.endswith("er") and word.base != word.text


def _grades_next(word: Word, reading: Reading) -> bool:
    """Whether it is *more* of the next word: "more slowly" is not opposed to *low*."""
    return word.text in _DEGREES and "".join(reading.tokens[word.place + 1 : word.place + 2]).endswith("ly")


def _tells_result(word: Word, reading: Reading) -> bool:
    """Whether an *into* says what something becomes, not where it goes: "they turn water into oxygen, and oxygen comes out"."""
    before = (other.base for other in reading.words if other.place < word.place)
    return word.text == "into" and not _TURNING.isdisjoint(before)


def _coordinated(one: Word, other: Word, text: Reading) -> bool:
    """Whether the text says something of both: "the supply and demand curves"."""
    between = text.tokens[min(one.place, other.place) + 1 : max(one.place, other.place)]
    return len(between) == 1 and between[0] in ("and", "or", "nor")


def _stands_for_more(word: Word, claim: Reading, text: Reading) -> bool:
    """Whether a piece of the text says in a pronoun what the claim, which begins with the same, says in full: "veins carry it back"."""
    piece = [other for other in text.words if other.segment == word.segment]
    return piece[0].base == _subject(claim) and points_back(piece, text)


def points_back(piece: Sequence[Word], text: Reading) -> bool:
    """Whether a pronoun stands in a piece of the text, or behind its last word."""
    return not _PRONOUNS.isdisjoint(text.tokens[piece[0].place : piece[-1].place + 2])


def _subject(claim: Reading) -> str | None:
    """What the claim begins with."""
    return next((word.base for word in claim.words if not word.light), None)


def _compared_downwards(word: Word, claim: Reading, text: Reading) -> Word | None:
    """What *denser* is opposed to in "less dense", and the other way round."""
    for other in text.words:
        more, less, reading = (word, other, text) if len(word.text) > len(other.text) else (other, word, claim)
        grown = more.text in (f"{less.text}er", f"{less.text}r", f"{less.text[:-1]}ier")
        if grown and less.place and reading.tokens[less.place - 1] in _LESS:
            return other
    return None


def _free(other: Word, claim: Reading, text: Reading) -> bool:
    """Whether a word of the text is not needed as the counterpart of the same word in the claim."""
    needed = sum(word.base == other.base for word in claim.words)
    return needed < sum(word.base == other.base for word in text.words)


def _around(word: Word, reading: Reading, but: str | None = None) -> dict[str, float]:
    """What stands beside a word in its piece of the sentence, where what is nearer weighs more; a little also the pieces next to it."""
    beside = [other for other in reading.words if other.segment == word.segment and other.text != but]
    at = beside.index(word)
    near = {other.base: _NEXT_PIECE for other in reading.words if abs(other.segment - word.segment) == 1}
    for distance in range(1, _NEAR + 1):
        for place, weight in ((at - distance, 1.0), (at + distance, _BEHIND)):
            if 0 <= place < len(beside):
                near[beside[place].base] = max(near.get(beside[place].base, 0.0), weight / distance)
    return near


def _shared(one: dict[str, float], other: dict[str, float]) -> float:
    return sum(min(weight, other[base]) for base, weight in one.items() if base in other)


def _number_counterparts(
    word: Word, claim: Reading, text: Reading, nearness: Callable[[Word], float]
) -> tuple[Word | None, Word | None]:
    def closeness(other: Word) -> tuple[int, float, int]:
        """First by how much of the claim stands in the piece: days and months stand between a year and what happened in it.

        Last by how near the rest of the claim is: "a dyad, or two-member group, and a triad, which is a three-member group".
        """
        said = [one for one in text.words if one.number is None and one.base in claim.bases]
        piece = {one.base for one in said if one.segment == other.segment}
        gaps = [abs(one.place - other.place) for one in said if one.base not in piece]
        return len(piece), nearness(other), -min(gaps, default=0)

    numbers = [other for other in text.words if other.number is not None]
    said, unit = {other.number for other in claim.words}, _unit(word, claim) or ""
    alike_in_figures = [other for other in numbers if other.number == word.number]
    elsewise = [o for o in alike_in_figures if measured_otherwise(unit, _unit(o, text) or "")]
    equal = max((o for o in alike_in_figures if o not in elsewise), key=closeness, default=None)
    rivals = [o for o in numbers if unit and _unit(o, text) == unit and o.number not in said] + elsewise
    rival = max(rivals, key=closeness, default=None)
    if equal is not None and (rival is None or rival.segment == equal.segment or closeness(rival) <= closeness(equal)):
        return equal, None
    return None, rival


def _unit(word: Word, reading: Reading) -> str | None:
    """What is counted: the word behind the number. Years are of one kind."""
    if word.number in _YEARS and "." not in word.text and "," not in word.text and len(word.text) == 4:
        return "year"
    after = next((o for o in reading.words if o.place > word.place and o.segment == word.segment), None)
    return after.base if after is not None and after.number is None and after.place - word.place <= 2 else None
