"""What is to be studied now: steps of minutes that are over, then what is due by its day, then new cards, within the day's limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, func, text, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.decks import Decks
from flashcard.memory import Phase
from flashcard.models import Card, Deck, Note
from flashcard.notes import Shown
from flashcard.scheduling import DeckOptions

# Where nothing else is left, a step that is over this soon is shown at once, as Anki does.
LOOK_AHEAD = timedelta(minutes=20)
_STEP, _DUE, _NEW = range(3)

# How many reviews and new cards the decks still allow today, and whether cards of a note stay apart.
ALLOWED = """
    WITH allowed AS (
        SELECT deck.id AS deck_id, name, (options ->> 'bury_siblings')::boolean AS apart,
               (options ->> 'reviews_per_day')::int AS reviews_per_day, (options ->> 'new_per_day')::int AS new_per_day,
               (options ->> 'reviews_per_day')::int - coalesce(done.reviews, 0) AS reviews,
               (options ->> 'new_per_day')::int - coalesce(done.new, 0) AS new,
               coalesce(done.reviews, 0) AS reviewed, coalesce(done.new, 0) AS begun
        FROM deck LEFT JOIN (
            SELECT deck_id, count(*) FILTER (WHERE memory_before ->> 'phase' IS NULL) AS new,
                   count(*) FILTER (WHERE memory_before ->> 'phase' = 'review') AS reviews
            FROM review WHERE user_id = :owner AND day = :today AND undone_at IS NULL AND NOT imported GROUP BY deck_id
        ) AS done ON done.deck_id = deck.id
        WHERE deck.user_id = :owner AND {decks}
    )
"""
# Each kind by an index of its own: a student's other cards, which are most of them, are not read. Nor are they by OFFSET 0, which
# keeps the planner from looking up all cards of a deck beside.
_OF_A_KIND = """
    FROM (SELECT * FROM card WHERE user_id = :owner AND NOT suspended AND {kind} OFFSET 0) AS card
    JOIN allowed ON allowed.deck_id = card.deck_id
"""
_HERE = "(buried_until IS NULL OR buried_until <= :today)"
# Who was buried for a sibling and reviewed all the same, on another device, goes on with its steps.
IS_STEP = f"due_at IS NOT NULL AND ({_HERE} OR buried_by IS NOT NULL)"
# One that is over on a later day, as Anki's steps of days are, is no card of today.
IS_STEP_TODAY = f"{IS_STEP} AND due_at < :ends_at"
IS_DUE = f"phase = 'review' AND due_day <= :today AND {_HERE}"
IS_NEW = f"phase = 'new' AND {_HERE}"
_STEPS = _OF_A_KIND.format(kind=IS_STEP)
_REVIEWS = _OF_A_KIND.format(kind=IS_DUE)
_FRESH = _OF_A_KIND.format(kind=IS_NEW)
# The first in their order, and how many there are within the limits of their decks. Of the cards of a note that stay apart only one
# is among them, or the second's answer would stand beside its question: a step of today, else what is due, else a new one.
_WAITING = f"""
    {ALLOWED}, waiting AS (
        SELECT {_STEP} AS kind, card.id, note_id, card.deck_id, due_at, NULL::bigint AS place,
               apart AND due_at < :ends_at AS apart, 0 AS most {_STEPS}
        UNION ALL
        SELECT {_DUE}, card.id, note_id, card.deck_id, NULL, due_day - '2000-01-01'::date, apart, allowed.reviews {_REVIEWS}
        UNION ALL
        SELECT {_NEW}, card.id, note_id, card.deck_id, NULL, position, apart, allowed.new {_FRESH}
    ), placed AS (
        SELECT *, row_number() OVER (
            PARTITION BY CASE WHEN apart THEN note_id ELSE id END ORDER BY kind, due_at, place, id
        ) AS sibling FROM waiting
    ), allotted AS (
        SELECT *, row_number() OVER (PARTITION BY kind, deck_id ORDER BY place, id) AS row
        FROM placed WHERE kind = {_STEP} OR sibling = 1
    ), counted AS (
        SELECT *, count(*) OVER (PARTITION BY kind) AS found, row_number() OVER (PARTITION BY kind ORDER BY place, id) AS nth
        FROM allotted WHERE kind = {_STEP} OR row <= most
    ), bounded AS (
        SELECT counted.*, CASE kind WHEN {_DUE} THEN together.reviews WHEN {_NEW} THEN together.new END AS together
        FROM counted CROSS JOIN ({{together}}) AS together
    )
    SELECT kind, id, due_at, least(found, together) AS found FROM bounded
    WHERE kind = {_STEP} OR nth <= least(:limit, together) ORDER BY kind, due_at, place, id
