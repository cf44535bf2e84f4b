"""Functions of something, as formulas write them: O(n log n), f(x)."""

import re
import unicodedata

FORMULA = r"\b[^\W\d_]\((?:[^()\n]|\([^()\n]*\)){1,30}\)"
_UNSAID = re.compile(r"[\s()^*·]+")


def formulas(text: str) -> frozenset[str]:
    """The formulas of a text, each the same however it is written: O(n²) and O(n^2), O(log n) and O(log(n))."""
    return frozenset(map(folded, re.findall(FORMULA, unicodedata.normalize("NFKC", text))))


def folded(written: str) -> str:
    """A formula without what may be written or not."""
    return f"{written[0]}({_UNSAID.sub('', written[2:-1])})".casefold()


def is_formula(token: str) -> bool:
    """Whether a token is a formula."""
    return len(token) > 1 and token.endswith(")")
