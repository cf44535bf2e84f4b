"""What a student reads after an explanation: short, the gravest first, each statement with its citation, one question at the end."""

import re
from collections.abc import Iterator, Mapping, Sequence

from chat.assessment import GAPS_NAMED, AssessedClaim, Assessment, KeyPoint
from chat.citations import Citation
from chat.definitions import definition_form
from chat.key_points import concept_terms
from chat.lexicon import is_verb
from chat.offline import PLAIN_DEFINITION
from chat.terms import stem
from chat.verdicts import Verdict
from chat.wording import Word, read

NOTICE = (
    "*I am offline: no language model is set up, so I compare words, numbers and order with your material. "
    "I can miss what is said in very different words, and let pass what is wrong in the words of the text: check what I cite.*"
)
# Rules that are wrong about one verdict in three do not speak as somebody who knows.
_TITLES = {
    Verdict.CONTRADICTED: ("Your material contradicts", "Your material seems to say otherwise: compare"),
    Verdict.SUPPORTED: ("Your material supports", "Your material seems to say so, too: compare"),
    Verdict.UNSPOKEN: ("Your material does not speak of", "I cannot tell by your material"),
}
_LONGEST_QUOTE = 200
_MOST_LISTED = 12
_MOST_CUES = 2
_LONGEST_CUE = 3
# What alone, or at the end of a phrase, names nothing to think of: *executed*, *overloading*, *perhaps*.
_NAMES_NOTHING = re.compile(
    r"\w+(?:ed|ing|ly)|perhaps|maybe|almost|sometimes|even|well|far|together|another|others?|equals?|became"
)


def report(assessment: Assessment, citations: Sequence[Citation], *, offline: bool) -> Iterator[str]:
    """The reply, a part at a time. What contradicts a claim, or comes nearest, is said beside it, and offline what supports it, too: the
    student sees whether it does."""
    yield _headline(assessment)
    quotes = {citation.marker: citation.quote for citation in citations}
    for verdict, titles in _TITLES.items():
        claims = [claim for claim in assessment.claims if claim.verdict is verdict]
        yield from _claims(titles[offline], claims, quotes if offline or verdict is not Verdict.SUPPORTED else {})
    yield from _missing(assessment)
    if assessment.complete:
        yield f"\n\nNothing important is missing any more: you have explained **{assessment.concept}**."
    elif assessment.next_question:
        yield f"\n\n**Next:** {assessment.next_question}"
    if offline:
        yield f"\n\n{NOTICE}"


def _headline(assessment: Assessment) -> str:
    points = assessment.key_points
    covered = sum(point.covered for point in points)
    said = f"**{assessment.concept}**, attempt {assessment.attempt}: {covered} of {len(points)} key points"
    if assessment.attempt > 1:
        said += f", {assessment.newly_covered} of them new"
    if assessment.corrected:
        said += f", {assessment.corrected} put right"
    return f"{said}."


def _claims(title: str, claims: Sequence[AssessedClaim], quotes: Mapping[int, str]) -> Iterator[str]:
    if not claims:
        return
    yield f"\n\n**{title}**\n"
    for claim in claims[:_MOST_LISTED]:
        yield f"\n- “{quoted(claim.text)}”"
        if claim.citation is not None:
            said = quotes.get(claim.citation)
            what = "The nearest" if claim.verdict is Verdict.UNSPOKEN else "Your material"
            yield (f" {what}: “{quoted(said)}”" if said else "") + f" [{claim.citation}]"
    if len(claims) > _MOST_LISTED:
        yield f"\n- and {len(claims) - _MOST_LISTED} more"


def _missing(assessment: Assessment) -> Iterator[str]:
    gaps = assessment.gaps
    if not gaps:
        return
    yield "\n\n**Still missing**\n"
    for point in gaps[:GAPS_NAMED]:
        yield f"\n- {quoted(point.text)}" + (f" [{point.citation}]" if point.citation else "")
    if len(gaps) > GAPS_NAMED:
        yield f"\n- and {len(gaps) - GAPS_NAMED} more"


def quoted(text: str) -> str:
    """Somebody's words as they can stand in a reply: not too long, and no markers of citations among them."""
    plain = re.sub(r"[\[\]【】]", "", " ".join(text.split()))
    return plain if len(plain) <= _LONGEST_QUOTE else plain[:_LONGEST_QUOTE].rsplit(" ", 1)[0] + " …"


def question_on(gap: KeyPoint, concept: str, claims: Sequence[AssessedClaim] = ()) -> str:
    """One question on a gap; it names what to think of and does not give it away."""
    cues = " and ".join(f"**{cue}**" for cue in cues_of(gap.text, concept))
    if gap.contradicted:
        wrong = next((claim for claim in claims if claim.verdict is Verdict.CONTRADICTED), None)
        if wrong:
            return (
                f"You said “{quoted(wrong.text)}”. What does your material say to that, and how would you put it now?"
            )
        return f"What does your material say {f'about {cues}' if cues else 'there'}, and how would you put it now?"
    if definition_form(concept, gap.text) >= PLAIN_DEFINITION:
        return f"What is **{concept}**, in one sentence?"
    if not cues:
        return f"What else belongs to **{concept}**?"
    return f"What have {cues} to do with {concept}?" if " and " in cues else f"What has {cues} to do with {concept}?"


def cues_of(text: str, concept: str) -> list[str]:
    """The phrases that a sentence turns on, beside the concept itself, in their order."""
    named = concept_terms(concept)
    runs = _runs([word for word in read(text).words if word.number is None and not word.light], named)
    longest = sorted(runs, key=lambda run: -sum(len(word.text) for word in run))[:_MOST_CUES]
    return [_as_written(run, text) for run in sorted(longest, key=lambda run: run[0].place)]


def _as_written(run: Sequence[Word], text: str) -> str:
    found = re.search(r"[^\w\n]+".join(re.escape(word.text) for word in run), text, re.IGNORECASE)
    return found[0] if found else " ".join(word.text for word in run)


def _runs(words: Sequence[Word], named: frozenset[str]) -> list[list[Word]]:
    """Words that stand side by side and name something, three at most; a verb does not go on what two words have named."""
    runs: list[list[Word]] = []
    for word in words:
        if stem(word.text) in named:
            continue
        beside = bool(runs) and word.place - runs[-1][-1].place == 1
        if beside and len(runs[-1]) < _LONGEST_CUE - is_verb(word.text):
            runs[-1].append(word)
        else:
            runs.append([word])
    for run in runs:
        while run and _NAMES_NOTHING.fullmatch(run[-1].text):
            run.pop()
        while len(run) > 1 and _leads_nowhere(run[0].text):
            del run[0]
    return [run for run in runs if run]


def _leads_nowhere(word: str) -> bool:
    """Whether it is no part of the name that follows: *especially* stress, *strengthens* memory."""
    return word.endswith("ly") or word == "equals" or (word.endswith("s") and is_verb(word))
