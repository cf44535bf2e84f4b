"""The tutor without a language model: it answers in the material's own sentences, and says that it is offline.

It weighs each sentence of the passages found: how many of the asked terms it holds (rare ones more), whether it has the form
that the kind of question wants (a definition, a reason, a number …), how good its passage is. It then picks a few that do
not repeat each other.
"""

import re
from collections.abc import Iterator, Sequence

from chat.definitions import definition_form
from chat.excerpts import Candidate, Excerpt, candidates_of, excerpt_of, is_item
from chat.languages import may_be_english
from chat.markers import Marker
from chat.ordinals import Asked
from chat.passages import Passage
from chat.questions import Kind, Question, of_a_whole
from chat.terms import STOP_WORDS, coverage, stem, terms, weights, words

NOTICE = (
    "*I am the offline tutor: no language model is set up, so I answer in the sentences of your own material "
    "and explain nothing beyond them.*"
)
CANNOT_REWORD = (
    "Without a language model I only find the sentences of your material that answer a question: I cannot reword, translate or sum up. "
    "Ask about one thing in it, or say “tell me more”."
)
NOTHING_MORE = "That is all that I find about this in your material."
OTHER_LANGUAGE = "Without a language model I find only what is asked in the words of the material: ask in its language."
# How questions begin elsewhere: too short a text for anything else to tell.
_OTHER_LANGUAGE = re.compile(
    r"\W*(?:was (?:ist|sind|bedeutet)|wie|warum|wer|wann|welche\w*|erkläre|qué|que es|cómo|por qué|quién|cuándo|qu['’]est|quelle?s?"
    r"|pourquoi|c['’]est|o que|che cos|perch[eé]|wat is|waarom)\b|\W*¿",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\W*(?:(?:and|please|can you|could you|ok(?:ay)?)\W+)*(?:tell me |say |give me |show me |i want to know |anything |what |something )?"
    r"(?:some )?(?:more|else|go on|continue|keep going)(?: (?:about|on) (?:this|that|it|them))?(?: please)?\W*",
    re.IGNORECASE,
)
_REWORD = re.compile(
    r"\W*(?:(?:please|can you|could you|now|ok(?:ay)?|and)\W+)*(?:summari[sz]e|sum up|translate|rephrase|reword|simplify|shorten|elaborate"
    r"|(?:explain|say|tell|put|describe|give) (?:it|that|this|me)\b.*\b(?:simpl\w+|easier|again|shorter|briefly|words|differently|detail|summary|child|year)"
    r"|simpler|shorter|in (?:simple|other|easy|your own) words|(?:make|give) (?:me )?(?:it|a|an)\b.*\b(?:shorter|simpler|summary|overview|outline))\b.*",
    re.IGNORECASE | re.DOTALL,
)
_WHOLE = r"(?:(?:all|the|this|that|these|my|whole|entire|of)\W+)*(?:documents?|materials?|texts?|files?|lectures?|chapters?|notes|papers?|books?|slides|pdfs?|everything)"
_OF_ALL = re.compile(
    r"\W*(?:(?:please|can you|could you|now|ok(?:ay)?|and)\W+)*"
    rf"(?:(?:summari[sz]e|sum up|outline|(?:give|make|write)(?: me)? an? (?:\w+ )?(?:summary|overview|outline) of)\W+{_WHOLE}(?:\W+(?:please|for me|briefly|shortly))*"
    rf"|what (?:topics|subjects|themes) (?:does|do|are)\W+(?:{_WHOLE}|it|this|that)(?:\W+(?:cover|about|in))?|what(?:['’]?s| is| are)\W+{_WHOLE}\W+about)\W*",
    re.IGNORECASE,
)
LEAST_COVERAGE = 0.34
PLAIN_DEFINITION = 0.6
_LONGEST_ANSWER = 900
_MOST = {Kind.DEFINITION: 2, Kind.TERM: 2, Kind.TIME: 2, Kind.PERSON: 2, Kind.PLACE: 2, Kind.QUANTITY: 2,
         Kind.LIST: 4, Kind.COMPARISON: 4}  # fmt: skip
_MOST_OTHERWISE = 3
_WORTH = {Kind.DEFINITION: 0.72, Kind.TERM: 0.75}
_WORTH_OTHERWISE = 0.6
_FRESH = 0.4
_WORTH_MORE = 0.5
_LESSER = 0.4

