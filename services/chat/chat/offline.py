"""The tutor without a language model: it answers in the material's own sentences, and says that it is offline.

It weighs each sentence of the passages found: how many of the asked terms it holds (rare ones more), whether it has the form
that the kind of question wants (a definition, a reason, a number …), how good its passage is. It then picks a few that do
not repeat each other.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from chat.markers import Marker
from chat.passages import Passage
from chat.questions import Kind, Question
from chat.sentences import Sentence, sentences
from chat.terms import coverage, mend, stem, terms, weights, words

NOTICE = (
    "*I am the offline tutor: no language model is set up, so I answer in the sentences of your own material "
    "and explain nothing beyond them.*"
)
LEAST_COVERAGE = 0.34
_LONGEST_ANSWER = 900
_MOST = {Kind.DEFINITION: 2, Kind.TERM: 2, Kind.TIME: 2, Kind.PERSON: 2, Kind.PLACE: 2, Kind.QUANTITY: 2,
         Kind.LIST: 4, Kind.COMPARISON: 4}  # fmt: skip
_MOST_OTHERWISE = 3
_WORTH = {Kind.DEFINITION: 0.72, Kind.TERM: 0.75}
_WORTH_OTHERWISE = 0.6
_FRESH = 0.4

_CUES = {
    Kind.TERM: r"\b(?:called|known as|termed|refer\w* to|defin\w+|is an? |are |describes?|means?)\b",
    Kind.REASON: r"\b(?:because|due to|since|as a result|result\w* (?:from|in)|caus\w+|reasons?|therefore|thus|leads? to|led to"
    r"|so that|in order to|in response to|consequen\w+|explain\w*|owing to)\b",
    Kind.PROCESS: r"\b(?:by|through|when|first|then|next|finally|steps?|process|involv\w+|begins?|if|using)\b",
    Kind.QUANTITY: r"\d|\b(?:percent|half|third|quarter|two|three|four|five|six|seven|eight|nine|ten|dozens?|hundreds?|thousands?"
    r"|millions?|billions?|most|majority)\b",
    Kind.TIME: r"\b(?:1\d{3}|20\d\d)s?\b|\bcentur(?:y|ies)\b|\b(?:decade|during|after|before|until|since|when)\b",
    Kind.PERSON: r"(?<!^)(?<![.!?] )\b[A-Z][\w’'-]+ [A-Z][\w’'-]+|\b(?:people|person|those who|sociologists?|scientists?|economists?)\b",
    Kind.PLACE: r"\b(?:in|at|near|from|across|throughout|within) (?:the )?[A-Z]\w+",
    Kind.COMPARISON: r"\b(?:while|whereas|unlike|in contrast|contrast|differ\w*|however|but|rather than|instead|both|compared"
    r"|on the other hand|similar\w*|likewise|than|versus)\b",
    Kind.LIST: r"(?:\b(?:two|three|four|five|six|seven|several|following|first|second|third|include\w*|such as|types?|kinds?)\b|:\s*$"
    r"|(?:,[^,]+){2,},? and\b)",
    Kind.EXAMPLE: r"\b(?:for example|for instance|such as|examples?|e\.g\.|like|consider|imagine|suppose)\b",
}  # fmt: skip
_NOT_PROSE = re.compile(
    r"\b(?:you will (?:learn|be able)|by the end of this|be able to:|learning objectives|in this (?:chapter|section|module)"
    r"|photo courtesy|credit:|licensed under|all rights reserved|adapted from|see figure|isbn)\b",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"\W*(?:this|these|those|they|it|he|she|such|its|their|his|her|that|the (?:latter|former|same)|both|in (?:this|that) (?:way|case)"
    r"|as a result|therefore|thus|consequently|for (?:example|instance)|however)\b",
    re.IGNORECASE,
)
# What follows such a sentence completes it more often than not.
_GOES_ON = re.compile(r"(?:it|they|he|she|these|this|that is|in other words|specifically) (?!,)", re.IGNORECASE)
_COMPLETED = (Kind.DEFINITION, Kind.PROCESS, Kind.OPEN)
_ITEM = re.compile(r"\s*(?:[-*•–▪◦·‣]|\(?(?:\d{1,2}|[a-zA-Z])[.)])\s")
_REFERENCE = re.compile(r"\s?\[\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]")
# What stands between a phrase and the words that define it, and those words.
_AFTER = re.compile(
    r"[*_\"”’]*(?:\s*\([^)]{1,60}\))?(?:,[^,.;]{1,80},)?\s*"
    r"(?:(?P<apposition>:|, (?:an?|the|or|any|being|meaning|that is|i\.e\.|in which|where|which is|which are)\b)"
    r"|(?:(?:simply|also|often|usually|generally|then|thus|can|may) )?"
    r"(?:(?P<says>means?|refers? to|describes?|denotes?|consists? of|comprises?|(?:(?:is|are|was|were|be|been|has been) )+defined"
    r"|(?:is|are|was|were) (?:when|where|an?|the|any|one|those|that|what|how)\b)"
    r"|(?P<tells>is|are|was|were|involves?|occurs?|happens?|indicates?|represents?|includes?|posits?|states?|requires?)\b))",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(?:known as|termed|refer(?:red|s)? to [^.;]{0,80}\bas|named|defined? (?:as|an?|the)|described as|labell?ed|dubbed"
    r"|the (?:term|concept|idea) of?|considered|(?:an )?examples? of|constitutes?|calls?|called|calls? (?:this|these|such|it)(?: \w+){0,3}"
    r"|summarized as)\s+(?:an?\s+|the\s+|this\s+)?[*_“\"‘']*$",
    re.IGNORECASE,
)
# The phrase is what its sentence or clause is about, not a part of something else: "access to education is" defines no education.
_LEADS = re.compile(
    r"(?:^|[.,;:—–(“\"*]|\b(?:that|while|whereas|because|if|since|and|or|but|when|although|though|word|term|concept|called))"
    r"[\s\W]*(?:(?:an?|the|this|such|so-called)\b)?[\s\W]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Candidate:
    """A sentence of a passage (the `rank`th, from 0) with what it is weighed by."""

    passage: Passage
    rank: int
    place: int
    among: Sequence[Sentence]

    @cached_property
    def sentence(self) -> Sentence:
        return self.among[self.place]

    @cached_property
    def text(self) -> str:
        return self.sentence.text

    @cached_property
    def terms(self) -> frozenset[str]:
        return frozenset(terms(self.text))

    @cached_property
    def context(self) -> frozenset[str]:
        """Its terms with those of what stands before it: a sentence need not name its subject again."""
        before = self.among[max(0, self.place - 2) : self.place]
        return self.terms.union(*(terms(sentence.text) for sentence in before))


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Words of a passage (its `number`, from 1) that answer: `text` for reading, `quote` exactly as it stands there."""

    number: int
    text: str
    quote: str


