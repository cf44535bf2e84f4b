"""Hostile cards in a real browser: their HTML runs nothing, and what is exported is what was written."""

import csv
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser import STRANGER, Browser, chromium
from .hostile_cards import CLOZES, IN_MARKDOWN, RUN
from .students import Json, Student

# Each text becomes a document of its own and a part of this one; then whatever can be pressed is.
SHOW = """
const seen = [];
window.hit = () => seen.push('called');
for (const name of ['alert', 'confirm', 'prompt', 'open']) window[name] = () => seen.push(name);
const results = [];
for (const html of texts) {
    seen.length = 0;
    const frame = document.createElement('iframe');
    const loaded = new Promise((done) => { frame.onload = done; });
    frame.srcdoc = `<script>window.hit = parent.hit</` + `script>` + html;
    document.body.append(frame);
    const part = document.createElement('div');
    part.innerHTML = html;
    document.body.append(part);
    await Promise.race([loaded, new Promise((done) => setTimeout(done, 2000))]);
    for (const root of [part, frame.contentDocument ? frame.contentDocument.body : part]) {
        for (const element of root.querySelectorAll('*')) {
            element.addEventListener?.('click', (event) => {
                const link = event.target.closest?.('a');
                if (link && !/^javascript:/i.test(link.href?.baseVal ?? link.protocol)) event.preventDefault();
            });
            for (const kind of ['mouseover', 'click']) element.dispatchEvent(new MouseEvent(kind, { bubbles: true, cancelable: true }));
        }
    }
    await new Promise((done) => setTimeout(done, 30));
    const all = [...part.querySelectorAll('*')];
    results.push({
        hits: seen.length,
        tags: all.map((element) => element.localName),
        handlers: all.flatMap((element) => element.getAttributeNames().filter((name) => name.startsWith('on'))),
        links: all.flatMap((element) => ['href', 'src', 'srcset', 'action', 'xlink:href'].map((name) => element.getAttribute(name)).filter(Boolean)),
        styles: all.map((element) => element.getAttribute('style')).filter(Boolean),
    });
    frame.remove();
    part.remove();
}
return results;
"""
KNOWN = "a audio b blockquote br code del div em font h1 h2 hr i img li ol p pre s span strong table tbody td tr u ul"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("hostile") / "profile") as browser:
        yield browser


async def shown(browser: Browser, texts: list[str]) -> list[Json]:
    """What became of each of these in a page."""
    async with browser.tab() as tab:
        seen: list[Json] = await tab.run(f"const texts = {json.dumps(texts)};{SHOW}")
        return seen


async def written(student: Student, markup: str) -> list[Json]:
    """A card for each hostile text, and both of its sides as the queue and the card itself give them."""
    deck = (await student.http.post("/decks", json={"name": f"Hostile {markup}"})).json()
    cards = []
    for kind, texts in (("basic", [*RUN, *IN_MARKDOWN]), ("cloze", CLOZES)):
        for text in texts:
            body = {"question": text, "answer": text, "kind": kind, "markup": markup, "deck_id": deck["id"]}
            made = await student.http.post("/flashcards", json=body)
            assert made.status_code == 201, made.text
            one = (await student.http.get(f"/flashcards/{made.json()['cards'][0]['id']}")).json()
            assert (one["question"], one["answer"]) == (text, text)
            cards.append(one)
    return cards


@pytest.mark.timeout(180)
async def test_the_corpus_would_run_as_it_is(browser: Browser) -> None:
    results = await shown(browser, RUN)
    tame = [text for text, result in zip(RUN, results, strict=True) if not result["hits"]]
    # A browser of another year may have closed one of these holes; a corpus that does nothing would prove nothing.
    assert len(tame) <= len(RUN) // 4, tame


@pytest.mark.timeout(300)
@pytest.mark.parametrize("markup", ["markdown", "html"])
async def test_a_hostile_card_runs_nothing_and_goes_out_as_it_was_written(
    browser: Browser, student: Student, tmp_path: Path, markup: str
) -> None:
    cards = await written(student, markup)
    texts = [card[side] for card in cards for side in ("front_html", "back_html")]
    for text, result in zip(texts, await shown(browser, texts), strict=True):
        assert result["hits"] == 0, text
        assert not result["handlers"], text
        assert set(result["tags"]) <= set(KNOWN.split()), text
        assert all(link.startswith(("https://", "http://", "/api/v1/flashcards/media/")) for link in result["links"]), (
            text
        )
        assert not [style for style in result["styles"] if "url" in style or "position" in style], text
        assert f"//{STRANGER}" not in "".join(result["links"]), text

    questions = sorted(card["question"] for card in cards)
    deck = f"/decks/{cards[0]['deck_id']}/export"
    table = (await student.http.get(deck, params={"format": "csv"})).text
    rows = list(csv.reader(line for line in io.StringIO(table, newline="") if not line.startswith("#")))
    assert sorted(row[3] for row in rows) == sorted(row[4] for row in rows) == questions
    with zipfile.ZipFile(io.BytesIO((await student.http.get(deck)).content)) as package:
        (tmp_path / "collection").write_bytes(package.read("collection.anki2"))
    collection = sqlite3.connect(tmp_path / "collection")
    fields = [row[0].split("\x1f") for row in collection.execute("SELECT flds FROM notes")]
    collection.close()
    assert sorted(field for field, _ in fields) == sorted(field for _, field in fields) == questions
