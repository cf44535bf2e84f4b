"""Questions made from the sentences of passages, without a language model.

Only forms that read well whatever the words are: nothing is inflected, and no order of words is changed beyond what the pattern
holds whole. Of what can be made few are taken: what gives itself away, or can only be understood in its place, is not asked.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from chat.definitions import MEAN, WORD_FOR_IT
from chat.passages import Passage
from chat.recall.drafts import BLANK, Draft, Form
from chat.recall.happenings import happenings
from chat.recall.prose import Statement, entries, statements
from chat.recall.subjects import lowered, names_a_concept
from chat.terms import STOP_WORDS, stem, terms, word_set, words

_ARTICLE = r"(?P<article>(?:An?|The) )?"
_SUBJECT = r"(?P<subject>[^\W\d_][\w’'‐-]*(?: [\w’'‐-]+){0,4}?)"
_ASIDE = r"(?P<aside> ?\([^()]{1,60}\)|, (?:or|also|sometimes|often|abbreviated|known)\b[^,]{2,60},)?"
_CLASS = r"(?:an?|the|any|one of the|those|that|what|how|when|where|when|people|persons|groups|organi[sz]ations|all|anything)\b"
_OF_A_KIND = (
    r"[\w‐-]+(?: [\w‐-]+){0,5} (?:that|who|which|whose|of|in which|for which|used|designed|made|based|shared|held)\b"
)
_DEFINITION = re.compile(
    rf"{_ARTICLE}{_SUBJECT}{_ASIDE} (?P<verb>(?:is|are) (?:defined as|usually defined as|when|where)|refers? to|means?|denotes?|is the term for"
    rf"|is(?= {_CLASS})|are(?= (?:{_CLASS}|{_OF_A_KIND}))|describes|occurs when|happens when) (?P<body>[^;]{{15,260}})\."
)  # fmt: skip
# What something was is seldom its definition: it has to be said of what kind, and the kind must be more than a judgement.
_ONCE = re.compile(
    rf"{_ARTICLE}{_SUBJECT}{_ASIDE} (?P<verb>was|were) (?P<body>(?:an? [^;]{{8,240}}|the (?:[\w‐-]+ ){{1,5}}(?:that|who|which|whose|of|in which)\b[^;]{{8,240}}"
    rf"|(?<=were )(?:[\w‐-]+(?<!ed) ){{1,4}}(?:that|who|which|whose|in which)\b[^;]{{8,240}}))(?:;.*)?\."
)
_NO_KIND = re.compile(
    r"(?:(?:an?|the) )?(?:[\w‐-]+ ){0,2}?(?:disaster|failure|success|mess|marvel|turning|mixture|m[ae]n|wom[ae]n|people|persons?|victory|defeat|compromise|gamble|catastrophe|triumph"
    r"|mistake|surprise|shock|blow|relief|hero|friends?|sons?|daughters?|brothers?|sisters?|wife|husband|members?|child|threat|symbol|source|target|supporters?|opponents?|king|queen)\b"
)
_PERSON = re.compile(r"[^,]*\bwho\b|(?:an?|the) (?:[\w‐-]+ ){0,3}?[a-z]+(?:ist|er|or|ian)\b")
_NAMED = rf"[“\"‘']?(?:an? |the )?{_SUBJECT}[”\"’']?"
_MEANT = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:[\w’'-]+ ){{1,4}}(?:uses?|used) the (?:{WORD_FOR_IT}|concept(?: of)?) {_NAMED} (?:to (?:refer to|describe|mean|denote)|for) (?P<body>[^;]{{15,260}})\.",
        rf"By (?:the {WORD_FOR_IT} )?{_NAMED},? {MEAN} (?P<body>[^;]{{15,260}})\.",
        rf"The (?:{WORD_FOR_IT}|concept of) {_NAMED} (?:refers to|describes|denotes|means) (?P<body>[^;]{{15,260}})\.",
    )
)  # fmt: skip
_GLOSSARY = re.compile(
    r"(?P<subject>[^\W\d_][\w’'‐-]*(?: [\w’'‐-]+){0,3})(?P<aside> ?\([^()]{1,40}\))?(?:| is| are)(?::| [—–=-]) (?P<body>[^:]{15,260}?)\.?"
)
_NO_DEFINITION = re.compile(
    r"(?:an?|the|one of the|another) (?:(?:\w+ ){0,2})(?:examples?|reasons?|results?|ways?|questions?|problems?|issues?|cases?|matters?|parts?|same|only|lot|number|most|best|least|first|second"
    r"|third|final|sole|chief|last|main|major|key|important|good|bad|better|great|clear|classic|common|few|little|bit|sign|case|time|day|year|place|topic|subject|goal|challenge|fact|answer|difference|increase|decrease"
    r"|useful|powerful|essential|crucial|critical|complex|central|significant|vital|valuable|fairly|relatively|marvell?ous|treasure|popular|interesting|complicated|necessary|also|very|hot|serious"
    r"|primary|additional|leading|\w{3,}est(?!\b.*\b(?:that|which|who|whose)\b))\b|(?:one|two|three|some|many|most) of\b"
    r"|(?:that|what|how|when|where|those)\W*$|(?:more|less|not|no|very|too|so|as|also|often|usually|still|now|never|always|this|these|his|her|him|them|it|us)\b"
    r"|\w+(?:ed|ing) (?:in|on|by|from|to|as|with|at|for|after|during)\b|(?:made|based|part|found|known|seen|given|marvell?ous|among|home|quick|critical|capable"
    r"|aware|full|typical|characteristic|deeply|almost|typically|subject|due|likely|able|superficial)\b|.*\b(?:refers? to|means|describes)\b",
    re.IGNORECASE,
)  # fmt: skip
# What is said beside the definition.
_BESIDE = re.compile(
    r"(?:,? and (?:is|are|was|were|has|have|can|may|must|does|do)\b|, (?:but(?! not)|and (?:it|they|thus|so|this|is|are|has|have|was|refers?|much)|because|while|whereas|although|though|so)\b| because\b|;|—(?:it|this|they|that)\b).*",
    re.DOTALL,
)
# What notes add behind a meaning that is whole.
_FURTHER = re.compile(r"(?<=.{30});.*", re.DOTALL)
_CLAUSE = re.compile(r"\b(?:that|which|who|whose|by|through|in which)\b")
_CALLED = re.compile(
    r"(?P<before>.{25,220}?\b(?:(?:is|are) (?:often |sometimes |also |usually |commonly )?(?:called|known as|termed|referred to as)|economists call|sociologists call|what \w+ call)) "
    r"(?P<article>an? |the )?[“\"‘']?(?P<subject>[^\W\d_][\w’'‐-]*(?: [\w’'‐-]+){0,3}?)[”\"’']?(?P<after>(?:[,.(—–]|\s(?:because|which|and|or|when|where|in|by|that|if)\b).*)"
)  # fmt: skip
_BECAUSE = re.compile(r"(?P<effect>.{20,170}?),? because (?P<cause>(?!of (?:this|that|it|these)\b).{15,200})\.")
_BECAUSE_FIRST = re.compile(r"Because (?P<cause>[^,]{15,140}), (?P<effect>.{15,170})\.")
_IN_ORDER_TO = re.compile(r"(?P<effect>.{20,170}?),? (?:in order|so as) (?P<cause>to [^;:—]{12,160})\.")
_NO_EFFECT = re.compile(
    r"(?:if|when|as|while|although|since|in|on|at|for|by|with|given|taken|to|from|after|before|until|once|despite|nevertheless|nor"
    r"|nonetheless|maybe|perhaps|one|part|all|what|why|how|who|according|an example|the (?:rest|difference|different|managers?|company)|\w+ly,?)\b",
    re.IGNORECASE,
)
_RELATIONS = (
    (re.compile(rf"{_ARTICLE}(?P<subject>[^\W\d_][\w’'‐-]*(?: [\w’'‐-]+){{0,6}}?) (?:leads? to|results? in) (?P<body>.{{15,200}})\."), "lead to", "leads? to|results? in"),
    (re.compile(rf"{_ARTICLE}(?P<subject>[^\W\d_][\w’'‐-]*(?: [\w’'‐-]+){{0,5}}?) (?:consists? of|(?:is|are) (?:made up|composed) of|comprises?) (?P<body>.{{15,200}})\."), "consist of", "consist"),
    (re.compile(rf"{_ARTICLE}(?P<subject>[^\W\d_][\w’'‐-]*(?: [\w’'‐-]+){{0,5}}?) depends? on (?P<body>.{{15,200}})\."), "depend on", "depends?"),
)  # fmt: skip
_ASPECT = re.compile(
    r"(?:The|A) (?:main |primary |basic |chief |central )?(?P<aspect>purpose|function|role|goal|aim|cause|effect|task|advantage|disadvantage) of (?P<subject>(?:an? |the )?[\w’'‐-]+(?: [\w’'‐-]+){0,5}?) (?:is|was) "
    r"(?P<body>.{15,200})\."
)  # fmt: skip
_PRONOUN = re.compile(r"(?:it|they|he|she|this|these|that|those|there|its|their|his|her|we|you|such)\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:1[0-9]\d\d|20[0-4]\d)\b(?![-–]\d|s)")
_NAME = re.compile(r"(?<=[a-z,] )(?P<name>[A-Z][\w’'-]+(?: (?:of |the |de |von )?[A-Z][\w’'-]+){0,3})\b")
_SAID_OF = re.compile(
    r"(?!(?:In|On|At|By|For|From|After|Before|During|When|While|Since|Until|With|As|If)\b)(?:The |An? )?(?P<subject>[^,;:()]{3,60}?)"
    r"(?: (?:was|were|is|are|had|has)\b|, (?:who|which|whose|the|an?|made|led|called)\b)"
)
_OF_WHEN = re.compile(
    r" (?:of|in) (?:[A-Z][a-z]+ )?\d{4}\b.*| (?:of|in) (?:[A-Z][a-z]+ber|[A-Z][a-z]+uary|March|April|May|June|July|August)$| (?:him|her|it|them)sel(?:f|ves)$"
)
# Names that say too little to be asked for.
_PLACES = frozenset(map(stem, word_set(
    """united american americans america african african-american christian english spanish french german european europeans europe africa
    asia asian western eastern northern southern north south east west january february march april may june july august september
    october november december monday tuesday wednesday thursday friday saturday sunday internet web god u.s democrats republicans
    republican democrat dr mr mrs ms professor university"""
)))  # fmt: skip
_PHRASE = re.compile(r"(?=\b(?P<phrase>[^\W\d_][\w‐-]{3,}(?: [^\W\d_][\w‐-]{3,})?)\b)")
_NOUN = re.compile(
    r"(?:tion|sion|ment|ness|ity|ism|ance|ence|ology|graphy|sis|archy|cracy|ture|ship|hood|phase|cycle|osis|ase|gen|ide|cyte)s?$"
)
_RECURS = 3
_FEWEST_FOR_A_GAP = 9
_WORTH = {Form.DEFINITION: 1.0, Form.TERM: 0.9, Form.REASON: 0.8, Form.RELATION: 0.75, Form.BLANK: 0.45}
_FEWEST_TO_TELL = 4
_MOST_CAPITALS = 0.4
_STORY_COSTS = 0.4
_NOTHING = word_set(
    "because however therefore although different important example people things between without through"
)


def drafts(passages: Sequence[Passage]) -> list[Draft]:
    """All questions that can be made of these passages, the best first."""
    texts = [passage.text for passage in passages]
    found: list[Draft] = []
    plain: list[Statement] = []
    for passage in passages:
        found += (draft for entry in entries(passage) for draft in _entries(entry, texts))
        for statement in statements(passage):
            made = [draft for make in _MAKERS for draft in make(statement, texts)]
            found += made
            plain += [] if made else [statement]
    concepts = _Concepts([draft for draft in found if draft.form in (Form.DEFINITION, Form.BLANK)], texts)
    found += (draft for statement in plain for draft in _of_a_concept(statement, concepts))
    good = [draft for draft in found if not (draft.gives_itself_away or draft.denies)]
    return sorted(good, key=lambda draft: -draft.worth)


def _draft(
    statement: Statement, form: Form, concept: str, question: str, answer: str, *, worth: float | None = None
) -> Draft:
    length = len(statement.text.split())
    value = _WORTH[form] if worth is None else worth
    value -= (_STORY_COSTS if statement.story else 0.0) + 0.01 * max(0, length - 28)
    return Draft(
        form, concept, question, answer, statement.text, statement.passage, statement.start, statement.end, value
    )


def _definitions(statement: Statement, texts: Sequence[str]) -> Iterator[Draft]:
    match = _DEFINITION.fullmatch(statement.text)
    if match is None:
        return
    subject, body, verb = match["subject"], _BESIDE.sub("", match["body"]), match["verb"]
    article = match["article"] or ""
    if (
        not names_a_concept(subject)
        or _NO_DEFINITION.match(body)
        or (article == "The " and len(words(subject)) == 1 and not _CLAUSE.search(body))
    ):
        return
    if verb.startswith("refer") and re.search(r"\bas\b", body):
        return
    worth = _WORTH[Form.DEFINITION] - _doubts(article, subject, body)
    subject = subject if article else lowered(subject, texts)
    named = article.lower() + subject
    question = f"What {verb} {named}?" if verb in ("is", "are") else f"What is meant by {named}?"
    yield _draft(statement, Form.DEFINITION, subject, question, body, worth=worth)
    if verb.startswith(("is when", "occurs", "happens", "is where", "are when")):
        return
    blank = f"{'A(n) ' if article in ('A ', 'An ') else article}{BLANK} {verb} {body}."
    if len(set(terms(body))) < _FEWEST_TO_TELL:
        return
    if _names_a_class(body):
        yield _draft(statement, Form.TERM, subject, f"Which term means: “{body}”?", subject, worth=worth - 0.1)
    yield _draft(statement, Form.BLANK, subject, _fill_in(blank), subject, worth=worth - 0.3)


def _once(statement: Statement, texts: Sequence[str]) -> Iterator[Draft]:
    """What something was: "The gabelle was a tax on salt." A name without an article may be a person's."""
    match = _ONCE.fullmatch(statement.text)
    if match is None or not names_a_concept(match["subject"]):
        return
    article, verb, body = match["article"] or "", match["verb"], _BESIDE.sub("", match["body"])
    subject = match["subject"] if article else lowered(match["subject"], texts)
    if _NO_DEFINITION.match(body) or _NO_KIND.match(body) or not (article or verb == "were" or subject[0].isupper()):
        return
    asks = "Who" if not article and verb == "was" and _PERSON.match(body) else "What"
    worth = _WORTH[Form.DEFINITION] - 0.3
    yield _draft(statement, Form.DEFINITION, subject, f"{asks} {verb} {article.lower()}{subject}?", body, worth=worth)
    if len(set(terms(body))) >= _FEWEST_TO_TELL:
        yield _draft(statement, Form.TERM, subject, f"Who or what {verb} “{body}”?", subject, worth=worth - 0.1)


