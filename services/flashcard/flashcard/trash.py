"""What a student deleted, kept for a while as the rows that it was, to be put back.

The rows leave their tables, so that nothing else has to know of them; the log of reviews stays where it is, as it always does. A
deletion is of a deck with all that lies in it, or of notes with their cards.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from chassis.errors import Conflict, NotFound
from chassis.paging import PageRequest, moment
from sqlalchemy import Uuid, any_, bindparam, delete, literal, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.decks import SEPARATOR, DeckExists, Decks
from flashcard.memory import Phase
from flashcard.models import Card, Deck, DeletedRow, Deletion
from flashcard.notes import Notes
from flashcard.patience import impatient
from flashcard.rescheduling import catch_up
from flashcard.reviewing import Reviews
from flashcard.scheduling import DeckOptions
from flashcard.sources import Sources

KEPT = timedelta(days=30)
_LOGS_AT_ONCE = 5000

_TAKE = """
    WITH gone AS (DELETE FROM {kind} WHERE user_id = :owner AND id = ANY(:ids) RETURNING *), kept AS (
        INSERT INTO deleted_row (deletion_id, user_id, kind, id, row)
        SELECT :deletion, :owner, '{kind}', id, to_jsonb(gone) FROM gone RETURNING 1
    )
    SELECT count(*) FROM kept
