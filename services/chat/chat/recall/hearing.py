"""What of an answer is worth grading at all: silence, the question said again, a question back."""

import re

from chat.wording import read

_BLANK = re.compile(
    r"(?:i )?(?:(?:really |honestly |just )?(?:do not|don't|dont|don t|can't|cannot|couldn't|could not|did not|didn't) (?:know|remember|recall|have (?:a |any )?(?:clue|idea)|say|tell)"
    r"|(?:have |got )?no (?:idea|clue)|forgot(?:ten)?(?: (?:it|that|this))?|(?:am |i'm )?not sure|idk|dunno|no|none|nothing|n/?a|pass|skip|help|what|hm+|um+|uh|weiß nicht|keine ahnung|no sé"
    r"|je ne sais pas)(?: (?:at all|anymore|it|this|that|the answer|yet|sorry|about (?:it|this|that)|honestly))*",
    re.IGNORECASE,
)
_ASKED_BACK = re.compile(
    r"\W*(?:(?:sorry|pardon|wait|but|and|so|ok(?:ay)?|um+|hm+|hey)\W+)*(?:what|why|how|when|where|who|which|can|could|should|will|would|may|do|does|did|are"
    r"|is (?:this|that|there)(?: \w+){3,}|is (?:it|this|that) (?:important|relevant|asked|needed|on|in|going|possible))\b.*\?\W*",
    re.IGNORECASE | re.DOTALL,
)
_NOT_HEARD = re.compile(
    r"(?:please )?(?:(?:repeat|say|ask) (?:that|it|this|the question)(?: again)?|(?:i )?(?:do not|don't|dont|did not|didn't) understand(?: (?:the question|it|that|you))?"
    r"|what do you mean(?: by (?:that|this|it))?|come again)(?: please)?",
    re.IGNORECASE,
)
# "Could it be osmosis?" is a guess.
_GUESSED = re.compile(
    r"\W*(?:could|would|might|may|can|will)(?: not|n't)? (?:it|this|that|the (?:answer|term|word)) (?:also |perhaps |maybe )?(?:be|mean)\b",
    re.IGNORECASE,
)


def says_nothing(answer: str) -> bool:
    """Whether it is no answer, in whatever words."""
    said = " ".join(re.sub(r"[^\w\s'/]+", " ", answer.replace("’", "'")).split())
    said = re.sub(r"^(?:sorry|well|oh|hm+|um+|ok|okay) ", "", said, flags=re.IGNORECASE)
    return not said or bool(_BLANK.fullmatch(said))


def asks_back(answer: str) -> bool:
    """Whether it asks something instead: "Is that important for the exam?", not a guess such as "Is it osmosis?"."""
    said = " ".join(answer.replace("’", "'").split())
    if _GUESSED.match(said):
        return False
    return bool(_ASKED_BACK.fullmatch(said) or _NOT_HEARD.fullmatch(said.strip(" .!?")))


def repeats(answer: str, question: str) -> bool:
    """Whether it says nothing that the question has not said."""
    asked = read(question).bases
    return all(word.base in asked or word.light for word in read(answer).words)
