"""What a student wants to be told, and how."""

from collections.abc import Mapping
from uuid import UUID

from chassis.personal_data import is_erased
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from notifier.kinds import DEFAULT, Channel, NotificationKind
from notifier.models import Preference

Choices = Mapping[tuple[NotificationKind, Channel], bool]


async def wants(session: AsyncSession, owner: UUID, kind: NotificationKind, channel: Channel) -> bool:
    """Whether a student wants news of a kind this way."""
    return (await Preferences(session, owner).all())[kind, channel]


class Preferences:
    """One student's choices."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def all(self) -> Choices:
        """Every kind and channel, chosen or by default."""
        found = await self._session.execute(select(Preference).where(Preference.user_id == self._owner))
        chosen = {(NotificationKind(row.kind), Channel(row.channel)): row.wanted for row in found.scalars()}
        return {
            (kind, channel): (kind, channel) in DEFAULT for kind in NotificationKind for channel in Channel
        } | chosen

    async def choose(self, choices: Choices) -> None:
        """Set some; the others stay as they are. Nothing is kept for a user who is gone: the links in mails outlive accounts."""
        if await is_erased(self._session, self._owner):
            return
        for (kind, channel), wanted in choices.items():
            statement = insert(Preference).values(user_id=self._owner, kind=kind, channel=channel, wanted=wanted)
            chosen = statement.on_conflict_do_update(
                index_elements=["user_id", "kind", "channel"], set_={"wanted": statement.excluded.wanted}
            )
            await self._session.execute(chosen)
