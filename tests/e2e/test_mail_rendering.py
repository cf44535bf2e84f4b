"""Every mail as a browser shows it, on a phone and beside other windows, in light and in dark, and as text."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from contracts.ingestion import DocumentProcessed
from notifier import news
from notifier.letters import Letter, link_letter, news_letter

from .browser import Browser

TOKEN = "stml_" + "a1B2" * 40
VERIFY, RESET, OFF = (f"https://study.example.org/{page}#token={TOKEN}" for page in ("verify", "reset", "off"))
STUDY = "https://study.example.org/review"
UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
READY = DocumentProcessed(
    version=3,
    document_id=UUID(int=1),
    user_id=UUID(int=2),
    title=f"{'Zellbiologie' * 9}.pdf",
    content_version=1,
    pages=600,
    passages=2000,
)
DAY = date(2026, 11, 20)

# Each with its links in their order, and what it says however it is shown.
LETTERS: dict[str, tuple[Letter, list[str], list[str]]] = {
    "verify_email": (
        link_letter("verify_email", "Ada", VERIFY, UNTIL),
        [VERIFY, VERIFY],
        ["Hello Ada,", "please confirm that this is your email address", "20 November 2026, 12:00 UTC", VERIFY],
    ),
    "reset_password": (
        link_letter("reset_password", "Ada", RESET, UNTIL),
        [RESET, RESET],
        ["Hello Ada,", "asked for a new password", "20 November 2026, 12:00 UTC", "stays as it is", RESET],
    ),
    "document_ready": (
        news_letter(told := news.document_ready(READY), "Ada", OFF, STUDY),
        [OFF],
        ["Hello Ada,", told.title, told.body, "Turn these mails off", OFF],
    ),
    "review_reminder": (
        news_letter(due := news.reviews_due(DAY, 12, 5), "Ada", OFF, STUDY),
        [STUDY, OFF],
        ["Hello Ada,", due.title, due.body, "Study now", "Turn these mails off", STUDY, OFF],
    ),
}

# What a reader would stumble over, in words; links; and what was asked of the network.
LOOK = """
const light = (colour) => {
  const [r, g, b] = colour.match(/[0-9.]+/g).map((part) => part / 255)
    .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const colour = getComputedStyle(element).backgroundColor;
  return colour === 'rgba(0, 0, 0, 0)' ? behind(element.parentElement) : colour;
};
const faults = [];
for (const element of document.body.querySelectorAll('*')) {
  const box = element.getBoundingClientRect(), name = `${element.tagName} ${element.className}`;
  if (box.left < -0.5 || box.right > innerWidth + 0.5 || element.scrollWidth > Math.ceil(box.width) + 1) {
    faults.push(`${name} is as wide as ${element.scrollWidth}, from ${box.left} to ${box.right}`);
  }
  if ([...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())) {
    const [ink, paper] = [light(getComputedStyle(element).color), light(behind(element))];
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (contrast < 4.5) faults.push(`${name} has a contrast of ${contrast}`);
  }
}
for (const link of document.links) {
  link.scrollIntoView({ block: 'center' });
  const box = link.getClientRects()[0];
  if (document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2) !== link) faults.push(`${link.href} is hidden`);
}
return {
  faults,
  width: innerWidth,
  paper: light(behind(document.querySelector('.sheet'))),
  links: [...document.links].map((link) => link.href),
  text: document.body.innerText,
  asked: performance.getEntriesByType('resource').map((entry) => entry.name),
};
"""


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("kind", LETTERS)
@pytest.mark.parametrize("width", [320, 600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_mail_can_be_read_and_its_links_followed(
    browser: Browser, tmp_path: Path, kind: str, width: int, scheme: str
) -> None:
    letter, links, facts = LETTERS[kind]
    page = tmp_path / "mail.html"
    page.write_text(letter.html, encoding="utf-8")
    async with browser.tab() as tab:
        await tab.look(width=width, scheme=scheme)
        await tab.open(page.as_uri())
        shown = await tab.run(LOOK)
    assert shown["faults"] == []
    assert shown["width"] == width
    assert (shown["paper"] > 0.5) == (scheme == "light")
    assert shown["links"] == links
    assert shown["asked"] == []
    for fact in facts:
        assert plain(fact) in plain(letter.text)
        assert fact in links or plain(fact) in plain(shown["text"])
