"""How the tutor without a model answers what search finds: what it refuses, and whether the sentence that answers is in what it says."""

import re

from chat import offline
from chat.passages import Passage
from chat.questions import read_question
from ingestion.search import SearchQuery

from .corpora import Corpus, Question
from .library import Shelved

PASSAGES = 8


async def show(corpus: Corpus, here: Shelved) -> None:
    """Print its figures."""
    refused = {True: 0, False: 0}
    there = told = 0
    for question in corpus.questions:
        texts, said = await _answer(here, question)
        refused[question.book is not None] += not said
        quotes = [quote for gold in question.gold if (quote := _plain(gold.get("quote") or ""))]
        found = [quote for quote in quotes if any(quote in _plain(text) for text in texts)]
        there += bool(found)
        told += any(quote in _plain(said) for quote in found)
    answerable = sum(question.book is not None for question in corpus.questions)
    print(
        f"offline tutor, {PASSAGES} passages: {refused[False]} of {len(corpus.questions) - answerable} unanswerable refused, {refused[True]} of"
        f" {answerable} answerable ones; the gold sentence is in {told} of {there} answers where it was found\n"
    )


async def _answer(here: Shelved, question: Question) -> tuple[list[str], str]:
    """The passages found, and what the tutor quotes of them."""
    answer = await here.search.find(SearchQuery(query=question.text, limit=PASSAGES), owner=here.owner)
    passages = [
        Passage(p.passage_id, p.document_id, p.document_title, p.page, p.part, p.quote, p.start, p.end, p.score)
        for p in answer.passages
    ]
    asked = read_question(question.text)
    holds = answer.answerable or offline.stands_defined(asked, passages)
    excerpts = offline.find_answer(asked, passages) if holds else []
    return [passage.text for passage in passages], " ".join(excerpt.quote for excerpt in excerpts)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text.casefold().replace("-\n", "")).strip()
