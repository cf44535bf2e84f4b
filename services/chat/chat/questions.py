"""What kind of question a student asks, and so which sentences can answer it."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum

from chat.lexicon import is_irregular
from chat.terms import (
    ASKING_WORDS,
    POINTING_WORDS,
    STOP_WORDS,
    named_in_capitals,
    question_terms,
    stem,
    word_set,
    words,
)
from chat.wording import LIGHT


class Kind(StrEnum):
    """By what an answer must hold; `OPEN` where the words do not tell."""

    DEFINITION = "definition"
    TERM = "term"
    REASON = "reason"
    PURPOSE = "purpose"
    PROCESS = "process"
    QUANTITY = "quantity"
    TIME = "time"
    PERSON = "person"
    PLACE = "place"
    COMPARISON = "comparison"
    LIST = "list"
    EXAMPLE = "example"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Question:
    """`subjects` are the phrases to be defined, compared, or told the purpose of; `terms` the stems of what is asked about, `lesser` those that
    matter less: words such as *types* or *causes*, and what only an earlier question was about. `leans`: it is a follow-up."""

    text: str
    kind: Kind
    terms: tuple[str, ...]
    lesser: frozenset[str] = frozenset()
    subjects: tuple[str, ...] = ()
    leans: bool = False

    @property
    def orders(self) -> tuple[str, ...]:
        """How sentences read that tell what comes before or after what is named."""
        return tuple(
            rf"\b(?:{order[1]}\W+(?:\w+\W+){{0,2}}?|{_FOLLOWS[order[1].casefold()]}\W+(?:\w+\W+){{0,2}}?){re.escape(stem(order[2].casefold()))}"
            for order in _ORDERED.finditer(self.text)
        )


_QUOTED = r"[\"“'‘«]\s*(?P<quoted>[^\"”’»]+?)\s*[\"”’'»]"
_DEFINITIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf".*\b(?:term|word|concept|phrase|expression)s?\s+{_QUOTED}.*",
        rf".*\b(?:what (?:is|are)|define|explain|mean(?:s|ing)?|meant by|definition of)\s+{_QUOTED}.*",
        r".*\b(?:meaning|definition|concept|idea|notion) of (?:an? |the )?(?P<subject>[^?.,;:]{2,80}).*",
        r".*\bmeant by (?:an? |the )?(?P<subject>[^?.;:]{2,80}).*",
        r".*\bwhat (?:do|does|did) (?!.*\bmean (?:for|to|by)\b)(?:an? |the )?(?P<subject>[^?.,;:]{2,80}?) (?:mean|stand for|refer to)\b.*",
        r"\W*(?:please )?(?:can|could|would you )?\W*(?:you )?(?:define|describe) (?:an? |the )?(?P<subject>[^?.,;:]{2,80}).*",
        r"\W*how (?:do|does) (?:an? |the )?(?P<subject>[^?.,;:]{2,50}?) work\W*",
        r"\W*(?:please )?(?:can you |could you )?(?:explain|tell me (?:more )?about|teach me|talk about) (?:what )?(?:an? |the )?"
        r"(?P<subject>(?!how\b|why\b|when\b|where\b|who\b|what\b|whether\b|if\b)[^?.,;:]{2,50}?)(?: (?:is|are|to me\b.*))?\W*",
        r"\W*(?:so )?(?:what|who)(?: is|'s|’s| are| was| were)(?: meant by)? (?:an? |the )?(?P<subject>[^?.,;:]{2,60})\W*",
    )
)
# Words that make "what is the … of …" ask for something else than a definition of the whole phrase.
_ASPECTS = word_set(
    """difference differences example examples cause causes reason reasons effect effects result results role purpose
    function functions type types kind kinds stage stages step steps part parts advantage advantages disadvantage
    disadvantages importance relationship number amount main three four five two"""
)
# "What is produced by respiration?" and "What is it made of?" ask for no definition of what stands behind the verb.
_LEADING_NOWHERE = word_set(
    "by in at on from to of for with into as during after before between under through about like"
)
_SUBJECT = r"(?:an? |the )?(?P<subject>[^?.,;:]{2,50}?)(?: (?:in|during|within) [^?]+)?"
_PURPOSES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\W*(?:so )?what(?: is|'s|’s| are| was| were) {_SUBJECT} (?:(?:used|needed|good|there|important|useful|necessary|required) )?for\W*",
        rf".*\bwhat(?: is|'s|’s| was) the (?:\w+ )?(?:role|function|purpose|use|point|importance|significance|job|task|aim) of {_SUBJECT}\W*",
        rf"\W*what (?:do|does|did) {_SUBJECT} do\W*",
        rf"\W*why (?:is|are|was|were) {_SUBJECT} (?:so |very )?(?:important|needed|necessary|useful|required|essential|vital|significant)\W*",
    )
)
_ASPECT = re.compile(r"(?:\w+ )?[^\W\d_]+ of (?:an? |the )?(?P<whole>.+)", re.IGNORECASE)
# What a text tells of something without naming it so: that it "turns glucose into water" of its products. The colour it names, or not.
_TOLD_UNNAMED = frozenset(map(stem, word_set(
    """product output outcome input ingredient component constituent composition content structure location place site feature
    characteristic property nature meaning essence idea point mechanism process principle use benefit consequence goal aim task job"""
)))  # fmt: skip
_ORDERED = re.compile(r"\b(after|before) (?:an? |the )?(\w+)", re.IGNORECASE)
_FOLLOWS = {"after": r"(?:follow|replac|succeed|overthr|end)\w*", "before": r"(?:preced|prepar|led to|caus)\w*"}
_DONE_BY = re.compile(
    r"\W*what(?: is|'s|’s| are| was| were) (?P<done>\w+) by (?:an? |the )?(?P<subject>[^?.,;:]{2,50}?)\W*",
    re.IGNORECASE,
)
_SPELT_OUT = re.compile(r"^(\W*(?:and |so |but |hey )?(?:what|who|where|when|why|how))s\b", re.IGNORECASE)
_OF_NOUN_PHRASES = frozenset(("of", "the", "a", "an"))
_ASPECT_STEMS = frozenset(map(stem, _ASPECTS))
_CONTINUES = re.compile(
    r"^\W*(?:(?:and|but|so|or|also|then|ok(?:ay)?)\b[\s,]*)*(?:(?:what|how) about\b)?\s*", re.IGNORECASE
)
_PHRASE = r"(?:an? |the )?(?P<{}>[\w’'‐-]+(?: [\w’'‐-]+){{0,3}}?)"
_COMPARISONS = tuple(
    re.compile(pattern.format(one=_PHRASE.format("one"), other=_PHRASE.format("other")), re.IGNORECASE)
    for pattern in (
        r"\b(?:between|distinguish) {one} (?:and|from) {other}\W*$",
        r"\b(?:compare|contrast)(?: and contrast)? {one} (?:and|with|to) {other}\W*$",
        r"\b(?:do|does|are|is|did) {one} (?:and|differ from|different from|similar to) {other}(?: differ(?:ent)?| similar| alike| have in common| compare)?\W*$",
        r"^{one} (?:vs\.?|versus|or|compared (?:to|with)) {other}\W*$",
    )
)
# What is no modifier: "fermentation and aerobic respiration".
_A_THING = re.compile(r"(?:[ts]ion|ment|ness|ity|ism|sis|ship|logy)s?$", re.IGNORECASE)
_TERM = re.compile(
    r".*\b(?:which|what) (?:term|word|concept|phrase|name)\b.*|.*\b(?:term|word|name) (?:for|is used)\b.*"
    r"|.*(?:_{2,}|\.{4,}).*|.*\b(?:is|are) (?:known|called|termed|referred to) as\W*$|.*\b(?:called|an example of)\W*$",
    re.IGNORECASE | re.DOTALL,
)
_KINDS = (
    (Kind.COMPARISON, r"\b(?:differ(?:s|ence|ences|ent)?|compare[ds]?|contrast|distinguish\w*|versus|vs|similar\w*)\b|\bin common\b"),
    (Kind.REASON, r"^\W*(?:and |but |so )?why\b|\bhow come\b|\b(?:reason|cause|purpose)s? (?:of|for|behind|why)\b|\bwhy\W*$"),
    (Kind.QUANTITY, r"\bhow (?:many|much|long|large|big|high|often|old|far)\b|\bwhat (?:percent\w*|share|proportion|number|rate)\b"),
    (Kind.TIME, r"^\W*(?:and )?when\b|\b(?:what|which) (?:year|century|decade|date|period)\b|\bsince when\b"),
    (Kind.PERSON, r"^\W*(?:and )?(?:who|whom|whose)\b"),
    (Kind.PLACE, r"^\W*(?:and )?where\b|\b(?:what|which) (?:country|city|place|region)\b"),
    (Kind.EXAMPLE, r"\bexamples?\b|\bfor instance\b|\billustrate\b"),
    (Kind.LIST, r"\b(?:list|name|identify|enumerate|outline)\b|\b(?:types|kinds|stages|steps|parts|functions|causes|factors|elements"
                r"|characteristics|features|principles|advantages|disadvantages|effects|consequences|reasons)\b"),
    (Kind.PROCESS, r"\bhow (?:do|does|did|is|are|was|were|can|could|to|might|has|have)\b|^\W*(?:and )?how\W*$"),
)  # fmt: skip


def read_question(text: str, about: str | None = None) -> Question:
    """What is asked. `about` is what a follow-up leans on: it gives the terms that the question itself leaves out."""
    text = _SPELT_OUT.sub(r"\1 is", _CONTINUES.sub("", " ".join(text.split())))
    own = question_terms(_without_options(text)) if _names_something(text) else []
    earlier = question_terms(about) if about is not None else []
    asked = tuple(dict.fromkeys([*own, *earlier])) or tuple(question_terms(text))
    points_back = any(word in POINTING_WORDS for word in words(text))
    lesser = frozenset(earlier).difference(own) if own and not points_back else frozenset()
    if len(asked) > len(_ASPECT_STEMS.intersection(asked)):
        lesser |= _ASPECT_STEMS
    if not LIGHT.issuperset(asked):
        lesser |= LIGHT
    kind, subjects = _kind_of(text)
    if kind is Kind.OPEN and about is not None and not own:
        kind, subjects = _kind_of(about.removesuffix(text).strip())
    return Question(text, kind, asked, lesser.intersection(asked), subjects, leans=about is not None)


def _kind_of(text: str) -> tuple[Kind, tuple[str, ...]]:
    if _TERM.fullmatch(_without_options(text)):
        return Kind.TERM, ()
    if match := next((found for pattern in _PURPOSES if (found := pattern.fullmatch(text))), None):
        return Kind.PURPOSE, (match["subject"],)
    if subject := defined_subject(text):
        return Kind.DEFINITION, (subject,)
    if (match := _DONE_BY.fullmatch(text)) and _is_done([match["done"].casefold(), "by"]):
        return Kind.OPEN, (match["subject"],)
    kind = next((kind for kind, pattern in _KINDS if re.search(pattern, text, re.IGNORECASE)), Kind.OPEN)
    return kind, compared_subjects(text) if kind is Kind.COMPARISON else ()


def _names_something(text: str) -> bool:
    return bool(_named(text))


def _named(text: str) -> list[str]:
    capitals = named_in_capitals(text)
    return [word for word in words(text) if (word not in STOP_WORDS or word in capitals) and word not in ASKING_WORDS]


def of_a_whole(question: Question, named: Set[str]) -> Question | None:
    """What is asked, where a phrase that nobody defines is an aspect of what stands behind its *of*: the products of respiration.

    None where a text that does not name the aspect tells nothing of it: the colour of the mitochondrion.
    """
    if question.kind is not Kind.DEFINITION or (match := _ASPECT.fullmatch(question.subjects[0])) is None:
        return None
    whole = frozenset(question_terms(match["whole"]))
    aspect = frozenset(question.terms) - whole
    if not aspect <= _TOLD_UNNAMED | named:
        return None
    lesser = question.lesser | aspect
    return replace(question, kind=Kind.OPEN, subjects=(match["whole"],), lesser=lesser) if whole else None


def compared_subjects(text: str) -> tuple[str, ...]:
    """The two things that are compared. "primary and secondary groups" are primary groups and secondary groups."""
    for pattern in _COMPARISONS:
        if match := pattern.search(text):
            one, other = match["one"].strip(), match["other"].strip()
            if len(words(one)) < len(words(other)) and len(words(one)) == 1 and not _A_THING.search(one):
                one = " ".join([one, *other.split()[1:]])
            return one, other
    return ()


def _without_options(text: str) -> str:
    """A question of multiple choice without its choices: they say what may be answered, not what is asked."""
    asked, option, _ = text.partition("(a)")
    return asked if option and len(question_terms(asked)) > 1 else text


def _is_done(said: Sequence[str]) -> bool:
    """Whether words say what is done to something, or end without it: "produced by the cell", "cells made of"."""
    first, second = said[0] if said else "", said[1] if len(said) > 1 else ""
    done = first.endswith("ed") or is_irregular(first)
    return (done and second in _LEADING_NOWHERE) or (len(said) > 1 and said[-1] in _LEADING_NOWHERE)


def defined_subject(text: str) -> str | None:
    """The phrase that a question asks the meaning of: "What is meant by fiat money?" asks for "fiat money"."""
    for pattern in _DEFINITIONS:
        if match := pattern.fullmatch(text):
            subject = (match.groupdict().get("quoted") or match.groupdict().get("subject") or "").strip(" ?.!\"“”'")
            said = words(subject)
            if _named(subject) and len(said) <= 8 and not _ASPECTS.intersection(said) and not _is_done(said):
                return subject
    if _is_done(words(text)):
        return None
    # A bare noun phrase, as in a search box.
    said = [word for word in words(text) if word not in _OF_NOUN_PHRASES]
    if 1 <= len(said) <= 4 and not any(word in STOP_WORDS or word in ASKING_WORDS or word in _ASPECTS for word in said):
        return re.sub(r"^(?:an?|the) ", "", text.strip(" ?.!\"“”'"), flags=re.IGNORECASE)
    return None