"""
# Whether all are back: none that stands in the way of another row.
_PUT_BACK = """
    WITH kept AS (SELECT row FROM deleted_row WHERE deletion_id = :deletion AND kind = '{kind}'), back AS (
        INSERT INTO {kind} SELECT (jsonb_populate_record(NULL::{kind}, row)).* FROM kept ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT (SELECT count(*) FROM back) = (SELECT count(*) FROM kept)
"""
# Nobody removes them until the cards are in.
_DECKS_OF_CARDS = text("""
    WITH wanted AS (
        SELECT DISTINCT CAST(row ->> 'deck_id' AS uuid) AS id FROM deleted_row WHERE deletion_id = :deletion AND kind = 'card'
    ), there AS (SELECT id FROM deck WHERE user_id = :owner AND id IN (SELECT id FROM wanted) ORDER BY id FOR KEY SHARE)
    SELECT (SELECT count(*) FROM there) = (SELECT count(*) FROM wanted)
""")
# Cards that were imported again meanwhile, and deleted again, have taken the log with them that was imported with these. Asked one by
# one: joined, tens of thousands of rows of JSON, of which nothing is known, would be looked through for each other.
_NOTES_BACK = text("""
    SELECT CAST(id AS text) AS id, row ->> 'guid' AS guid, CAST(row ->> 'document_id' AS uuid) AS document_id FROM deleted_row
    WHERE deletion_id = :deletion AND kind = 'note'
""")
_CARDS_BACK = text("""
    SELECT id, row ->> 'note_id' AS note_id, CAST(row ->> 'ordinal' AS int) AS ordinal, CAST(row ->> 'deck_id' AS uuid) AS deck_id
    FROM deleted_row WHERE deletion_id = :deletion AND kind = 'card'
""")
_NOTES_AGAIN = text("""
    SELECT CAST(id AS text) AS id, row ->> 'guid' AS guid FROM deleted_row
    WHERE user_id = :owner AND kind = 'note' AND deletion_id <> :deletion AND row ->> 'guid' = ANY(:guids)
""")
_CARDS_AGAIN = text("""
    SELECT id, row ->> 'note_id' AS note_id, CAST(row ->> 'ordinal' AS int) AS ordinal FROM deleted_row
    WHERE user_id = :owner AND kind = 'card' AND deletion_id <> :deletion AND row ->> 'note_id' = ANY(:notes)
""")
_LOG_BACK = text("""
    UPDATE review SET card_id = back.id, deck_id = back.deck_id
    FROM unnest(CAST(:takers AS uuid[]), CAST(:ids AS uuid[]), CAST(:decks AS uuid[])) AS back (taker, id, deck_id)
    WHERE review.card_id = back.taker AND review.user_id = :owner AND review.imported AND review.received_at <= :deleted_at
""")


class NoSuchDeletion(NotFound):
    type, title = "deletion-not-found", "No such deletion"


class CardsAreBack(Conflict):
    type, title = "cards-are-back", "These cards are here again"


class DeckIsGone(Conflict):
    type, title = "deck-is-gone", "The deck of these cards is gone"


class Trash:
    """One student's trash. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def page(self, page: PageRequest) -> Sequence[Deletion]:
        """What was deleted, the last first, one more than the page holds."""
        place = tuple_(col(Deletion.deleted_at), col(Deletion.id))
        mine = select(Deletion).where(Deletion.user_id == self._owner)
        statement = mine.order_by(col(Deletion.deleted_at).desc(), col(Deletion.id).desc()).limit(page.limit + 1)
        if (after := page.after(moment, UUID)) is not None:
            statement = statement.where(place < after)
        return (await self._session.execute(statement)).scalars().all()

    async def take_deck(self, deck: Deck, now: datetime) -> None:
        """Delete a locked deck, what lies in it, and their cards. Links to them end for good."""
        decks = [each.id for each in await Decks(self._session, self._owner).within(deck, lock=True)]
        # Nobody puts further ones into locked decks.
        in_them = select(Card.note_id).where(col(Card.deck_id).in_(decks)).distinct()
        notes = (await self._session.execute(in_them)).scalars().all()
        await Notes(self._session, self._owner).lock(notes)
        deletion = await self._take_notes(notes, now, deck.name)
        deletion.decks = await self._take(deletion, "deck", decks)
        await self._session.flush()

    async def take_notes(self, note_ids: Sequence[UUID], now: datetime) -> None:
        """Delete these locked notes with their cards."""
        if note_ids:
            # In the trash no replay finds them, and when they come back nobody knows that one has passed them by.
            await catch_up(self._session, self._owner, note_ids)
            await self._take_notes(note_ids, now, None)

    async def restore(self, deletion_id: UUID, now: datetime) -> Deletion:
        """Put back what was deleted, with all that was known of it. Raises `NoSuchDeletion`, `DeckExists`, `TooManyDecks`, `CardsAreBack`,
        `DeckIsGone`, and then nothing may be kept of it."""
        deletion = await self._get(deletion_id)
        if deletion.deck is not None:
            await self._put_back_decks(deletion, deletion.deck, now)
        asked = {"owner": self._owner, "deletion": deletion_id}
        if not (await self._session.execute(_DECKS_OF_CARDS, asked)).scalar_one():
            raise DeckIsGone("The deck of these cards was deleted, too. Restore that first.")
        if not (await self._put_back(deletion, "note") and await self._put_back(deletion, "card")):
            raise CardsAreBack(
                "Some of these cards were imported again since. Delete those first, and restore these then."
            )
        await self._take_logs_back(deletion)
        await self._as_things_are(deletion)
        await self._session.delete(deletion)
        await self._session.flush()
        return deletion

    async def forget(self, deletion_id: UUID) -> None:
        """Remove what was deleted for good. Raises `NoSuchDeletion`."""
        await self._session.delete(await self._get(deletion_id))

    async def _get(self, deletion_id: UUID) -> Deletion:
        """The deletion, locked: it is restored once."""
        mine = select(Deletion).where(Deletion.id == deletion_id, Deletion.user_id == self._owner)
        locked = impatient(mine).with_for_update(of=Deletion)
        if (found := (await self._session.execute(locked)).scalar_one_or_none()) is None:
            raise NoSuchDeletion(
                "You have no such deletion, or took it back. GET /flashcards/trash lists those that there are."
            )
        return found

    async def _take_notes(self, note_ids: Sequence[UUID], now: datetime, deck: str | None) -> Deletion:
        deletion = Deletion(user_id=self._owner, deck=deck, deleted_at=now)
        self._session.add(deletion)
        await self._session.flush()
        theirs = col(Card.note_id) == any_(literal(note_ids, ARRAY(Uuid)))
        cards = (await self._session.execute(select(Card.id).where(theirs))).scalars().all()
        deletion.cards = await self._take(deletion, "card", cards)
        await self._take(deletion, "note", note_ids)
        await self._session.flush()
        return deletion

    async def _take(self, deletion: Deletion, kind: str, ids: Sequence[UUID]) -> int:
        """Move these rows into the trash; how many there were."""
        statement = text(_TAKE.format(kind=kind)).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
        asked = {"owner": self._owner, "deletion": deletion.id, "ids": ids}
        return int((await self._session.execute(statement, asked)).scalar_one())

    async def _put_back(self, deletion: Deletion, kind: str) -> bool:
        statement = text(_PUT_BACK.format(kind=kind))
        return bool((await self._session.execute(statement, {"deletion": deletion.id})).scalar_one())

    async def _put_back_decks(self, deletion: Deletion, name: str, now: datetime) -> None:
        decks = Decks(self._session, self._owner)
        await decks.change_tree()
        await decks.expect_room(deletion.decks)
        if not await self._put_back(deletion, "deck"):
            raise DeckExists(
                f"You have a deck named “{name}” again, or one in it. Rename it, and restore this one then."
            )
        if parent := name.rpartition(SEPARATOR)[0]:
            await decks.ensure(parent, now)

    async def _take_logs_back(self, deletion: Deletion) -> None:
        """The reviews that came with these cards are theirs again."""
        asked = {"owner": self._owner, "deletion": deletion.id}
        guids = {row.id: row.guid for row in await self._session.execute(_NOTES_BACK, asked)}
        again = asked | {"guids": list(guids.values())}
        notes = {row.id: row.guid for row in await self._session.execute(_NOTES_AGAIN, again)}
        if not notes:
            return
        cards = await self._session.execute(_CARDS_BACK, asked)
        back = {(guids[row.note_id], row.ordinal): row for row in cards}
        takers = await self._session.execute(_CARDS_AGAIN, asked | {"notes": list(notes)})
        pairs = [(row.id, mine) for row in takers if (mine := back.get((notes[row.note_id], row.ordinal))) is not None]
        for start in range(0, len(pairs), _LOGS_AT_ONCE):
            some = pairs[start : start + _LOGS_AT_ONCE]
            logs = {
                "takers": [taker for taker, _ in some],
                "ids": [mine.id for _, mine in some],
                "decks": [mine.deck_id for _, mine in some],
            }
            await self._session.execute(_LOG_BACK, {"owner": self._owner, "deleted_at": deletion.deleted_at} | logs)

    async def _as_things_are(self, deletion: Deletion) -> None:
        """What happened meanwhile happens to these cards: documents went, decks got other options."""
        notes = await self._session.execute(_NOTES_BACK, {"deletion": deletion.id})
        documents = {row.document_id for row in notes if row.document_id is not None}
        await Sources(self._session).recheck(documents, owner=self._owner)
        cards = select(DeletedRow.id).where(DeletedRow.deletion_id == deletion.id, DeletedRow.kind == "card")
        changed = select(Deck).where(Deck.user_id == self._owner, Deck.updated_at > deletion.deleted_at)
        for deck in (await self._session.execute(changed)).scalars():
            stale = select(Card).where(col(Card.id).in_(cards), Card.deck_id == deck.id, Card.phase != Phase.NEW)
            found = (await self._session.execute(stale)).scalars().all()
            await Reviews(self._session, self._owner).reschedule(found, DeckOptions.model_validate(deck.options))


async def forget_old(session: AsyncSession, now: datetime) -> None:
    """Remove what was deleted so long ago that nobody asks for it any more."""
    await session.execute(delete(Deletion).where(col(Deletion.deleted_at) < now - KEPT))
