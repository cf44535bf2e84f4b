"""Words that were cut at the end of a line.

PDFium says U+0002 (or U+FFFE) for a hyphen that ends a line, and drops the line break; other producers write a hyphen, soft
hyphen or U+2010 and the break. Whether the hyphen belongs to the word is decided by the words that the document uses elsewhere,
and without such evidence by the first half: `self-employed` keeps it, `infor-mation` does not. A chain keeps it, too: `face-to-face`,
and `renin-angiotensin-aldosterone` where the document knows both words.
"""

import re

# One set of characters in front, so that the search is one for characters.
_HYPHEN = re.compile(r"[\x02\ufffe\u2010\u00ad-](?:(?<=[\x02\ufffe])\n?|\n)")
_HEAD = re.compile(r"[^\W\d_]+$")
_TAIL = re.compile(r"[^\W\d_]+")
_REST = re.compile(r"\S* ?")
_LEFT_OVER = re.compile(r"[\x02\ufffe]\n?")
_KEEPS_HYPHEN = frozenset(
    _TAIL.findall(
        "above after all anti best better cross ever ex far fast first five four free full half hand hard high ill large late "
        "left long low lower middle multi near never new non off old one open part post pre pro re real right second self semi "
        "short single six slow small so still ten third three top two upper well wide zero"
    )
)
_GOES_ON = re.compile(r"[-\u2010][^\W\d_]")
_LINKS = frozenset(_TAIL.findall("a and as at by de down en for in la of off on or out over the to up"))
_BESIDE_WORDS = ".,;:!?()[]“”\"'"
MOST_PAGES = 50


class Hyphens:
    """Joins the cut words of one document, page after page, and learns its words from the first pages."""

    def __init__(self) -> None:
        self._words: set[str] = set()
        self._pages = 0
        self._unlearned: list[str] = []

    def join(self, text: str) -> str:
        """The text with cut words whole; the line break moves behind the word."""
        if self._pages < MOST_PAGES:
            self._pages += 1
            self._unlearned.append(text)
        whole: list[str] = []
        done = 0
        for cut in _HYPHEN.finditer(text):
            head = _HEAD.search(text, max(done, cut.start() - 50), cut.start())
            tail = _TAIL.match(text, cut.end())
            if head is None or tail is None or cut.start() < done:
                continue  # no word, or one that goes over three lines
            self._learn()
            rest = _REST.match(text, tail.end())
            end = rest.end() if rest else tail.end()
            hyphen = self._hyphen(head[0], tail[0], chain=_GOES_ON.match(text, tail.end()) is not None)
            whole += (text[done : cut.start()], hyphen, text[cut.end() : end].rstrip(" "), "\n")
            done = end + 1 if text.startswith("\n", end) else end
        return _LEFT_OVER.sub("-", "".join((*whole, text[done:])))

    def _learn(self) -> None:
        # Most documents cut no words, and need not be learnt from.
        for text in self._unlearned:
            self._words.update(word.strip(_BESIDE_WORDS) for word in text.lower().split())
        self._unlearned.clear()

    def _hyphen(self, head: str, tail: str, *, chain: bool) -> str:
        if f"{head}-{tail}".lower() in self._words:
            return "-"
        if chain and (tail in _LINKS or {head.lower(), tail.lower()} <= self._words):
            return "-"
        if f"{head}{tail}".lower() in self._words:
            return ""
        return "-" if tail[0].isupper() or head.lower() in _KEEPS_HYPHEN else ""
