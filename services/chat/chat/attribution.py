"""Of what something is said: whether a claim takes what it is about from one clause, and what it says of it from another."""

from collections.abc import Sequence, Set
from itertools import pairwise

from chat.alignment import Alignment, points_back
from chat.comparisons import THAN
from chat.lexicon import alike, opposed
from chat.wording import CLAUSE_BORDERS, PREPOSITIONS, Reading, Word, is_noun

_CONTRASTS = frozenset(("whereas", "while", "but", ";"))
_COORDINATES = _CONTRASTS | {"and"}
_LONGEST_LEAD, _LEAD_WITHOUT_VERB = 4, 3
_SUBJECTS = frozenset(("it", "they", "he", "she"))
_BE = frozenset(("is", "are", "was", "were", "has", "have", "had", "can", "may", "must", "do", "does", "did", "will"))


def leading(reading: Reading) -> list[Word]:
    """The words before the first verb: what a sentence is about, and where or when."""
    verbs = [word.place for word in reading.words[1:] if reading.acts(word)]
    auxiliaries = [place for place, token in enumerate(reading.tokens) if token in _BE]
    if not verbs and not auxiliaries:
        return list(reading.words[:_LEAD_WITHOUT_VERB])
    first = min([*verbs, *auxiliaries])
    return [word for word in reading.words if word.place < first][:_LONGEST_LEAD]


def torn(claim: Reading, lead: Sequence[Word], alignment: Alignment, text: Reading) -> Sequence[Word]:
    """The later of two clauses, where the claim takes what it is about from one and what it says of it from the other.

    Both say something of their own: "the nobility paid no taxes, while the third estate carried the burden" does not say that the
    third estate paid none.
    """
    named = [word for word in lead if word.place in alignment.matched and not word.light]
    # *Commodity money* and *fiat money* are told apart by what only one of the clauses has.
    subject = [word for word in named if len(text.segments(alignment.matched[word.place].base)) == 1][-1:] or named[-1:]
    about = {alignment.matched[word.place] for word in subject}
    said = _said(claim, lead, alignment, text)
    pieces, others = {word.segment for word in about}, {word.segment for word in said}
    if len(pieces) != 1 or not others or pieces & others:
        return ()
    home, foreign = (
        text.piece(min(pieces)),
        text.piece(max(others, key=lambda n: sum(w.segment == n for w in said))),
    )
    later = max(home, foreign, key=lambda piece: piece[0].place)
    if later is home and points_back(home, text) and not _says_another(home, alignment, text):
        return ()  # "arteries carry blood from the heart, while veins carry it back" names the blood in both
    if not _COORDINATES.intersection(_joint(text, later)) or not _predicates(home, text):
        return ()
    if later is home:
        return later if any(match.base == home[0].base for match in alignment.matched.values()) else ()
    return later if foreign[0] not in said and _has_own_subject(foreign, text) else ()


def _said(claim: Reading, lead: Sequence[Word], alignment: Alignment, text: Reading) -> Set[Word]:
    """What the text has of the claim's first clause, behind what that is about.

    What stands in two clauses of the text does not tell of which it is said; where things are compared, both are spoken of.
    """
    clause = lead[-1].segment if lead else 0
    beside = [word for word in claim.words if word.segment == clause and word not in lead]
    said = {alignment.matched[word.place] for word in beside if word.place in alignment.matched}
    strong = {word for word in said if not word.light}
    if THAN in claim.tokens:
        return strong
    telling = {word for word in said if len(text.segments(word.base)) == 1}
    return telling & strong or telling


def _has_own_subject(piece: Sequence[Word], text: Reading) -> bool:
    """Whether a clause says of whom it speaks: not "but have no effect", nor "there it takes up water"."""
    begins = next(at + 1 for at in range(piece[0].place - 1, -2, -1) if at < 0 or text.tokens[at] in CLAUSE_BORDERS)
    said = text.tokens[begins : piece[-1].place + 1]
    return said[0] not in _BE and not text.acts(piece[0]) and _SUBJECTS.isdisjoint(said)


