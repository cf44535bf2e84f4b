"""What tests of mail ask: the log, the dead letters, and a request for a mail."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from aio_pika import connect
from chassis.sealing import KeyRing
from chassis.settings import DEVELOPMENT_KEY_RING
from contracts.auth import EmailRequested
from devstack.waiting import until
from notifier.models import Mail

from .campus import Campus

RING = KeyRing(DEVELOPMENT_KEY_RING.get_secret_value())
LINK = "https://study.example.org/api/v1/auth/verify-email#token=stml_a&b"


def requested(
    *,
    email: str = "ada@example.org",
    name: str = "Ada",
    life: timedelta = timedelta(hours=1),
    sealed: str | None = None,
) -> EmailRequested:
    return EmailRequested(
        version=1,
        request_id=uuid4(),
        user_id=uuid4(),
        kind="verify_email",
        email=email,
        name=name,
        sealed_link=sealed or RING.seal(LINK),
        expires_at=datetime.now(UTC) + life,
    )


async def became(campus: Campus, mail_id: UUID, status: str) -> Mail:
    """The log's row of a mail, once it says so."""

    async def found() -> Mail | None:
        async with campus.database.transaction() as session:
            mail = await session.get(Mail, mail_id)
        return mail if mail is not None and mail.status == status else None

    return await until(found, 40)


async def dead_letter(campus: Campus, queue: str) -> dict[str, object]:
    """The headers of a consumer's first dead letter, once there is one."""
    async with await connect(campus.amqp_url) as connection:
        dead = await (await connection.channel()).get_queue(f"{queue}.dead")

        async def found() -> dict[str, object] | None:
            message = await dead.get(fail=False)
            return dict(message.headers) if message is not None else None

        return await until(found)
