"""A card's sides as HTML: what Markdown and Anki's HTML come to, what stays of formulas, and that nothing in it is dangerous."""

import re
import time

import pytest
from flashcard.card_html import html_of, html_sides
from flashcard.media import names_used, with_names
from flashcard.models import Markup, NoteKind
from flashcard.sanitizing import sanitized
from hypothesis import given
from hypothesis import strategies as st

MARKDOWN, HTML = Markup.MARKDOWN, Markup.HTML


def formula(latex: str) -> str:
    return f'<span class="math">{latex}</span>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("What is a cell?", "<p>What is a cell?</p>\n"),
        ("**b** _i_ ~~s~~ `c`", "<p><strong>b</strong> <em>i</em> <s>s</s> <code>c</code></p>\n"),
        ("one\ntwo", "<p>one<br>\ntwo</p>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("x <b>y</b>", "<p>x <b>y</b></p>\n"),
    ],
)
def test_markdown_may_have_html_in_it(text: str, html: str) -> None:
    assert html_of(text, MARKDOWN) == html


@pytest.mark.parametrize(
    "text", ["5*3*2 __init__ # 1945. x", "a<br>b <i>c</i>", "a &lt; b", "<ruby>漢<rt>kan</rt></ruby>"]
)
def test_ankis_html_is_no_markdown(text: str) -> None:
    assert html_of(text, HTML) == text


@pytest.mark.parametrize("markup", Markup)
@pytest.mark.parametrize(
    ("text", "html"),
    [
        (r"\(a_1 * b_2\) and \(c_3*d\)", formula(r"\(a_1 * b_2\)") + " and " + formula(r"\(c_3*d\)")),
        (r"\[\frac{1}{2} \\ x\]", formula(r"\[\frac{1}{2} \\ x\]")),
        (r"$$x_1 < y_2$$", formula(r"$$x_1 &lt; y_2$$")),
        (r"[$]x_1 [/$] [$$]y[/$$]", formula(r"\(x_1 \)") + " " + formula(r"\[y\]")),
        (r"\(a &lt; b<br>c\)", formula("\\(a &lt; b\nc\\)")),
        (r"\(</span><img src=x onerror=alert(1)>\)", formula(r"\(&lt;/span&gt;&lt;img src=x onerror=alert(1)&gt;\)")),
    ],
)
def test_formulas_are_left_to_the_page(text: str, html: str, markup: Markup) -> None:
    assert html in html_of(text, markup)


@pytest.mark.parametrize("markup", Markup)
@pytest.mark.parametrize(
    ("text", "html"),
    [
        (r"a [latex]\frac{x_1}{2}*y*[/latex] b", "a " + formula(r"\[\frac{x_1}{2}*y*\]") + " b"),
        (r"[LaTeX]x[/LATEX]", formula(r"\[x\]")),
        (
            r"[latex]\begin{align}a &amp;= b \\[2pt] c &amp;= \text{if $d$}\end{align}[/latex]",
            formula(r"\[\begin{align}a &amp;= b \\[2pt] c &amp;= \text{if $d$}\end{align}\]"),
        ),
        (
            r"[latex]So $x_1 < 2$, \$5 and<br>$$y$$ or \[z\] and \(w\)[/latex]",
            "So " + formula(r"\(x_1 &lt; 2\)") + r", \$5 and<br>" + formula("$$y$$") + " or " + formula(r"\[z\]") + " and " + formula(r"\(w\)"),
        ),
        (
            "[latex]</span><img src=x onerror=alert(1)> $<script>y</script>$ &lt;b&gt;[/latex]",
            "&lt;/span&gt;&lt;img src=x onerror=alert(1)&gt; " + formula(r"\(&lt;script&gt;y&lt;/script&gt;\)") + " &lt;b&gt;",
        ),
        ("[latex][/latex] [latex]x", "[latex][/latex] [latex]x"),
        ("[latex] [$]x[/$]", "[latex] " + formula(r"\(x\)")),
    ],
)  # fmt: skip
def test_ankis_latex_is_left_to_the_page_too(text: str, html: str, markup: Markup) -> None:
    assert html in html_of(text, markup)


def test_latex_in_code_is_code_and_a_cloze_in_it_is_hidden() -> None:
    assert html_of("`[latex]x[/latex]`", MARKDOWN) == "<p><code>[latex]x[/latex]</code></p>\n"
    front, back = html_sides(NoteKind.CLOZE, HTML, r"[latex]{{c1::x^2}} + 1[/latex]", "", 0)
    assert (front, back) == (formula(r"\[[...] + 1\]"), formula(r"\[x^2 + 1\]"))


