"""What is known of English words: which are opposed, which mean the same, which are verbs, which forms are irregular.

The lists were made from WordNet, and nobody chose their words for a text. What textbooks say of direction, order and exchange
stands in `_AXES` beside them: WordNet opposes *rise* to *fall*, and does not tell that *decline* is a fall.
"""

import re
from collections import defaultdict
from functools import cache, lru_cache
from importlib.resources import files

from chat.terms import stem, word_set

# Two sides of one axis. Words of one side say alike, words of both sides the opposite.
_AXES = (
    ("increase rise raise grow climb high more greater large big expand strengthen up upward "
     "boost enhance add heighten enlarge improve strong dear maximise maximize growth gain",
     "decrease fall low lower reduce decline drop shrink remove eliminate diminish less fewer few small contract weaken down downward "
     "lessen sink worsen weak cheap minimise minimize reduction loss"),
    ("long", "short"),
    ("deep", "shallow"),
    ("hot warm heat", "cold cool"),
    ("often frequent frequently", "rare rarely seldom"),
    ("powerful strong", "weak powerless"),
    ("before earlier prior precede", "after later following follow afterwards"),
    ("fast quick rapid speed sped", "slow slows slowed"),
    ("enter", "leave exit"),
    ("into inward inside", "out outward outside"),
    ("inflow intake", "outflow output"),
    ("gain", "lose loss"),
    ("toward towards together approach attract converge back", "away apart repel diverge"),
    ("above over", "below beneath under underneath"),
    ("create form build make produce synthesise synthesize generate construct assemble anabolic",
     "destroy break dissolve demolish decompose degrade digest catabolic"),
    ("absorb accept receive consume import borrow", "release reflect emit donate give export lend secrete provide"),
    ("buyer customer", "seller supplier"),
    ("borrower debtor", "lender creditor"),
    ("demand", "supply"),
    ("consumer", "producer"),
    ("first begin start open initiate", "last end finish close terminate"),
    ("first-in", "last-in"),
    ("first-out", "last-out"),
    ("direct directly proportional", "inverse inversely indirect indirectly"),
    ("benefit help promote favour favor", "harm hurt damage prevent hinder inhibit"),
    ("support", "oppose"),
    ("allow permit enable", "forbid prohibit ban"),
    ("surplus", "shortage"),
    ("appreciate", "depreciate"),
    ("contract", "relax"),
    ("innate inborn", "learned acquired"),
    ("permanent", "temporary"),
    ("oxidise oxidize oxidation", "reduce reduction"),
    ("heavy", "light"),
    ("old", "young new"),
    ("expensive costly dear", "cheap"),
    ("always every all", "never"),
    ("most mostly mainly usually", "least rarely seldom"),
    ("positive", "negative"),
    ("keep keeps retain maintain conserve preserve", "lose change"),
    ("good better best", "bad worse worst"),
    ("easy easier", "hard harder difficult"),
    ("rich", "poor"),
    ("loud", "quiet soft"),
    ("same identical identically equal alike", "different differently unequal distinct"),
    ("thick", "thin"),
    ("dominant", "recessive"),
    ("single", "double multiple several many numerous"),
    ("double", "halve half"),
    ("involuntary automatic reflexive", "voluntary deliberate conscious"),
    ("complete completely fully whole wholly entire entirely", "partly partially partial incomplete incompletely"),
)  # fmt: skip
_CHANGE = 0  # the first axis
_MEASURES = (
    "large",
    "long",
    "deep",
    "hot",
    "thick",
    "fast",
    "heavy",
    "old",
    "costly",
)  # on the side of the greater number
# What one quantity may be measured in.
_UNITS = (
    "nanosecond=ns microsecond millisecond=ms second=sec minute=min hour day week month year=yr decade century millennium",
    "nanometre=nanometer=nm micrometre=micrometer millimetre=millimeter=mm centimetre=centimeter=cm metre=meter "
    "kilometre=kilometer=km inch foot mile",
    "milligram=mg gram kilogram=kg tonne ton ounce pound",
    "millilitre=milliliter=ml litre=liter gallon",
    "bit byte kilobyte=kb megabyte=mb gigabyte=gb terabyte=tb",
    "bc=bce ad=ce",
    "celsius fahrenheit kelvin",
)
# *Overthrew* goes as *threw* does.
_BEFORE_IRREGULAR = ("over", "under", "out", "with", "fore", "mis")
# Adjectives by the list, and verbs wherever they have the ending of one.
_MAKES_SO = word_set("cool slow warm dry clean clear empty narrow calm tame speed double halve half")
# What textbooks say is done, and the list leaves out as too rare.
_ALSO_VERBS = word_set(
    """assassinate catalyse colonise encode fertilise hydrolyse inhibit murder oxidise parasitise phosphorylate pollinate refract
    replicate secrete subsidise synthesise"""
)
_PREFIXES = (("hyper", "hypo"), ("endo", "exo"), ("intra", "inter"), ("intra", "extra"), ("pre", "post"), ("over", "under"),
             ("macro", "micro"), ("mono", "poly"), ("homo", "hetero"), ("con", "di"), ("anti", "pro"), ("ex", "im"),
             ("ex", "in"), ("in-", "out-"), ("up", "down"), ("uni", "multi"), ("super", "sub"))  # fmt: skip
