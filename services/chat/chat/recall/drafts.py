"""A question that can be asked of a passage, with what a right answer says and where that stands."""

from dataclasses import dataclass
from enum import StrEnum

from chat.passages import Passage
from chat.terms import question_terms, stem, terms, words
from chat.wording import negates


class Form(StrEnum):
    """What is asked for: `definition` what something is, `term` what is described, `reason` why, `relation` what something
    leads to, consists of or is for, `blank` what is missing."""

    DEFINITION = "definition"
    TERM = "term"
    REASON = "reason"
    RELATION = "relation"
    BLANK = "blank"


SHORT = (Form.TERM, Form.BLANK)
"""The forms that are answered with a term, a name or a number."""
BLANK = "_____"


@dataclass(frozen=True, slots=True)
class Draft:
    """`reference` is the sentence that answers, for reading, and stands in `passage.text[start:end]`; `answer` is the part
    of it that is asked for. `worth` orders drafts, 0 to 1."""

    form: Form
    concept: str
    question: str
    answer: str
    reference: str
    passage: Passage
    start: int
    end: int
    worth: float

    @property
    def about(self) -> frozenset[str]:
        """What tells concepts apart, whatever the form."""
        return frozenset(terms(self.concept)) or frozenset(words(self.concept))

    @property
    def gives_itself_away(self) -> bool:
        """Whether the question holds what is asked for, or too little is left to be said."""
        asked = frozenset(map(stem, words(self.question)))
        if self.form in SHORT:
            wanted = [stem(word) for word in words(self.answer)]
            return any(word in asked for word in wanted if len(word) > 2) or not wanted
        return len(set(question_terms(self.answer)) - asked) < _FEWEST_NEW_TERMS

    @property
    def denies(self) -> bool:
        """Whether what is missing stands behind a denial: whoever says it whole seems to deny it."""
        before = self.question.split(BLANK)[0].casefold().replace("’", "'").split()[-3:]
        return BLANK in self.question and any(negates(word.strip(",.;:")) for word in before)


_FEWEST_NEW_TERMS = 3
