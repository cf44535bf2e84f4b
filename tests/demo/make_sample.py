"""Sets `sample.md` as `sample.pdf`, a chapter a page: `python tests/demo/make_sample.py`."""

import re
from pathlib import Path

from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate

HERE = Path(__file__).parent
TITLE = ParagraphStyle("title", fontName="Times-Bold", fontSize=18, leading=22, spaceAfter=8)
HEADING = ParagraphStyle("heading", fontName="Times-Bold", fontSize=13, leading=16, spaceBefore=4, spaceAfter=6)
BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10, leading=13, spaceAfter=6, alignment=4)


def story(markdown: str) -> list[Flowable]:
    """Platypus flowables; every chapter but the first begins a page."""
    flowables: list[Flowable] = []
    for block in re.split(r"\n{2,}", markdown.strip()):
        text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", block).replace("ź", "z")
        if text.startswith("## "):
            if not text.startswith("## 1."):
                flowables.append(PageBreak())
            flowables.append(Paragraph(text[3:], HEADING))
        elif text.startswith("# "):
            flowables.append(Paragraph(text[2:], TITLE))
        else:
            flowables.append(Paragraph(text, BODY))
    return flowables


if __name__ == "__main__":
    # invariant: the same bytes for the same text, so that a rebuilt sample is no change.
    document = SimpleDocTemplate(
        str(HERE / "sample.pdf"),
        pagesize=A5,
        title="How Memory Keeps What You Study",
        author="Study Teddy",
        invariant=1,
        leftMargin=45,
        rightMargin=45,
        topMargin=45,
        bottomMargin=45,
    )
    document.build(story((HERE / "sample.md").read_text(encoding="utf-8")))