def _says_another(home: Sequence[Word], alignment: Alignment, text: Reading) -> bool:
    """Whether a clause has a verb, and the claim none that says the same or the opposite."""
    verbs, said = [word for word in home if text.acts(word)], {word.base for word in alignment.matched.values()}
    return bool(verbs) and not any(
        alike(verb.base, base) or opposed(verb.base, base) for verb in verbs for base in said
    )


def renamed(said: Sequence[Word], alignment: Alignment, text: Reading, known: Set[str] | None = None) -> bool:
    """Whether what the claim names more closely is another one in the text: a *series* circuit, where the text has a *parallel* one.

    `known` is what the material speaks of: of other words the claim's may be another name for the same. None where that is no excuse.
    """
    behind = dict(pairwise(said))
    for word in alignment.missing:
        head = behind.get(word)
        unknown = known is not None and word.base not in known
        if head is None or word.light or unknown or head.place != word.place + 1:
            continue
        match = alignment.matched.get(head.place)
        other = next((o for o in text.words if match is not None and o.place == match.place - 1), None)
        if other is not None and not other.light and not alignment.holds(other):
            return True
    return False


def _joint(text: Reading, piece: Sequence[Word]) -> Sequence[str]:
    """What stands between a piece and the one before."""
    before = max((word.place for word in text.words if word.segment < piece[0].segment), default=piece[0].place - 1)
    return text.tokens[before + 1 : piece[0].place]


def contrasts(text: Reading, piece: Sequence[Word]) -> bool:
    """Whether a clause is set against the one before it."""
    return bool(_CONTRASTS.intersection(_joint(text, piece)))


def _predicates(piece: Sequence[Word], text: Reading) -> bool:
    tokens = text.tokens[piece[0].place : piece[-1].place + 1]
    return any(map(text.acts, piece)) or bool(_BE.intersection(tokens))


def mixed(claim: Reading, alignment: Alignment, text: Reading) -> str | None:
    """The opposites by which two clauses differ, where the claim takes one of them, and what else tells from the clause of the other.

    "Slow cooling gives large crystals and rapid cooling gives small ones" does not say that rapid cooling gives large ones.
    """
    if any(word.negated for word in claim.words):
        return None
    turned = {
        word.base for word in claim.words if word.place in alignment.contrary
    }  # it does not take these from the text
    for one, other in (*pairwise(text.pieces()), *pairwise(_sides(text))):
        here, there = ({word.base for word in piece} for piece in (one, other))
        same_verb = any(text.acts(word) and word.base in there for word in one)
        if not _COORDINATES.intersection(_joint(text, other)) and not same_verb:
            continue
        answered = _answered(one, other, text)
        for word, contrary in ((w, c) for w in one for c in other if opposed(w.base, c.base)):
            if is_noun(word, text) != is_noun(contrary, text):  # to *break* down, and in the *form* of
                continue
            takes_former, takes_later = word.base in claim.bases, contrary.base in claim.bases
            if word.base in there or contrary.base in here or takes_former == takes_later:
                continue
            if (word if takes_former else contrary).base in turned:
                continue
            beside = _beside(word if takes_former else contrary, claim, alignment)
            of_the_former = not beside.isdisjoint(answered - there - {word.base})
            of_the_later = not beside.isdisjoint(there - here - {contrary.base})
            if (of_the_later and not of_the_former) if takes_former else (of_the_former and not of_the_later):
                return f"{word.text} / {contrary.text}"
    return None


def _sides(text: Reading) -> list[list[Word]]:
    """What stands on each side of a contrast, where one of them has more pieces than one."""
    pieces = text.pieces()
    sides: list[list[Word]] = []
    for piece in pieces:
        if sides and not contrasts(text, piece):
            sides[-1] += piece
        else:
            sides.append(list(piece))
    return sides if 1 < len(sides) < len(pieces) else []