_FULL_NAME = re.compile(
    r"\b(?!(?:The|An?|In|On|At|By|For|From|With|As|When|After|Since|This|These)\b)[A-Z][\w’'-]+ [A-Z][\w’'-]+"
)
_CUES = {
    Kind.TERM: r"\b(?:called|known as|termed|refer\w* to|defin\w+|is an? |are |describes?|means?)\b",
    Kind.REASON: r"\b(?:because|due to|since|as a result|result\w* (?:from|in)|caus\w+|reasons?|therefore|thus|leads? to|led to"
    r"|so that|in order to|in response to|consequen\w+|explain\w*|owing to)\b",
    Kind.PURPOSE: r"\b(?:serves?|acts?|used|needed|necessary|essential|required|role|function|purpose|in order to|so that|allows?|enables?|helps?|without"
    r"|provides?|protects?|ensures?|causes?)\b",
    Kind.PROCESS: r"\b(?:by|through|when|first|then|next|finally|steps?|process|involv\w+|begins?|if|using)\b",
    Kind.QUANTITY: r"\d|\b(?:percent|half|third|quarter|two|three|four|five|six|seven|eight|nine|ten|dozens?|hundreds?|thousands?"
    r"|millions?|billions?|most|majority)\b",
    Kind.TIME: r"\b(?:1\d{3}|20\d\d)s?\b|\bcentur(?:y|ies)\b|\b(?:decade|during|after|before|until|since|when)\b",
    Kind.PERSON: rf"{_FULL_NAME.pattern}|\b(?:people|person|those who|sociologists?|scientists?|economists?)\b",
    Kind.PLACE: r"\b(?:in|at|near|from|across|throughout|within) (?:the )?[A-Z]\w+"
    r"|\b(?:takes? place|took place|occurs?|happens?|found|located|lies|stored|made) (?:in|at|on|within|inside|outside|near|between)\b",
    Kind.COMPARISON: r"\b(?:while|whereas|unlike|in contrast|contrast|differ\w*|however|but|rather than|instead|both|compared"
    r"|on the other hand|similar\w*|likewise|than|versus)\b",
    Kind.LIST: r"(?:\b(?:two|three|four|five|six|seven|several|following|first|second|third|include\w*|such as|types?|kinds?)\b|:\s*$"
    r"|(?:,[^,]+){2,},? and\b)",
    Kind.EXAMPLE: r"\b(?:for example|for instance|such as|examples?|e\.g\.|like|consider|imagine|suppose)\b",
}  # fmt: skip
# Without a reason, a number or a date there is no answer to why, how many or when.
_NEEDED = (Kind.REASON, Kind.QUANTITY, Kind.TIME)
_OF_A_FACT = (Kind.PERSON, Kind.TIME, Kind.PLACE)
_TO_THE_LETTER = 0.05
_CUE, _CUE_OF_NEED = 0.15, 0.3
_LEADS = 0.25
_NEXT_TO_ANOTHER = 0.75
_AFTER = 0.3
_IT = re.compile(r"(?:It|They) (?!,)")
_LONGEST_NAME = 40
_IDENTIFIER = re.compile(r"(?=\w*[^\W\d_])(?:\w*[A-Z]\w*[A-Z]\w*|\w*[\d_]\w*)")  # SACK, TIME_WAIT, H2O
_ARTICLES = frozenset(("a", "an", "the"))
_NOT_PROSE = re.compile(
    r"^\W*(?:explain|describe|understand|discuss|define|identify|analy[sz]e|compare|calculate|evaluate|summarize|recognize) "
    r"|\b(?:you will (?:learn|be able)|by the end of this|be able to:|learning objectives|in this (?:chapter|section|module)"
    r"|photo courtesy|(?:watch|read|visit) (?:this|the) (?:video|article|website|link|page)|credit:|licensed under|all rights reserved|adapted from|see figure|isbn)\b",
    re.IGNORECASE,
)