_DENYING_END, _HAVING_END = "less", "ful"
_SHORTEST_REST = 4
_SHORTEST_COMPARED = 3
IRREGULAR_FORMS = dict(pair.split(":") for pair in ["goes:go", "does:do", "lowers:low", "lowered:low", "lowering:low", "rose:rise", "risen:rise", "fell:fall", "fallen:fall", "made:make", "gave:give", "given:give", "grew:grow", "grown:grow", "broke:break", "broken:break", "brought:bring", "paid:pay", "lost:lose", "shrank:shrink", "shrunk:shrink", "left:leave", "met:meet", "held:hold", "took:take", "taken:take", "became:become", "began:begin", "begun:begin", "rang:ring", "rung:ring", "fed:feed", "knew:know", "known:know", "drove:drive", "driven:drive", "sank:sink", "sunk:sink", "built:build", "bought:buy", "sold:sell", "sent:send", "spent:spend", "lent:lend", "kept:keep", "led:lead", "found:find", "came:come", "went:go", "gone:go", "saw:see", "seen:see", "wrote:write", "written:write", "spoke:speak", "spoken:speak", "chose:choose", "chosen:choose", "froze:freeze", "frozen:freeze", "threw:throw", "thrown:throw", "flew:fly", "flown:fly", "drew:draw", "drawn:draw", "won:win", "fought:fight", "taught:teach", "thought:think", "caught:catch", "shot:shoot", "bound:bind", "wound:wind", "stood:stand", "understood:understand", "said:say", "meant:mean", "told:tell", "felt:feel", "ran:run", "stole:steal", "stolen:steal", "swam:swim", "bore:bear", "borne:bear", "wore:wear", "worn:wear", "tore:tear", "torn:tear", "hid:hide", "hidden:hide", "sought:seek", "dealt:deal", "sat:sit", "lay:lie", "shook:shake", "shaken:shake", "ate:eat", "eaten:eat", "drank:drink", "woke:wake", "struck:strike", "sped:speed", "slid:slide", "stuck:stick", "swollen:swell", "melted:melt", "dying:die", "lying:lie", "tying:tie", "men:man", "women:woman", "children:child", "feet:foot", "teeth:tooth", "mice:mouse", "people:person", "nuclei:nucleus", "stimuli:stimulus", "bacteria:bacterium", "phenomena:phenomenon", "criteria:criterion", "analyses:analysis", "crises:crisis", "hypotheses:hypothesis", "axes:axis", "indices:index", "data:datum", "media:medium", "mitochondria:mitochondrion", "species:species", "wives:wife", "halves:half", "likelier:likely", "likeliest:likely", "costlier:costly", "heavier:heavy", "dearer:dear"])  # fmt: skip


@lru_cache(maxsize=50_000)
def base(word: str) -> str:
    """What the forms of a word share, irregular ones and comparatives too."""
    return stem(IRREGULAR_FORMS.get(word) or _prefixed(word) or _positive(word) or word)


def _prefixed(word: str) -> str | None:
    """The first form of an irregular verb behind a prefix."""
    for prefix in _BEFORE_IRREGULAR:
        if word.startswith(prefix) and (first := IRREGULAR_FORMS.get(word.removeprefix(prefix))):
            return prefix + first
    return None


def _positive(word: str) -> str | None:
    """What a comparative or superlative compares: *loud* for *louder*. Only of words that have an opposite."""
    rest = word.removesuffix("er") if word.endswith("er") else word.removesuffix("est")
    if rest == word or len(rest) < _SHORTEST_COMPARED:
        return None
    forms = (rest, f"{rest}e", rest[:-1] if rest[-1] == rest[-2] else "", f"{rest[:-1]}y" if rest[-1] == "i" else "")
    return next((form for form in forms if form in _adjectives()), None)


@lru_cache(maxsize=100_000)
def opposed(one: str, other: str) -> bool:
    """Whether two bases say the opposite of each other."""
    if one == other:
        return False
    axes, sides = _sides(one), _sides(other)
    if any(axes[axis] != sides[axis] for axis in axes.keys() & sides.keys()):
        return not any(axes[axis] == sides[axis] for axis in axes.keys() & sides.keys())
    return other in _opposites().get(one, ()) or _opposed_by_prefix(one, other)