def _meant(statement: Statement, texts: Sequence[str]) -> Iterator[Draft]:
    """What a term is used for: "Economists use the term demand to refer to …", "By demand we mean …"."""
    match = next((found for pattern in _MEANT if (found := pattern.fullmatch(statement.text))), None)
    if match is None or not names_a_concept(match["subject"]):
        return
    subject, body = lowered(match["subject"], texts), _BESIDE.sub("", match["body"])
    yield _draft(statement, Form.DEFINITION, subject, f"What is meant by {subject}?", body)
    if len(set(terms(body))) >= _FEWEST_TO_TELL and _names_a_class(body):
        yield _draft(statement, Form.TERM, subject, f"Which term means: “{body}”?", subject, worth=0.85)


def _entries(statement: Statement, texts: Sequence[str]) -> Iterator[Draft]:
    """Entries of a glossary, or of notes: a term, a colon or dash, and what it means."""
    match = _GLOSSARY.fullmatch(statement.text)
    if match is None or not names_a_concept(match["subject"]) or not _explains(match["body"]):
        return
    subject, body = lowered(match["subject"], texts), _FURTHER.sub("", match["body"])
    yield _draft(statement, Form.DEFINITION, subject, f"What is meant by {subject}?", body, worth=0.9)
    if len(set(terms(body))) >= _FEWEST_TO_TELL:
        yield _draft(statement, Form.TERM, subject, f"Which term means: “{body}”?", subject, worth=0.85)