def find_answer(question: Question, passages: Sequence[Passage], said: str = "") -> list[Excerpt]:
    """The sentences that answer the question, best first; none where too little of what is asked stands there.

    Who wants more gets what was not `said` yet.
    """
    candidates = list(candidates_of(passages))
    weighed = weights(question.terms, [candidate.terms for candidate in candidates])
    subject = [weight for term, weight in weighed.items() if term not in question.lesser]
    weighed |= {term: min([_LESSER * weighed[term], *subject]) for term in question.lesser}
    if not candidates or _tells_no(question, candidates):
        return []
    if not _speaks_of(question, weighed, candidates):
        aspect = of_a_whole(question, frozenset().union(*(candidate.terms for candidate in candidates)))
        return find_answer(aspect, passages, said) if aspect is not None and _holds_whole(aspect, candidates) else []
    scored = _of_what_is_asked(
        sorted(((_score(c, question, weighed), c) for c in candidates), key=lambda pair: -pair[0]), question
    )
    if scored and wants_more(question.text):
        worth = scored[0][0] * _WORTH_MORE
        scored = [(score, one) for score, one in scored if score >= worth and one.text not in said]
    return _pick(scored, question) if scored else []


def _of_what_is_asked(scored: Sequence[tuple[float, Candidate]], question: Question) -> list[tuple[float, Candidate]]:
    """Without what speaks of another one; nothing where that is most of what was found."""
    asked = Asked(question.text)
    left = [(score, one) for score, one in scored if not asked.means_another(one.text)]
    return left if left and left[0][0] >= _NEXT_TO_ANOTHER * scored[0][0] else []


def wants_more(question: str) -> bool:
    """Whether it only asks to go on."""
    return bool(_MORE.fullmatch(question))


def asks_for_all(question: str) -> bool:
    """Whether it asks what a whole document says: whatever sentences share its words are no answer."""
    return bool(_OF_ALL.fullmatch(question))


def refusal(question: str, passages: Sequence[Passage] = ()) -> str | None:
    """What is to be said instead of "not in your material" where that would not be the reason."""
    if _REWORD.fullmatch(question) or asks_for_all(question):
        return CANNOT_REWORD
    if wants_more(question):
        return NOTHING_MORE
    if may_be_english(question) and not _OTHER_LANGUAGE.match(question):
        return None
    # Whoever asks in the language of the material is not told to.
    return OTHER_LANGUAGE if all(may_be_english(passage.text) for passage in passages) else None


def stands_defined(question: Question, passages: Sequence[Passage]) -> bool:
    """Whether a definition that is asked for stands there word for word, or an abbreviation or identifier to the letter: plainer
    evidence than any measure of nearness, which knows next to nothing of such names."""
    if question.kind is not Kind.DEFINITION:
        return False
    texts = [candidate.text for candidate in candidates_of(passages)]
    return any(
        definition_form(subject, text) >= PLAIN_DEFINITION or _stands_to_the_letter(subject, text)
        for subject in question.subjects
        for text in texts
    )


def _stands_to_the_letter(subject: str, text: str) -> bool:
    if len(subject) > _LONGEST_NAME:
        return False
    name = re.escape(subject)
    if re.search(rf"\({name}\)", text, re.IGNORECASE):
        return True  # behind what it stands for
    return bool(_IDENTIFIER.fullmatch(subject) and re.search(rf"(?<!\w){name}(?!\w)", text))


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


def _speaks_of(question: Question, weighed: dict[str, float], candidates: Sequence[Candidate]) -> bool:
    """The tutor's own check, apart from the search's: does any place hold enough of what is asked about?"""
    if question.kind is Kind.DEFINITION:
        wanted = [stem(word) for word in words(question.subjects[0]) if stem(word) in weighed]
        subject = {term: weighed[term] for term in wanted}
        return any(coverage(subject, candidate.terms) > 0.99 for candidate in candidates)
    # A follow-up was searched with what it leans on, and need not share its own words with the answer.
    least = 0.01 if question.leans else LEAST_COVERAGE
    return max(coverage(weighed, candidate.context) for candidate in candidates) >= least


def _tells_no(question: Question, candidates: Sequence[Candidate]) -> bool:
    """Whether who, when or where is asked of something that nothing is said of, and no person, date or place stands beside its subject."""
    held = frozenset().union(*(candidate.terms for candidate in candidates))
    own = [term for term in question.terms if term not in question.lesser]
    if question.kind not in _OF_A_FACT or question.leans or all(term in held for term in own):
        return False
    about = (candidate.text for candidate in candidates if not candidate.terms.isdisjoint(own))
    return not any(re.search(_CUES[question.kind], text, re.MULTILINE) for text in about)


