"""Links that turn a kind of mail off, for whoever holds the mail. Sealed, so that nobody makes one for another."""

import json
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from chassis.errors import NotFound
from chassis.sealing import KeyRing, SealBroken
from sqlalchemy.ext.asyncio import AsyncSession

from notifier.kinds import Channel, NotificationKind
from notifier.preferences import Preferences

PATH = "/api/v1/notifications/unsubscribe"
# The ring seals other things, too: none of them may be taken for a link of ours.
_PURPOSE = "unsubscribe"


class LinkUnknown(NotFound):
    type, title = "unsubscribe-link-unknown", "No such link"


@dataclass(frozen=True)
class Unsubscribing:
    """Makes links and follows them."""

    ring: KeyRing
    public_url: str

    def link(self, owner: UUID, kind: NotificationKind) -> str:
        """The address that turns mails of a kind off."""
        token = self.ring.seal(json.dumps([_PURPOSE, str(owner), kind]))
        return f"{self.public_url}{PATH}?{urlencode({'token': token})}"

    async def follow(self, session: AsyncSession, token: str) -> None:
        """Turn the mails off. Raises `LinkUnknown`."""
        try:
            purpose, owner, kind = json.loads(self.ring.open(token))
            if purpose != _PURPOSE:
                raise ValueError(purpose)
            chosen = {(NotificationKind(kind), Channel.EMAIL): False}
            await Preferences(session, UUID(owner)).choose(chosen)
        except (SealBroken, ValueError, TypeError) as error:
            raise LinkUnknown(
                "This link is not whole. Open it from the mail, or choose in your preferences."
            ) from error