def test_a_formula_of_several_lines_is_no_list() -> None:
    text = "$$\na\n- b\n= c\n$$"
    assert html_of(text, MARKDOWN) == "<p>" + formula(text) + "</p>\n"


def test_dollars_are_formulas_in_markdown_unless_they_are_prices_or_code() -> None:
    assert html_of("so $x_1$ it is", MARKDOWN) == "<p>so " + formula(r"\(x_1\)") + " it is</p>\n"
    for text in ("$5 or $6", r"\$x\$", "`$x$`", "```\n$x$\n```", "$x\n\ny$"):
        assert "math" not in html_of(text, MARKDOWN)
    assert html_of("so $x$ it is", HTML) == "so $x$ it is"


def test_a_cloze_hides_and_shows_its_own_number() -> None:
    text = "{{c1::Mitosis}} has **{{c2::four::how many?}}** phases, {{c1::one\n\nafter}} the other"
    front, back = html_sides(NoteKind.CLOZE, MARKDOWN, text, "Really", 0)
    hidden = '<span class="cloze">[...]</span>'
    assert front == f"<p>{hidden} has <strong>four</strong> phases, {hidden} the other</p>\n"
    shown = ['<span class="cloze">' + word + "</span>" for word in ("Mitosis", "one", "after")]
    assert back == (
        f"<p>{shown[0]} has <strong>four</strong> phases, {shown[1]}</p>\n<p>{shown[2]} the other</p>\n<p>Really</p>\n"
    )
    front, back = html_sides(NoteKind.CLOZE, MARKDOWN, text, "", 1)
    assert '<strong><span class="cloze">[how many?]</span></strong>' in front
    assert '<strong><span class="cloze">four</span></strong>' in back


def test_a_cloze_in_ankis_html_and_in_a_formula() -> None:
    text = r"<i>{{c1::a}}</i> \({{c1::x^2}} + 1\)"
    front, back = html_sides(NoteKind.CLOZE, HTML, text, "more", 0)
    assert front == '<i><span class="cloze">[...]</span></i> ' + formula(r"\([...] + 1\)")
    assert back == '<i><span class="cloze">a</span></i> ' + formula(r"\(x^2 + 1\)") + "<br>\nmore"


@pytest.mark.parametrize(
    ("source", "served"),
    [
        ("cell.png", "cell.png"),
        ("my cell%20wall.png", "my%20cell%20wall.png"),
        ("ä.png", "%C3%A4.png"),
        ("/api/v1/flashcards/media/cell.png", "cell.png"),
    ],
)
def test_pictures_are_the_students_media(source: str, served: str) -> None:
    path = f"/api/v1/flashcards/media/{served}"
    assert html_of(f'<img src="{source}" width=20>', HTML) == (
        f'<img src="{path}" width="20" referrerpolicy="no-referrer">'
    )


def test_a_sound_is_named_in_html_and_not_by_its_address() -> None:
    text = "[sound:a &amp; b%20.mp3]"
    assert '/media/a%20%26%20b%2520.mp3"' in html_of(text, HTML)
    assert "a & b%20.mp3" in names_used(text)
    again = with_names(text, {"a & b%20.mp3": "a & b%20-12.mp3"})
    assert again == "[sound:a &amp; b%20-12.mp3]"
    assert "a & b%20-12.mp3" in names_used(again)


def test_markdowns_pictures_and_ankis_sounds_are_too() -> None:
    assert 'src="/api/v1/flashcards/media/a_b.png" alt="x"' in html_of("![x](a_b.png)", MARKDOWN)
    sound = '<audio controls="" preload="none" src="/api/v1/flashcards/media/a_b.mp3"></audio>'
    assert html_of("[sound:a_b.mp3]", HTML) == sound
    assert html_of("[sound:a_b.mp3]", MARKDOWN) == f"<p>{sound}</p>\n"
    assert html_of("[sound:../x]", HTML) == ""


@pytest.mark.parametrize(
    "source", ["//evil.example/x", "../x", "/x", "x/y", "http://x.example/y", "data:image/png,x", ".."]
)
def test_pictures_from_elsewhere_are_not_loaded(source: str) -> None:
    assert html_of(f'<img src="{source}">', HTML) == '<img referrerpolicy="no-referrer">'
    assert "src" not in html_of(f"![]({source})", MARKDOWN)


