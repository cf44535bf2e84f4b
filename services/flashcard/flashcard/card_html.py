"""What a card shows as HTML that may stand in a page: Markdown or Anki's HTML, formulas left to KaTeX, deletions marked."""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from flashcard.card_text import Marks, sides
from flashcard.formulas import MARKS, SHOWN, SHOWN_END, Held
from flashcard.models import Markup, NoteKind
from flashcard.sanitizing import HTML_TAGS, media_path, sanitized

# Beyond these, Markdown and deep HTML take seconds to be read: what is so long or deep is shown as the text that it is.
_LONGEST_MARKDOWN, _DEEPEST = 10_000, 200
_MOST_KEPT, _LONGEST_KEPT = 1000, 2000

_MARKDOWN = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(["table", "strikethrough"])
_TAG_NAME = re.compile(r"<(?=/?([a-zA-Z][a-zA-Z0-9-]*))")


def _html(_: RendererProtocol, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
    """HTML that stands in Markdown; what only looks like it is shown as the text that it is."""
    return _TAG_NAME.sub(lambda name: "<" if name[1].lower() in HTML_TAGS else "&lt;", tokens[place].content)


for rule in ("html_inline", "html_block"):
    _MARKDOWN.add_render_rule(rule, _html)
_MARKS = {
    markup: Marks(hidden=(f"{SHOWN}[", f"]{SHOWN_END}"), unsaid="...", shown=(SHOWN, SHOWN_END), between=between)
    for markup, between in ((Markup.MARKDOWN, "\n\n"), (Markup.HTML, "<br>\n"))
}
# Most cards: a line in which nothing means anything to Markdown or HTML.
_PLAIN = re.compile(r"[^\W\d_](?:[^\W_]|[ ,.;:?'\"()%/–—’“”-])*(?<! )")
_OPENED, _PIECES = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)"), re.compile(r'(<(?:[^<>"]|"[^"]*")*>)')
_VOID = frozenset({"br", "hr", "img", "wbr", "input", "col"})


def html_sides(kind: NoteKind, markup: Markup, question: str, answer: str, ordinal: int) -> tuple[str, str]:
    """What a card shows first, and then, as HTML."""
    front, back = sides(kind, MARKS.sub("", question), MARKS.sub("", answer), ordinal, _MARKS[markup])
    return html_of(front, markup), html_of(back, markup)


def html_of(text: str, markup: Markup) -> str:
    """A text as HTML that is safe in a page."""
    return (_kept if len(text) <= _LONGEST_KEPT else _rendered)(text, markup)


def _rendered(text: str, markup: Markup) -> str:
    if markup is Markup.MARKDOWN and _PLAIN.fullmatch(text):
        return f"<p>{text}</p>\n"
    held = Held(_sound)
    taken = held.take(text, markdown=markup is Markup.MARKDOWN)
    if _is_deep(taken) or (markup is Markup.MARKDOWN and len(taken) > _LONGEST_MARKDOWN):
        html = escape(taken).replace("\n", "<br>")
    else:
        html = _MARKDOWN.render(taken) if markup is Markup.MARKDOWN else taken
    return sanitized(held.put_back(_marked(sanitized(html))))


# A student looks at the same cards again and again on a day.
_kept = lru_cache(_MOST_KEPT)(_rendered)


def _marked(html: str) -> str:
    """Clean HTML with what is hidden or shown of a deletion in elements of its own: around text alone, so that they nest."""
    depth, written = 0, []
    for piece in _PIECES.split(html):
        if piece.startswith("<"):
            written.append(piece)
            continue
        for part in re.split(f"([{SHOWN}{SHOWN_END}])", piece):
            if part in (SHOWN, SHOWN_END):
                depth = max(0, depth + (1 if part == SHOWN else -1))
            else:
                written.append(f'<span class="cloze">{part}</span>' if depth and part.strip() else part)
    return "".join(written)


def _is_deep(html: str) -> bool:
    open_now: dict[str, int] = {}
    depth = 0
    for closes, name in _OPENED.findall(html.lower()):
        if name in _VOID or (closes and not open_now.get(name)):
            continue
        change = -1 if closes else 1
        open_now[name] = open_now.get(name, 0) + change
        depth += change
        if depth > _DEEPEST:
            return True
    return False


def _sound(name: str) -> str:
    path = media_path(name)
    return f'<audio controls preload="none" src="{escape(path)}"></audio>' if path else ""
