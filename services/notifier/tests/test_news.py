"""What is due, in a sentence: decks by their names, where those are names."""

from datetime import UTC, date, datetime

import pytest
from contracts.flashcard import DueDeck
from notifier.news import reviews_due


@pytest.mark.parametrize(
    ("decks", "more", "listed"),
    [
        ([], 0, ""),
        ([("Biology: cells", 12)], 0, ": Biology: cells 12"),
        ([("Biology", 9), ("evil.example", 2)], 1, ": Biology 9, 2 other decks 3"),
        ([("evil.example", 12)], 0, ""),
        ([("evil.example", 7)], 2, ""),
    ],
)
def test_decks_are_listed_where_some_can_be_named(decks: list[tuple[str, int]], more: int, listed: str) -> None:
    due = [DueDeck(name=name, cards=cards) for name, cards in decks]
    told = reviews_due(date(2026, 11, 27), 12, 0, due, more)
    assert told.body == f"12 reviews are due today{listed}. Some are still to be done."


def test_of_cards_that_came_in_the_course_of_the_day_the_first_are_not_told_for_all() -> None:
    since = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
    told = reviews_due(date(2026, 11, 27), 0, 1, [DueDeck(name="Biology", cards=1)], since=since)
    assert told.body == "Cards came in the course of the day, and some are still to be done."
