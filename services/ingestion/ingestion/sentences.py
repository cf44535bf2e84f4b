"""Where sentences end, in any language, well enough to give each a vector of its own."""

import re

_LEAST_CHARACTERS = 20
"""Less is an abbreviation, a number or a lone heading: it goes with what follows."""
_BORDER = re.compile(
    r"""
      [.!?…؟।]["'”’»)\]]*\s+      # a mark, what it closes, and space,
    | [。！？]["”’」』）]*\s*         # or a mark that needs none,
    | \n[ \t]*\n\s*               # an empty line,
    | \n(?=[ \t]*(?:[-*•▪◦‣#]|\d+[.)])\s)   # an item of a list, a heading of Markdown
    """,
    re.VERBOSE,
)


def sentences(text: str) -> list[str]:
    """The text in sentences, their white space evened out. Nothing of it is left out; an empty text is one empty sentence."""
    found: list[str] = []
    start = 0
    for border in _BORDER.finditer(text):
        end = border.end()
        if _goes_on(text, border.group(), end) or end - start < _LEAST_CHARACTERS:
            continue
        found.append(text[start:end])
        start = end
    if found and len(text) - start < _LEAST_CHARACTERS:
        found[-1] += text[start:]
    else:
        found.append(text[start:])
    return [" ".join(one.split()) for one in found]


def _goes_on(text: str, border: str, end: int) -> bool:
    """Whether the mark was an abbreviation's: a small letter follows."""
    return border[0] in ".!?…" and text[end : end + 1].islower()