def find_answer(question: Question, passages: Sequence[Passage]) -> list[Excerpt]:
    """The sentences that answer the question, best first; none where too little of what is asked stands there."""
    candidates = list(_candidates(passages))
    weighed = weights(question.terms, [candidate.terms for candidate in candidates])
    if not candidates or not _speaks_of(question, weighed, candidates):
        return []
    scored = sorted(((_score(c, question, weighed), c) for c in candidates), key=lambda pair: -pair[0])
    return [_excerpt(candidate, question.kind) for candidate in _pick(scored, question)]


def compose(excerpts: Sequence[Excerpt], question: Question) -> Iterator[str | Marker]:
    """The answer as text and markers, in the order of reading."""
    first, *more = excerpts
    yield from (first.text, " ", Marker((first.number,), first.quote))
    if more:
        yield (
            "\n\n"
            + ("It also says:" if question.kind in (Kind.DEFINITION, Kind.TERM) else "Your material also says:")
            + "\n"
        )
    for excerpt in more:
        yield from ("\n- ", excerpt.text, " ", Marker((excerpt.number,), excerpt.quote))
    yield "\n\n" + NOTICE


def _candidates(passages: Sequence[Passage]) -> Iterator[Candidate]:
    for rank, passage in enumerate(passages):
        among = sentences(passage.text)
        yield from (Candidate(passage, rank, place, among) for place in range(len(among)))


def _speaks_of(question: Question, weighed: dict[str, float], candidates: Sequence[Candidate]) -> bool:
    """The tutor's own check, apart from the search's: does any place hold enough of what is asked about?"""
    if question.kind is Kind.DEFINITION and question.subject:
        wanted = [stem(word) for word in words(question.subject) if stem(word) in weighed]
        subject = {term: weighed[term] for term in wanted}
        return any(coverage(subject, candidate.terms) > 0.99 for candidate in candidates)
    return max(coverage(weighed, candidate.context) for candidate in candidates) >= LEAST_COVERAGE


