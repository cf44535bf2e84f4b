"""What a socket has not been told of yet: read from the list, so that nothing is left out and all comes in order.

The bus may bring the news of two notifications in either order. Numbers are given under a lock that is held until the commit, so
whoever reads number 8 there finds 7 there, too.
"""

from datetime import datetime
from uuid import UUID, uuid4

from chassis.database import Database

from notifier import frames
from notifier.hub import Untold
from notifier.notifications import Notifications

MOST = 100


async def untold(database: Database, user_id: UUID, known: int, now: datetime) -> Untold:
    """The notifications after a number. Of more than a hundred the newest, behind a frame that asks to fetch the list."""
    async with database.transaction() as session:
        found = await Notifications(session, user_id).after(known, MOST + 1)
    told = [(one.number, frames.of_notification(one)) for one in found[-MOST:]]
    return told if len(found) <= MOST else [(told[0][0], frames.resync(uuid4(), now)), *told]