def _score(candidate: Candidate, question: Question, weighed: dict[str, float]) -> float:
    here = coverage(weighed, candidate.terms)
    near = coverage(weighed, candidate.context)
    if near == 0:
        return 0.0
    # *HTTP* and *HTTPS* share a stem, and vitamins C and D are told apart by what is no term.
    asked = {word for word in words(question.text) if stem(word) in weighed or _is_letter(word)}
    to_the_letter = _TO_THE_LETTER * len(asked.intersection(words(candidate.text))) / max(1, len(asked))
    score = to_the_letter + here + 0.3 * (near - here) + 0.2 / (1 + candidate.rank)
    if question.kind in (Kind.PURPOSE, Kind.OPEN):
        leads = _goes_on(question, candidate) or any(_leads(subject, candidate.text) for subject in question.subjects)
        score += _LEADS * leads
        here = max(here, _LEADS * leads)
    else:
        score += max((definition_form(subject, candidate.text) for subject in question.subjects), default=0.0)
    if (cue := _CUES.get(question.kind)) and here > 0 and re.search(cue, candidate.text, re.MULTILINE):
        score += _CUE * (question.kind is Kind.PERSON and bool(_FULL_NAME.search(candidate.text)))
        score += _CUE_OF_NEED if question.kind in _NEEDED else _CUE
    score += _AFTER * any(re.search(when, candidate.text, re.IGNORECASE) for when in question.orders)
    return score * fitness(candidate)


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha() and word not in STOP_WORDS


def _leads(subject: str, text: str) -> bool:
    """Whether a sentence begins with what is asked about."""
    wanted = list(map(stem, words(subject)))
    said = [stem(word) for word in words(text) if word not in _ARTICLES]
    return said[: len(wanted)] == wanted


def _goes_on(question: Question, candidate: Candidate) -> bool:
    """Whether it says what *it* is for, behind a sentence that begins with the subject."""
    if question.kind is not Kind.PURPOSE or not candidate.place or not _IT.match(candidate.text):
        return False
    before = candidate.among[candidate.place - 1]
    return before.block == candidate.sentence.block and any(
        _leads(subject, before.text) for subject in question.subjects
    )


def _holds_whole(question: Question, candidates: Sequence[Candidate]) -> bool:
    whole = frozenset(terms(question.subjects[0]))
    return any(whole <= candidate.terms for candidate in candidates)


def fitness(candidate: Candidate) -> float:
    """How well it can stand in an answer at all: prose, whole, neither heading nor question nor list of aims."""
    text, sentence = candidate.text, candidate.sentence
    if candidate.row:
        return 1.0
    length = len(text.split())
    fitness = 1.0
    if not sentence.closed and candidate.place == len(candidate.among) - 1 and not is_item(sentence):
        fitness *= 0.4  # the passage ends in the middle of it
    elif not sentence.closed and _reads_as_title(text):
        fitness *= 0.25
    elif not sentence.closed:
        fitness *= 0.75 if length >= 6 or ":" in text or "—" in text or "–" in text else 0.4
    if sentence.asks:
        fitness *= 0.35
    if _NOT_PROSE.search(text) or re.match(r"\W*(?:figure|table) [\d.]+", text, re.IGNORECASE):
        fitness *= 0.45
    if text[:1].islower() and not is_item(sentence):
        fitness *= 0.8
    if length < 5:
        fitness *= 0.6
    return fitness * (0.85 if length > 60 else 1.0)


def _reads_as_title(text: str) -> bool:
    named = [word for word in text.split() if len(word) > 3]
    return bool(named) and sum(word[0].isupper() for word in named) > 0.6 * len(named)


def _pick(scored: Sequence[tuple[float, Candidate]], question: Question) -> list[Excerpt]:
    """The best, and what else is worth saying and not said yet."""
    best = scored[0][0]
    least = best * _WORTH.get(question.kind, _WORTH_OTHERWISE)
    picked: list[Excerpt] = []
    said: set[str] = set()
    for score, candidate in scored:
        if len(picked) == _MOST.get(question.kind, _MOST_OTHERWISE) or score < least:
            break
        excerpt = excerpt_of(candidate, question.kind)
        fresh = len(candidate.terms - said) / max(1, len(candidate.terms))
        length = sum(len(other.text) for other in (*picked, excerpt))
        within = next((place for place, other in enumerate(picked) if excerpt.holds(other)), None)
        if within is not None:  # it goes on from what is picked already
            picked[within] = excerpt
            said.update(terms(excerpt.text))
            continue
        if picked and (fresh < _FRESH or length > _LONGEST_ANSWER or any(map(excerpt.overlaps, picked))):
            continue
        picked.append(excerpt)
        said.update(terms(excerpt.text))
    return picked