def _explains(body: str) -> bool:
    """Whether it is said in words: no formula, no title, no list of names."""
    said = body.split()
    return not re.search(r"[=$]", body) and sum(word[:1].isupper() for word in said) <= _MOST_CAPITALS * len(said)


def _doubts(article: str, subject: str, body: str) -> float:
    """What makes it likely that the sentence tells of one case, and defines nothing."""
    said = words(subject)
    doubts = 0.3 * ("and" in said) + 0.25 * (article == "The ") + 0.15 * bool({"the", "a", "an"}.intersection(said))
    return doubts + 0.25 * bool(re.match(r"that\b", body)) + 0.2 * (len(set(terms(body))) < _FEWEST_TO_TELL)


def _names_a_class(body: str) -> bool:
    kind = re.match(
        r"(?:an?|the|any|one|people|those|groups|norms|[\w-]+ (?:[\w-]+ ){0,3}(?:that|who|which|of))\b", body
    )
    return kind is not None and not _PRONOUN.match(body)


def _called(statement: Statement, _: Sequence[str]) -> Iterator[Draft]:
    match = _CALLED.fullmatch(statement.text)
    if match is None or not names_a_concept(match["subject"]):
        return
    gap = "a(n) " if match["article"] in ("a ", "an ") else match["article"] or ""
    question = f"{match['before']} {gap}{BLANK}{match['after']}"
    yield _draft(statement, Form.BLANK, match["subject"], _fill_in(question), match["subject"], worth=0.85)