def _beside(word: Word, claim: Reading, alignment: Alignment) -> Set[str]:
    """What the text and the claim both say, of the claim's clause in which the word stands."""
    clauses = {other.segment for other in claim.words if other.base == word.base}
    beside = [alignment.matched.get(other.place) for other in claim.words if other.segment in clauses]
    return {match.base for match in beside if match is not None and not match.light}


def _answered(one: Sequence[Word], other: Sequence[Word], text: Reading) -> Set[str]:
    """What is the former clause's alone: the later has its opposite, something else behind the same preposition, or a subject of its own.

    The rest may be said of both: in "weak acids do so partly" the later leaves out what the former has said.
    """
    behind = {text.tokens[word.place - 1] for word in other} & PREPOSITIONS
    answered = {word.base for word in one if text.tokens[word.place - 1] in behind}
    answered |= {word.base for word in one if any(opposed(word.base, contrary.base) for contrary in other)}
    if any(map(text.acts, other)):
        answered |= {word.base for word in one if text.acts(word)}
    has_subject = _predicates(other, text) and _has_own_subject(other, text)
    return answered | {word.base for word in _subject(one, other, text)} if has_subject else answered


def _subject(one: Sequence[Word], other: Sequence[Word], text: Reading) -> Sequence[Word]:
    """What stands before the verb; where no verb is known, before the word in front of the one that the other clause opposes."""
    verb = next((at for at, word in enumerate(one) if at and text.acts(word)), None)
    if verb is None:
        turned = (at for at, word in enumerate(one) if any(opposed(word.base, contrary.base) for contrary in other[1:]))
        verb = next((at - 1 for at in turned if at > 1), 1)
    return one[:verb]


def exchanges_objects(alignment: Alignment, text: Reading) -> bool:
    """Whether the claim gives one verb what another is said of: "takes up oxygen and gives off carbon dioxide" gives off no oxygen."""
    for one, other in pairwise(text.pieces()):
        verbs = [word for word in one if text.acts(word)]
        if "and" not in _joint(text, other) or not verbs or not text.acts(other[0]):
            continue
        former, latter = [word for word in one if word.place > verbs[-1].place], other[1:]
        says = [any(map(alignment.holds, side)) for side in (verbs[-1:], former, other[:1], latter)]
        if latter and says in ([False, True, True, False], [True, False, False, True]):
            return True
    return False


def gapped(claim: Reading, alignment: Alignment, text: Reading) -> bool:
    """Whether the claim crosses two pairs: "red in acids and blue in bases" says neither "red in bases" nor "blue in acids"."""
    return any(
        not {"and", ","}.isdisjoint(_joint(text, other))
        and not _predicates(other, text)
        and _crossed(one, other, claim, alignment, text)
        for one, other in pairwise(text.pieces())
    )


def _crossed(one: Sequence[Word], other: Sequence[Word], claim: Reading, alignment: Alignment, text: Reading) -> bool:
    between = {text.tokens[place] for place in range(other[0].place, other[-1].place)} & PREPOSITIONS
    between &= frozenset(text.tokens[one[0].place : one[-1].place]) & frozenset(claim.tokens)
    if not between:
        return False
    (former, latter), (thing, whereto) = (_parted(piece, between, text) for piece in (one, other))
    if not (former and latter and thing and whereto):
        return False
    held = [any(map(alignment.holds, side)) for side in (former, latter, thing, whereto)]
    if held[2:] == [False, True]:  # mass in kilograms and force in newtons: mass in newtons
        return held[:2] == [True, False]
    return held[2:] == [True, False] and held[1] and not alignment.holds(former[-1])


def _parted(piece: Sequence[Word], prepositions: Set[str], text: Reading) -> tuple[list[Word], list[Word]]:
    """What stands before and behind the last of these prepositions."""
    span = range(piece[0].place, piece[-1].place)
    at = max((place for place in span if text.tokens[place] in prepositions), default=piece[0].place)
    return [word for word in piece if word.place < at], [word for word in piece if word.place > at]