def test_media_are_found_and_named_anew_where_a_text_uses_them() -> None:
    text = """<img src="my a.png"><img src='b.png'><img src=c.png> [sound:d e.mp3] ![x](f%20g.png) ![](<h i.png>) a.png aa.png"""
    names = {"my a.png", "b.png", "c.png", "d e.mp3", "f g.png", "h i.png"}
    assert names <= names_used(text)
    assert "a.png" not in names_used(text)
    renamed = with_names(
        text, {"a.png": "no.png", "b.png": "c.png", "c.png": "b.png", "my a.png": "A", "f g.png": "F G.png"}
    )
    assert renamed == (
        """<img src="A"><img src='c.png'><img src=b.png> [sound:d e.mp3] ![x](F%20G.png) ![](<h i.png>) a.png aa.png"""
    )


def test_colours_stay_and_what_covers_the_page_goes() -> None:
    styled = '<span style="color: red; position: fixed; background-image: url(//x)" onclick="x()" id="y">z</span>'
    assert html_of(styled, HTML) == '<span style="color:red">z</span>'


# Pieces of which hostile and everyday cards are made.
PIECES = [
    "<script>", "</script>", "<img src=", "x onerror=alert(1)", ">", "<", '"', "'", "<svg onload=x>", "<math>", "<style>", "</style>",
    "javascript:x", "[a](", ")", "![", "](", "`", "```\n", "$", "$$", "\\(", "\\)", "\\[", "\\]", "{{c1::", "{{c2::", "}}", "::", "<!--", "-->", "&lt;",
    "&#x6a;", "\n", "\n\n", "<table>", "<td>", "<p>", "</p>", "<a href=", "<textarea>", "<title>", "[sound:", "]", "[$]", "[/$]", "[latex]", "[/latex]", "*", "_", "x", " ",
    "\ufdd0", "\ufdd1", "\ufdd2", "0", "\ufdd3", "<noscript>", "<span class=cloze style='color:red'>", "</span>", "\x00", "é", "|", "|-|\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.sampled_from(Markup), st.sampled_from([0, 1]))
def test_what_is_shown_is_clean_whatever_was_written(text: str, markup: Markup, ordinal: int) -> None:
    for side in html_sides(NoteKind.CLOZE, markup, text, text, ordinal):
        assert sanitized(side) == side
        assert not re.search("[\ufdd0-\ufdd3]", side)
        tags = re.findall(r"<[^>]*>", side)
        assert not [tag for tag in tags if re.match(r"<(script|svg|math|style|iframe|textarea)|.*\son\w+=", tag)]


@given(st.from_regex(r"[A-Za-zé][A-Za-z0-9é ,;:?'\"()%/–.-]{0,20}", fullmatch=True))
def test_plain_lines_are_what_markdown_makes_of_them(text: str) -> None:
    marked = html_of(f"<!-- -->{text}", HTML)  # what the sanitizer makes of it
    assert html_of(text, MARKDOWN) == f"<p>{marked.rstrip()}</p>\n"


@pytest.mark.parametrize("markup", Markup)
@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "![",
        "*a ",
        "`",
        "<div>",
        "<div></b>",
        "<b>",
        "$a ",
        "\\(",
        "[$]a",
        "[latex]a",
        "[latex]a[/latex]",
        "{{c1::a}}",
        "<a b='",
        "> ",
        "&",
        "<!--",
    ],
)
def test_no_text_takes_long(piece: str, markup: Markup) -> None:
    text = (piece * 64_000)[:64_000]
    began = time.process_time()
    html_of(text, markup)
    assert time.process_time() - began < 5, "seconds, where milliseconds are usual"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("vector<int> and map<string, int>", "<p>vector&lt;int&gt; and map&lt;string, int&gt;</p>\n"),
        ("<T>\nis a type", "&lt;T&gt;\nis a type"),
        ("List<Item>() is <b>bold</b>", "<p>List&lt;Item&gt;() is <b>bold</b></p>\n"),
        ("a <label>b</label> <script>c</script>d", "<p>a b d</p>\n"),
        ("`vector<int>`", "<p><code>vector&lt;int&gt;</code></p>\n"),
    ],
)
def test_what_only_looks_like_html_is_shown_as_text(text: str, shown: str) -> None:
    assert html_of(text, MARKDOWN) == shown