"""  # noqa: S608 # texts of ours
_EVERYWHERE = text(_WAITING.format(decks="true", together="SELECT NULL::bigint AS reviews, NULL::bigint AS new"))
# The limits of the deck that is studied hold for all that lies in it together, as in Anki.
_WITHIN = text(
    _WAITING.format(
        decks="""(deck.id = :deck OR starts_with(
            deck.name, (SELECT name || '::' FROM deck AS top WHERE top.id = :deck AND top.user_id = :owner)))""",
        together="""SELECT (options ->> 'reviews_per_day')::int - (SELECT sum(reviewed)::bigint FROM allowed) AS reviews,
            (options ->> 'new_per_day')::int - (SELECT sum(begun)::bigint FROM allowed) AS new
            FROM deck WHERE id = :deck AND user_id = :owner""",
    )
)
_SIBLING = """(apart AND EXISTS (
    SELECT FROM card AS sibling WHERE sibling.note_id = card.note_id AND sibling.id <> card.id AND NOT suspended AND ({kind})
))"""
_LEFT = text(f"""
    {ALLOWED.format(decks="true")}
    SELECT EXISTS (SELECT {_STEPS} WHERE due_at <= :ahead OR due_at < :ends_at)
        OR EXISTS (SELECT {_REVIEWS} WHERE allowed.reviews > 0 AND NOT {_SIBLING.format(kind=IS_STEP_TODAY)})
        OR EXISTS (SELECT {_FRESH} WHERE allowed.new > 0 AND NOT {_SIBLING.format(kind=f"({IS_STEP_TODAY}) OR ({IS_DUE})")})
""")  # texts of ours
# Cards that the replay of their deck has not come to: the buttons of these are told by the log.
_STALE = col(Deck.replay_at).is_not(None) & func.coalesce(col(Card.id) > col(Deck.replayed_to), true())
_SHOWN = (
    select(Card, Note, Deck.options, _STALE)
    .join(Note)
    .join(Deck)
    .where(col(Card.user_id) == bindparam("owner"), col(Card.id) == any_(bindparam("cards", type_=ARRAY(Uuid))))
)


@dataclass(frozen=True, slots=True)
class Queue:
    """The cards to study now, in this order, with the options of their decks, and how many of each kind there are in all. `stale` are
    those that are scheduled by other options as yet."""

    cards: Sequence[Shown]
    options: Mapping[UUID, DeckOptions]
    stale: Sequence[Card]
    learning: int
    due: int
    new: int
    next_at: datetime | None
    """When the next step of minutes is over, if none is now."""


class Queues:
    """One student's queue. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def now(self, now: datetime, today: date, ends_at: datetime, deck_id: UUID | None, limit: int) -> Queue:
        """What to study now in this deck and all that lies in it, or everywhere: the first `limit` cards (1 or more). The day ends at
        `ends_at`. Raises `NoSuchDeck`."""
        asked = {"owner": self._owner, "today": today, "ends_at": ends_at, "limit": limit}
        statement, more = (_EVERYWHERE, {}) if deck_id is None else (_WITHIN, {"deck": deck_id})
        found = (await self._session.execute(statement, asked | more)).all()
        if deck_id is not None and not found:
            await Decks(self._session, self._owner).get(deck_id)
        due, new = ([row for row in found if row.kind == kind] for kind in (_DUE, _NEW))
        steps = [(row.id, row.due_at) for row in found if row.kind == _STEP]
        ahead = not due and not new and not any(due_at <= now for _, due_at in steps)
        until = now + LOOK_AHEAD if ahead else now
        learning = [card_id for card_id, due_at in steps if due_at <= until]
        next_at = None if learning else next((due_at for _, due_at in steps), None)
        first = [*learning, *(row.id for row in due), *(row.id for row in new)][:limit]
        counts = (len(learning), due[0].found if due else 0, new[0].found if new else 0)
        return Queue(*await self._shown(first), *counts, next_at)

    async def is_done(self, now: datetime, today: date, ends_at: datetime) -> bool:
        """Whether nothing is left of the day, which ends at `ends_at`, within its limits."""
        asked = {"owner": self._owner, "today": today, "ahead": now + LOOK_AHEAD, "ends_at": ends_at}
        return not (await self._session.execute(_LEFT, asked)).scalar_one()

    async def _shown(self, ids: Sequence[UUID]) -> tuple[Sequence[Shown], Mapping[UUID, DeckOptions], Sequence[Card]]:
        if not ids:
            return (), {}, ()
        rows = (await self._session.execute(_SHOWN, {"owner": self._owner, "cards": ids})).all()
        found = {card.id: Shown(card, note) for card, note, *_ in rows}
        chosen = {card.deck_id: options for card, _, options, _ in rows}
        options = {deck_id: DeckOptions.model_validate(given) for deck_id, given in chosen.items()}
        stale = [card for card, *_, behind in rows if behind and card.phase != Phase.NEW]
        return [found[card_id] for card_id in ids if card_id in found], options, stale