def _reasons(statement: Statement, texts: Sequence[str]) -> Iterator[Draft]:
    match = _BECAUSE.fullmatch(statement.text) or _BECAUSE_FIRST.fullmatch(statement.text)
    match = match or _IN_ORDER_TO.fullmatch(statement.text)
    if match is None:
        return
    effect, cause = match["effect"].strip(), match["cause"]
    if (
        _PRONOUN.match(effect)
        or _NO_EFFECT.match(effect)
        or "," in effect
        or re.search(r", (?:is|are|was|were)\b", cause)
    ):
        return
    if (
        re.search(
            r"\b(?:not|only|simply|just|partly|largely|mainly|and|but|or|perhaps|either|probably|primarily|especially|occurs?|precisely|exactly)$|[;:—]|\b(?:is|are) (?:an?|the) \w+ (?:that|which|who)\b",
            effect,
        )
        or "because" in effect
    ):
        return
    if statement.text.startswith("Because") and _PRONOUN.match(cause):
        return
    effect = lowered(effect, texts)
    yield _draft(statement, Form.REASON, _leading_phrase(effect), f"Why is it that {effect}?", cause)


def _leading_phrase(text: str) -> str:
    """What a clause is about, as far as it can be told without a grammar: its first few words that mean something."""
    told = [word for word in re.finditer(r"[\w’'‐-]+", text) if word[0].casefold() not in STOP_WORDS][:3]
    return text[told[0].start() : told[-1].end()] if told else ""