@lru_cache(maxsize=100_000)
def alike(one: str, other: str) -> bool:
    """Whether two bases may say the same."""
    if one == other:
        return True
    axes, sides = _sides(one), _sides(other)
    if any(axes[axis] == sides[axis] for axis in axes.keys() & sides.keys()):
        return True
    return bool(_classes().get(one, _NONE) & _classes().get(other, _NONE))


def directs(one: str) -> bool:
    """Whether the base says that something grows or falls."""
    return _CHANGE in _sides(one)


def reaches(one: str) -> int | None:
    """Whether the base says of a number that it is great (1) or small (-1); None where it says neither."""
    ours = _sides(one)
    ways = (ours[axis] == side for great in _MEASURES for axis, side in _sides(base(great)).items() if axis in ours)
    return next((1 if great else -1 for great in ways), None)


def measured_otherwise(one: str, other: str) -> bool:
    """Whether two bases are units of the same quantity, and not the same."""
    ours, theirs = _quantities().get(one), _quantities().get(other)
    return ours is not None and theirs is not None and ours != theirs and ours[0] == theirs[0]


def is_irregular(word: str) -> bool:
    """Whether a word is a form that no rule gives."""
    return word in IRREGULAR_FORMS or _prefixed(word) is not None


def is_verb(word: str) -> bool:
    """Whether a word, in any of its forms, is a verb more often than anything else."""
    known = base(word)
    return known in _verbs() or (known != word and word.endswith(("s", "ed")) and known in _makes_so())


def is_another(said: str, meant: str) -> bool:
    """Whether a word that is spelt nearly as another is one of its own: an *alkane* is no misspelt *alkene*."""
    one, other = _spellings(said), _spellings(meant)
    return bool(one) and one.isdisjoint(other)


def polar(one: str) -> bool:
    """Whether the lists have an opposite of the base."""
    return bool(_sides(one)) or one in _opposites()


_NONE: frozenset[int] = frozenset()


def _read(name: str) -> list[str]:
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return [entry for line in text.splitlines() if not line.startswith("#") for entry in line.split()]


@cache
def _adjectives() -> frozenset[str]:
    return frozenset(word for pair in _read("opposites.txt") for word in pair.split("/"))


@cache
def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for pair in _read("opposites.txt"):
        one, other = map(base, pair.split("/"))
        if one != other and "est/" not in pair and not pair.endswith("est"):
            found[one].add(other)
            found[other].add(one)
    return {word: frozenset(others) for word, others in found.items()}


@cache
def _classes() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for number, members in enumerate(_read("synonyms.txt")):
        for member in members.split("="):
            found[base(member)].add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


@cache
def _verbs() -> frozenset[str]:
    return frozenset(map(base, [*_read("verbs.txt"), *_ALSO_VERBS]))


@cache
def _makes_so() -> frozenset[str]:
    return frozenset(map(base, _MAKES_SO))


@cache
def _quantities() -> dict[str, tuple[int, int]]:
    """What a unit measures, and which of that quantity's units it is, whatever its name."""
    units = ((number, at, names) for number, listed in enumerate(_UNITS) for at, names in enumerate(listed.split()))
    return {base(name): (number, at) for number, at, names in units for name in names.split("=")}


@cache
def _axes() -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for axis, sides in enumerate(_AXES):
        for side, listed in enumerate(sides):
            for word in word_set(listed):
                found[base(word)][axis] = side
    return dict(found)


@cache
def _near_misses() -> dict[str, int]:
    entries = enumerate(_read("near_misses.txt"))
    return {spelling: number for number, joined in entries for spelling in joined.split("=")}


def _spellings(word: str) -> frozenset[int]:
    """The words that it may be, whatever its number."""
    singular = {word, word.removesuffix("s"), word.removesuffix("es"), re.sub(r"ies$", "y", word)}
    return frozenset(_near_misses()[form] for form in singular if form in _near_misses())


def _sides(word: str) -> dict[int, int]:
    return _axes().get(word, {})


def _opposed_by_prefix(one: str, other: str) -> bool:
    return denies(one, other) or any(_differ(one, other, *pair) or _differ(other, one, *pair) for pair in _PREFIXES)


@lru_cache(maxsize=100_000)
def denies(one: str, other: str) -> bool:
    """Whether one of two bases is the other with *un-*, *non-* or *-less*."""
    pairs = ((one, other), (other, one))
    return any(_without(*pair) or _differ(*pair, "non", "") or _differ(*pair, "un", "") for pair in pairs)


def _without(one: str, other: str) -> bool:
    """*Connectionless* is opposed to *connection*, *harmless* to *harmful*."""
    root = one.removesuffix(_DENYING_END)
    return root != one and len(root) >= _SHORTEST_REST and other in (root, root + _HAVING_END)


def _differ(one: str, other: str, prefix: str, opposite: str) -> bool:
    rest = one.removeprefix(prefix)
    return one.startswith(prefix) and len(rest) >= _SHORTEST_REST and other == opposite + rest
