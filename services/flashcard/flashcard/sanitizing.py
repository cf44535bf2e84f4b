"""HTML of a card that may stand in a page of ours: what Anki's and Markdown's text needs, and nothing that runs, loads or covers.

Pictures and sounds are the student's own media, at the gateway's path, or a picture by https; links go to other pages.
"""

from urllib.parse import quote, unquote, urlsplit

import nh3

from flashcard.formulas import MARKS
from flashcard.media import may_be_media

MEDIA_PATH = "/api/v1/flashcards/media/"


def _words(text: str) -> set[str]:
    return set(text.split())


_TAGS = _words(
    "a abbr audio b big blockquote br center code dd del dfn div dl dt em font h1 h2 h3 h4 h5 h6 hr i img ins"
    " kbd li mark ol p pre q rp rt ruby s samp small span strike strong sub sup table tbody td tfoot th thead"
    " tr tt u ul var"
)
# What stands in these is no text for a reader.
_WITHOUT_TEXT = _words("iframe math noembed noframes noscript object script select style svg template textarea title")
# Beside these, what HTML knows. Any other name in angle brackets is a text's own, such as C++'s `vector<int>`.
HTML_TAGS = _TAGS | _WITHOUT_TEXT | _words(
    "acronym address applet area article aside base bdi bdo blink body button canvas caption cite col colgroup data datalist details"
    " dialog dir embed fieldset figcaption figure footer form frame frameset head header hgroup html image input label legend link"
    " listing main map marquee menu meta meter nav optgroup option output param picture plaintext portal progress search section"
    " slot source summary time track video wbr xmp"
)  # fmt: skip
_ATTRIBUTES = {
    "*": {"dir", "lang", "style", "title"},
    "a": {"href"},
    "audio": {"controls", "preload", "src"},
    "font": {"color"},
    "img": {"alt", "height", "src", "width"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
}
_STYLES = _words(
    "background-color color font-style font-weight height list-style-type max-height max-width text-align"
    " text-decoration vertical-align width"
)


def media_path(name: str) -> str | None:
    """Where the picture or sound with this name is served; None for what cannot be the name of one."""
    read = name.strip()
    return MEDIA_PATH + quote(read, safe="") if may_be_media(read) else None


def _attribute(tag: str, name: str, value: str) -> str | None:
    value = MARKS.sub("", value)
    if name == "href":
        return value if urlsplit(value).scheme in ("http", "https", "mailto") else None
    if name != "src":
        return value
    if tag == "img" and value.lower().startswith("https://"):
        return value
    return media_path(unquote(value.removeprefix(MEDIA_PATH)))


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_WITHOUT_TEXT,
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    url_schemes={"http", "https", "mailto"},
    allowed_classes={"span": {"cloze", "math"}},
    filter_style_properties=_STYLES,
    set_tag_attribute_values={"a": {"target": "_blank"}, "img": {"referrerpolicy": "no-referrer"}},
)


def sanitized(html: str) -> str:
    """The same without anything that is not allowed. What it gives, it leaves as it is."""
    return _CLEANER.clean(html)