def _relations(statement: Statement, texts: Sequence[str]) -> Iterator[Draft]:
    for pattern, verb, _ in _RELATIONS:
        match = pattern.fullmatch(statement.text)
        if match is None or not names_a_concept(match["subject"]):
            continue
        subject = (match["article"] or "").lower() + (
            match["subject"] if match["article"] else lowered(match["subject"], texts)
        )
        plural = re.search(
            r"\b(?:lead|result|consist|are|comprise|depend)\b", statement.text[len(match["subject"]) :][:30]
        )
        yield _draft(
            statement,
            Form.RELATION,
            match["subject"],
            f"What {'do' if plural else 'does'} {subject} {verb}?",
            match["body"],
        )
    if (match := _ASPECT.fullmatch(statement.text)) and not _PRONOUN.match(match["subject"]):
        yield _draft(
            statement,
            Form.RELATION,
            match["subject"],
            f"What is the {match['aspect']} of {match['subject']}?",
            match["body"],
        )


def _happenings(statement: Statement, texts: Sequence[str]) -> Iterator[Draft]:
    for form, concept, question, answer, worth in happenings(statement, texts):
        yield _draft(statement, form, concept, question, answer, worth=worth)


def _years_and_names(statement: Statement, _: Sequence[str]) -> Iterator[Draft]:
    if len(years := _YEAR.findall(statement.text)) == 1 and len(words(statement.text)) >= 9:
        question = _YEAR.sub(BLANK, statement.text)
        yield _draft(
            statement, Form.BLANK, _about_year(statement.text), _fill_in(question, "a year"), years[0], worth=0.42
        )
    for match in _NAME.finditer(statement.text):
        name = match["name"]
        if (
            statement.text[: match.start()].split()[-1][:1].isupper()
            or stem(words(name)[0]) in _PLACES
            or statement.story
            or statement.text[match.end()] in "/-‐"  # a part of another: HTTP/2
        ):
            continue
        if statement.text.count(name.split()[-1]) == 1 and len(words(statement.text)) >= _FEWEST_FOR_A_GAP:
            question = statement.text[: match.start()] + BLANK + statement.text[match.end() :]
            yield _draft(statement, Form.BLANK, name, _fill_in(question, "a name"), name, worth=0.4)
            return


