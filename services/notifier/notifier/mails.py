"""The delivery log: what became of each mail, written before and after it is sent and never meanwhile."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.notifier import NotificationDelivered, NotificationFailed
from mesh import Outbox
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from notifier.kinds import Channel
from notifier.metrics import MAILS
from notifier.models import SCHEMA, Mail, MailStatus

# Nothing more is done about these. What was unreachable may be tried again: somebody replays its dead letter.
_FINAL = {MailStatus.DELIVERED, MailStatus.REFUSED, MailStatus.EXPIRED, MailStatus.UNWANTED}
_LONGEST_DETAIL = 500
_SENTENCES = {
    MailStatus.REFUSED: "The mail server refused the mail for this address.",
    MailStatus.EXPIRED: "The mail was of no use any more before it could be sent.",
    MailStatus.UNWANTED: "The mail was not wanted any more before it could be sent.",
    MailStatus.UNREACHABLE: "The mail server could not be reached, or did not take the mail in time.",
}
Failure = Literal[MailStatus.REFUSED, MailStatus.EXPIRED, MailStatus.UNWANTED, MailStatus.UNREACHABLE]


class Mails:
    """The log, in one transaction."""

    def __init__(self, session: AsyncSession, now: datetime) -> None:
        self._session = session
        self._now = now

    async def begin(self, mail_id: UUID, *, owner: UUID, kind: str, email: str) -> bool:
        """Note a try; False where it is known already what became of the mail."""
        row = {"id": mail_id, "user_id": owner, "kind": kind, "email": email, "created_at": self._now}
        fresh = insert(Mail).values(**row, status=MailStatus.SENDING, version=1, attempts=0)
        await self._session.execute(fresh.on_conflict_do_nothing(index_elements=["id"]))
        mail = await self._locked(mail_id)
        if mail.status in _FINAL:
            return False
        mail.attempts += 1
        return True

    async def deliver(self, mail_id: UUID) -> None:
        """A server has taken it."""
        mail = await self._settle(mail_id, MailStatus.DELIVERED)
        if mail is not None:
            await Outbox(self._session, SCHEMA).add(
                NotificationDelivered(
                    version=mail.version,
                    notification_id=mail.id,
                    user_id=mail.user_id,
                    kind=mail.kind,
                    channel=Channel.EMAIL.value,
                )
            )

    async def fail(self, mail_id: UUID, status: Failure, detail: str | None = None) -> None:
        """It was given up."""
        mail = await self._settle(mail_id, status, detail)
        if mail is not None:
            await Outbox(self._session, SCHEMA).add(
                NotificationFailed(
                    version=mail.version,
                    notification_id=mail.id,
                    user_id=mail.user_id,
                    kind=mail.kind,
                    channel=Channel.EMAIL.value,
                    code=status.value,
                    detail=_SENTENCES[status],
                )
            )

    async def lapse(self, mail_id: UUID) -> None:
        """It is not wanted any more; nothing where it was never tried, or is settled."""
        if (await self._session.execute(select(Mail.id).where(Mail.id == mail_id))).first() is not None:
            await self.fail(mail_id, MailStatus.UNWANTED)

    async def defer(self, mail_id: UUID, detail: str) -> None:
        """It will be tried again."""
        mail = await self._locked(mail_id)
        mail.detail = detail[:_LONGEST_DETAIL]
        MAILS.labels(mail.kind, "deferred").inc()

    async def _settle(self, mail_id: UUID, status: MailStatus, detail: str | None = None) -> Mail | None:
        mail = await self._locked(mail_id)
        if mail.status in _FINAL:
            return None
        mail.status, mail.settled_at, mail.version = status, self._now, mail.version + 1
        mail.detail = detail[:_LONGEST_DETAIL] if detail else None
        MAILS.labels(mail.kind, status.value).inc()
        return mail

    async def _locked(self, mail_id: UUID) -> Mail:
        statement = select(Mail).where(col(Mail.id) == mail_id).with_for_update()
        return (await self._session.execute(statement)).scalar_one()
