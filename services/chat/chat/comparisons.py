"""What is compared with what: *than* in a claim or in the text, and two numbers of which one is the greater."""

from collections.abc import Iterator, Sequence, Set
from itertools import permutations

from chat.lexicon import opposed, polar, reaches
from chat.wording import PREPOSITIONS, Reading, Word

THAN = "than"
_DEGREES = frozenset(("more", "less", "fewer", "worse", "better"))
_BASES = frozenset(
    (
        "than",
        "compared",
        "whereas",
        "while",
        "unlike",
        "more",
        "most",
        "less",
        "least",
        "fewer",
        "both",
        "equal",
        "same",
    )
)


def incomparable(claim: Reading, text: Reading, unsaid: Sequence[Word]) -> bool:
    """Whether a claim compares what the text does not, or by something that stands there in no words: it is among the `unsaid`."""
    head = _head(claim)
    if head is None or counted(claim, text) is not None:
        return False
    return not _tells_of_both(text) or (THAN in text.tokens and head in unsaid)


def _tells_of_both(text: Reading) -> bool:
    """Whether a text says anything that one could compare by."""
    if not _BASES.isdisjoint(text.tokens) or any(map(_grades, text.words)):
        return True
    return any(opposed(one.base, other.base) for one in text.words for other in text.words)


def counted(claim: Reading, text: Reading) -> tuple[Word, str | None] | None:
    """The word of the claim that two numbers of the text bear out, or with them what speaks against it.

    "UDP needs 8 bytes, TCP 20" says that the header of TCP is the longer one. None where numbers do not tell.
    """
    head = _head(claim)
    way = reaches(head.base) if head else None
    if head is None or way is None:
        return None
    left = {word.base for word in claim.words if word.place < head.place}
    right = {word.base for word in claim.words if word.place > claim.tokens.index(THAN)}
    for (one, here), (other, there) in permutations(_counts(text), 2):
        ours, theirs = _bases(one) - _bases(other), _bases(other) - _bases(one)
        told_apart = left & ours and right & theirs and not left & theirs and not right & ours
        more, less = min(here) > max(there), max(here) < min(there)
        if told_apart and (more or less):
            return head, None if more is (way > 0) else f"{min(here):g} / {max(there):g}"
    return None


def across(claim: Reading, text: Reading) -> str | None:
    """Whether the text says what is claimed of one side of its *than* about the other one."""
    head = _head(text)
    if head is None or THAN in claim.tokens:
        return None
    at = text.tokens.index(THAN)
    left = {word.base for word in text.words if word.place < head.place and word.segment == head.segment}
    behind = [word for word in text.words if word.place > at]
    right = {word.base for word in behind if word.segment == behind[0].segment}
    if (preposition := next(iter(text.tokens[at + 1 :]), "")) in PREPOSITIONS and preposition in text.tokens[
        : head.place
    ]:
        place = text.tokens.index(preposition)  # "in towns it spreads faster than in the countryside"
        left = {next(word.base for word in text.words if word.place > place)}
    takes_the_right, takes_the_left = (right - left) & claim.bases, (left - right) & claim.bases
    return f"other side of {THAN!r}" if takes_the_right and not takes_the_left else None


def _head(reading: Reading) -> Word | None:
    """The word of degree before *than*."""
    if THAN not in reading.tokens:
        return None
    before = [word for word in reading.words if word.place < reading.tokens.index(THAN)]
    return next((word for word in reversed(before) if _grades(word)), None)


def _grades(word: Word) -> bool:
    return word.text in _DEGREES or (word.text.endswith("er") and word.base != word.text and polar(word.base))


def _counts(text: Reading) -> Iterator[tuple[Sequence[Word], Set[float]]]:
    """The pieces that count the same thing, each with its numbers."""
    counting: dict[str, list[tuple[Sequence[Word], Set[float]]]] = {}
    for piece in text.pieces():
        numbers = [at for at, word in enumerate(piece) if word.number is not None]
        if numbers and numbers[-1] + 1 < len(piece):
            unit = piece[numbers[-1] + 1].base
            said = {number for at in numbers if (number := piece[at].number) is not None}
            counting.setdefault(unit, []).append((piece, said))
    for pieces in counting.values():
        if len(pieces) == 2:
            yield from pieces


def _bases(piece: Sequence[Word]) -> frozenset[str]:
    return frozenset(word.base for word in piece if word.number is None)
