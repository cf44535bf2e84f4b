"""The phrase that a sentence is about: whether it names a concept, and how it reads inside a question."""

import re
from collections.abc import Iterable

from chat.terms import STOP_WORDS, word_set, words

_MOST_WORDS = 5
_INSIDE = frozenset(("of", "and", "the", "in", "to", "for", "a", "an", "on", "per"))
_NEVER_FIRST = word_set(
    """what who whom whose which when where why how if while whereas because as since although though unless until after before
    during in on at by with from for to of into through under over between among according despite without within about not no
    nor yes all any each every some many most more few several other another such both either neither one ones first second
    third next last finally perhaps maybe today often sometimes usually generally people everyone everybody someone anyone nobody
    something anything nothing everything there here that this these those it they he she we you i only even just then thus so
    yet but and or still also now once given based being having doing term word phrase"""
)
_EVALUATING = word_set(
    """common good bad typical popular major important main key simple big certain possible recent different best worst real true
    early late almost always additional own"""
)
# What heads a phrase that names no concept: "the main reason", "a good example".
_NO_CONCEPT = word_set(
    """result results reason reasons problem problems example examples way ways part parts number numbers case cases point points
    question questions difference differences fact facts idea ideas answer answers thing things figure figures table chapter section
    step steps aspect aspects aim issue issues topic focus kind kinds type types sort lot majority rest end start beginning
    time times day days year years month months week weeks place places person man woman child student students reader author
    researcher researchers team group's side sides key goal goals first second third latter former situation situations
    challenge challenges advantage disadvantage benefit benefits solution conclusion statement sentence word words term terms
    name names list amount average total story note others same thought view views concern concerns study studies finding findings
    evidence data approach trend trends change changes change's outcome outcomes effect effects picture task choice secret truth
    line lines option options news hope fear exception feature difference book books article website company companies firm
    instrument tool method strategy complaint concept concepts instance instances notion discussion funding element elements factor factors component components"""
)  # fmt: skip
# … unless a word before it names one: "the testing effect", "a case study".
_NAMED = word_set("effect study method")


def names_a_concept(phrase: str) -> bool:
    """Whether the phrase, without its article, can be asked for by itself."""
    said = words(phrase)
    if (
        not 1 <= len(said) <= _MOST_WORDS
        or len(phrase) < 3
        or said[0] in _NEVER_FIRST | _EVALUATING
        or (said[-1] in _NO_CONCEPT and not (len(said) > 1 and said[-1] in _NAMED))
    ):
        return False
    if any(word in STOP_WORDS and word not in _INSIDE for word in said) or said[-1] in STOP_WORDS:
        return False
    if "of" in said and said[said.index("of") - 1] in _NO_CONCEPT:
        return False
    if re.search(r"\d|[,;:%$€£=+<>/\\]", phrase) or any(word.endswith("ly") for word in said):
        return False
    return not (len(said) > 1 and any(_is_finite(word) for word in said[1:]))


def _is_finite(word: str) -> bool:
    """A verb in the middle makes a clause of a phrase; only those that are nothing else."""
    return word in _VERBS


_VERBS = word_set(
    """is are was were has have had does did can could will would should must may might became become becomes makes made
    takes took gives gave comes came goes went gets got says said thinks thought knows knew wants wanted needs needed seems seemed
    found finds began begins shows showed let lets keeps kept remains remained includes included"""
)


def lowered(phrase: str, texts: Iterable[str]) -> str:
    """The phrase as it reads inside a sentence: its first letter small, unless it is a name or an abbreviation."""
    first, *rest = phrase.split()
    if rest and (rest[0][:1].isupper() or first.endswith(("'s", "’s"))):
        return phrase
    if not first[:1].isupper() or any(character.isupper() or character.isdigit() for character in first[1:]):
        return phrase
    small = re.compile(rf"\b{re.escape(first.lower())}\b")
    large = re.compile(rf"(?<=[a-z,;] ){re.escape(first)}\b")
    smalls = sum(len(small.findall(text)) for text in texts)
    larges = sum(len(large.findall(text)) for text in texts)
    return phrase if larges > 2 * smalls else phrase[0].lower() + phrase[1:]
