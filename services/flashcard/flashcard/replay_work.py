"""The work of rescheduling decks whose options were changed: so many cards in a transaction, until all are done."""

import asyncio
from datetime import timedelta
from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database
from sqlalchemy import update
from sqlmodel import col

from flashcard.metrics import REPLAYS_PUT_OFF
from flashcard.models import Deck
from flashcard.rescheduling import next_replay, replay_next
from flashcard.rollover import tell_what_is_left
from flashcard.working import work_on

# What could not be replayed, most often because somebody has these cards for longer, waits so long, and holds up no other deck.
_AGAIN = timedelta(seconds=10)


class ReplayWork:
    """Replays decks, some cards of each in turn; several processes may."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. A replay that is under way then is left to another process."""
        await work_on("replays", self.once, stop)

    async def once(self) -> bool:
        """Replay some cards of one deck, if one waits; whether there was one."""
        now, deck_id = self._clock(), None
        try:
            async with self._database.transaction() as session:
                if (deck := await next_replay(session, now)) is None:
                    return False
                deck_id = deck.id
                await replay_next(session, deck, now)
                if deck.replay_at is None:
                    await tell_what_is_left(session, deck.user_id, now)
        except Exception:
            if deck_id is not None:
                await self._put_off(deck_id)
            raise
        return True

    async def _put_off(self, deck_id: UUID) -> None:
        REPLAYS_PUT_OFF.inc()
        later = update(Deck).where(col(Deck.id) == deck_id, col(Deck.replay_at).is_not(None))
        async with self._database.transaction() as session:
            await session.execute(later.values(replay_at=self._clock() + _AGAIN))