def _about_year(text: str) -> str:
    names = (match["name"] for match in _NAME.finditer(text) if stem(words(match["name"])[0]) not in _PLACES)
    subject = _SAID_OF.match(text)
    about = subject["subject"] if subject else next(names, None) or _leading_phrase(text)
    return _OF_WHEN.sub("", about)


class _Concepts:
    """What the sample is about: what it defines, and nouns that recur in it."""

    def __init__(self, defined: Sequence[Draft], texts: Sequence[str]) -> None:
        self._defined = {frozenset(map(stem, words(draft.concept))) for draft in defined}
        self._counts = Counter(term for text in texts for term in terms(text))

    def worth(self, phrase: str) -> float:
        """How good a gap it makes; 0 for none."""
        stems = frozenset(map(stem, words(phrase)))
        if stems in self._defined:
            return 0.5
        recurs = self._counts[stem(phrase.casefold())]
        return 0.2 + 0.01 * min(recurs, 9) if recurs >= _RECURS and _NOUN.search(phrase) else 0.0


def _of_a_concept(statement: Statement, concepts: _Concepts) -> Iterator[Draft]:
    """A gap for a concept that is spoken of, where nothing better can be made."""
    held = Counter(stem(word) for word in words(statement.text))
    if held.total() < _FEWEST_FOR_A_GAP or statement.story:
        return
    gaps = [
        (concepts.worth(match["phrase"]), match)
        for match in _PHRASE.finditer(statement.text)
        if match.start() > 0 and all(held[stem(word)] == 1 for word in words(match["phrase"]))
    ]
    worth, gap = max(gaps, key=lambda pair: (pair[0], len(pair[1]["phrase"])), default=(0.0, None))
    if gap is None or not worth or gap["phrase"].casefold() in _NOTHING:
        return
    question = statement.text[: gap.start()] + BLANK + statement.text[gap.end() :]
    yield _draft(statement, Form.BLANK, gap["phrase"], _fill_in(question), gap["phrase"], worth=worth)


def _fill_in(sentence: str, kind: str = "") -> str:
    return f"Fill in the blank{f' ({kind})' if kind else ''}: {sentence}"


_MAKERS: tuple[Callable[[Statement, Sequence[str]], Iterator[Draft]], ...] = (
    _definitions,
    _once,
    _meant,
    _called,
    _reasons,
    _relations,
    _happenings,
    _years_and_names,
)
