"""What is to be done in each deck of a student's, as the queue of that deck counts it, for all decks at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from flashcard.decks import SEPARATOR
from flashcard.queue import ALLOWED, IS_DUE, IS_NEW, IS_STEP, IS_STEP_TODAY, LOOK_AHEAD

# Deck by deck, without what lies in it: cards of a note lie in one deck, so that those that stay apart are seen here as in the queue of
# any deck around it. A note counts as the first kind that it has, where its cards stay apart. Counted once for all decks (MATERIALIZED),
# or a planner that takes them for fewer than they are would do it deck by deck.
_OF_A_KIND = "SELECT deck_id, note_id, {number} AS kind FROM card WHERE user_id = :owner AND NOT suspended AND {kind}"
_BY_DECK = text(f"""
    {ALLOWED.format(decks="true")}, noted AS (
        SELECT deck_id, note_id, min(kind) AS first,
               count(*) FILTER (WHERE kind = 1) AS due, count(*) FILTER (WHERE kind = 2) AS new
        FROM (
            {_OF_A_KIND.format(number=0, kind=IS_STEP_TODAY)}
            UNION ALL {_OF_A_KIND.format(number=1, kind=IS_DUE)}
            UNION ALL {_OF_A_KIND.format(number=2, kind=IS_NEW)}
        ) AS waiting GROUP BY deck_id, note_id
    ), counted AS MATERIALIZED (
        SELECT deck_id, sum(due)::int AS due, sum(noted.new)::int AS new,
               (count(*) FILTER (WHERE first = 1))::int AS notes_due, (count(*) FILTER (WHERE first = 2))::int AS notes_new
        FROM noted GROUP BY deck_id
    ), stepping AS MATERIALIZED (
        SELECT deck_id, count(*) FILTER (WHERE due_at <= :now) AS over, count(*) AS soon FROM card
        WHERE user_id = :owner AND NOT suspended AND {IS_STEP} AND due_at <= :ahead GROUP BY deck_id
    )
    SELECT deck_id AS id, name, reviews_per_day, new_per_day, reviewed, begun,
           least(coalesce(CASE WHEN apart THEN notes_due ELSE due END, 0), greatest(0, reviews)) AS due,
           least(coalesce(CASE WHEN apart THEN notes_new ELSE counted.new END, 0), greatest(0, allowed.new)) AS new,
           over, soon, (SELECT count(*) FROM card WHERE card.deck_id = allowed.deck_id) AS cards
    FROM allowed LEFT JOIN counted USING (deck_id) LEFT JOIN stepping USING (deck_id)
""")  # noqa: S608 # texts of ours


@dataclass(slots=True)
class _Tree:
    """A deck and all that lies in it: what its own limits allow, and what is left and was done in each of its decks."""

    reviews_per_day: int
    new_per_day: int
    cards: int = 0
    due: int = 0
    new: int = 0
    reviewed: int = 0
    begun: int = 0
    over: int = 0
    soon: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """What the queue of a deck counts, and how many cards are in it and in what lies in it."""

    learning: int
    due: int
    new: int
    cards: int


NOTHING = Counts(0, 0, 0, 0)
_SUMMED = ("cards", "due", "new", "reviewed", "begun", "over", "soon")


async def counts_of(
    session: AsyncSession, owner: UUID, now: datetime, today: date, ends_at: datetime
) -> Mapping[UUID, Counts]:
    """The counts of all decks of the student's, on a day that ends at `ends_at`."""
    asked = {"owner": owner, "now": now, "ahead": now + LOOK_AHEAD, "today": today, "ends_at": ends_at}
    rows = (await session.execute(_BY_DECK, asked)).all()
    trees = {row.name: _Tree(row.reviews_per_day, row.new_per_day) for row in rows}
    for row in rows:
        for name in _around(row.name):
            if (tree := trees.get(name)) is not None:
                for each in _SUMMED:
                    setattr(tree, each, getattr(tree, each) + (getattr(row, each) or 0))
    return {row.id: _counts(trees[row.name]) for row in rows}


def _around(name: str) -> Iterator[str]:
    """The names of the decks that a deck lies in, and its own."""
    place = name.find(SEPARATOR)
    while place >= 0:
        yield name[:place]
        place = name.find(SEPARATOR, place + 1)
    yield name


def _counts(tree: _Tree) -> Counts:
    due = max(0, min(tree.due, tree.reviews_per_day - tree.reviewed))
    new = max(0, min(tree.new, tree.new_per_day - tree.begun))
    # Where nothing else is left, a step that is over soon comes at once.
    learning = tree.over if due or new or tree.over else tree.soon
    return Counts(learning, due, new, tree.cards)