def _score(candidate: Candidate, question: Question, weighed: dict[str, float]) -> float:
    here = coverage(weighed, candidate.terms)
    near = coverage(weighed, candidate.context)
    if near == 0:
        return 0.0
    score = here + 0.3 * (near - here) + 0.2 / (1 + candidate.rank)
    if question.kind is Kind.DEFINITION and question.subject:
        score += _definition_form(question.subject, candidate.text)
    elif (cue := _CUES.get(question.kind)) and here > 0 and re.search(cue, candidate.text, re.MULTILINE):
        score += 0.15
    return score * _fitness(candidate)


def _definition_form(subject: str, text: str) -> float:
    """How much a sentence looks like the definition of the subject, 0 to 0.9."""
    form = 0.0
    for place in re.finditer(_phrase(subject), text, re.IGNORECASE):
        before = text[: place.start()]
        form = max(form, 0.2, 0.6 if _BEFORE.search(before) else 0.0)
        if after := _AFTER.match(text, place.end()):
            strong = 0.8 if after["says"] else 0.6 if after["apposition"] else 0.4
            early = 0.1 if len(before.split()) <= 4 else 0.0
            form = max(form, strong + early if after["apposition"] or _LEADS.search(before) else 0.25)
    return form


def _phrase(subject: str) -> str:
    """A pattern for the subject in any of its forms."""
    return r"\b" + r"[\s‐-]+".join(re.escape(_shared_start(word, stem(word))) + r"\w*" for word in words(subject))


def _shared_start(word: str, stemmed: str) -> str:
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, stemmed, strict=False)))


def _fitness(candidate: Candidate) -> float:
    """How well it can stand in an answer at all: prose, whole, neither heading nor question nor list of aims."""
    text, sentence = candidate.text, candidate.sentence
    length = len(text.split())
    fitness = 1.0
    if not sentence.closed and candidate.place == len(candidate.among) - 1 and not _ITEM.match(sentence.raw):
        fitness *= 0.4  # the passage ends in the middle of it
    elif not sentence.closed:
        fitness *= 0.75 if length >= 6 or ":" in text or "—" in text or "–" in text else 0.4
    if sentence.asks:
        fitness *= 0.35
    if _NOT_PROSE.search(text) or re.match(r"\W*(?:figure|table) [\d.]+", text, re.IGNORECASE):
        fitness *= 0.45
    if text[:1].islower() and not _ITEM.match(sentence.raw):
        fitness *= 0.8
    if length < 5:
        fitness *= 0.6
    return fitness * (0.85 if length > 60 else 1.0)


def _pick(scored: Sequence[tuple[float, Candidate]], question: Question) -> list[Candidate]:
    """The best, and what else is worth saying and not said yet."""
    best = scored[0][0]
    least = best * _WORTH.get(question.kind, _WORTH_OTHERWISE)
    picked: list[Candidate] = []
    said: set[str] = set()
    length = 0
    for score, candidate in scored:
        if len(picked) == _MOST.get(question.kind, _MOST_OTHERWISE) or score < least:
            break
        fresh = len(candidate.terms - said) / max(1, len(candidate.terms))
        if picked and (fresh < _FRESH or length + len(candidate.text) > _LONGEST_ANSWER):
            continue
        picked.append(candidate)
        said |= candidate.terms
        length += len(candidate.text)
    return picked


def _excerpt(candidate: Candidate, kind: Kind) -> Excerpt:
    """The sentence, with the one before where it points back to it, what completes it, and the list that it introduces."""
    among, first, last = candidate.among, candidate.place, candidate.place
    if _POINTS_BACK.match(candidate.text) and first and among[first - 1].block == among[first].block:
        first -= 1
    elif kind in _COMPLETED and last + 1 < len(among) and among[last + 1].block == among[last].block:
        last += bool(_GOES_ON.match(among[last + 1].text))
    if among[last].raw.rstrip().endswith(":"):
        while last + 1 < len(among) and last - candidate.place < 8 and _ITEM.match(among[last + 1].raw):
            last += 1
    start, end = among[first].start, among[last].end
    readable = "".join(
        ("\n" + mend(s.raw) if _ITEM.match(s.raw) and s is not among[first] else " " + s.text)
        for s in among[first : last + 1]
    )
    return Excerpt(candidate.rank + 1, _REFERENCE.sub("", readable).strip(), candidate.passage.text[start:end])
