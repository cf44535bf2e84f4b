"""The ways a mail leaves: to an SMTP server, or into a folder on a developer's machine."""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Literal, Protocol

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPNotSupported, SMTPRecipientRefused

Encryption = Literal["starttls", "tls", "none"]
# What may pass with time: the network, a server that is busy or down, one that we are not let into.
Passing = (SMTPException, OSError, TimeoutError)
# A server that is given up while it looks at a mail may have taken it, and gets it again. So RFC 5321 (4.5.3.2.6) gives it this.
_TAKING_SECONDS = 600.0
_PARTING_SECONDS = 1.0


def written(mail: EmailMessage, *, utf8: bool = False) -> bytes:
    """The mail as it goes over the wire, each header on one line of up to 998 characters (RFC 5322, 2.1.1).

    Folded at 78 a long link would be encoded (RFC 2047), which List-Unsubscribe must not be: no reader would find its link.
    """
    return mail.as_bytes(policy=policy.SMTP.clone(max_line_length=998, cte_type="7bit", utf8=utf8))


class Refused(Exception):
    """The server will never take this mail for this address; the message is what it said."""


class Pace:
    """At most so many a second, evenly: after an outage a mail server is not flooded. Whoever comes waits for a turn."""

    def __init__(self, per_second: float) -> None:
        self._between = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        """Returns when it is the caller's turn."""
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._between
        await asyncio.sleep(turn - now)


class Post(Protocol):
    """Where mails go."""

    async def send(self, mail: EmailMessage) -> None:
        """Hand it over. Raises `Refused`, or one of `Passing`."""
        ...


@dataclass(frozen=True)
class SmtpServer:
    """An SMTP server. `certificates` is a file of authorities to trust instead of the system's."""

    host: str
    port: int
    encryption: Encryption
    username: str | None
    password: str | None
    certificates: str | None
    seconds: float

    async def send(self, mail: EmailMessage) -> None:
        """See `Post`. One connection for each mail: there are few, and a kept one may be dead."""
        client = SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.encryption == "tls",
            start_tls=self.encryption == "starttls",
            cert_bundle=self.certificates,
            timeout=self.seconds,
        )
        try:
            async with asyncio.timeout(2 * self.seconds):
                await client.connect()
            await _hand_over(client, mail)
        except (SMTPRecipientRefused, SMTPDataError) as error:
            if error.code >= 500:
                raise Refused(f"{error.code} {error.message}") from error
            raise
        finally:
            await _leave(client)


async def _hand_over(client: SMTP, mail: EmailMessage) -> None:
    sender, recipient = (mail[name].addresses[0].addr_spec for name in ("From", "To"))
    beyond_ascii = not (sender + recipient).isascii()
    options, encoding = (["SMTPUTF8"], "utf-8") if beyond_ascii else ([], "ascii")
    if beyond_ascii:
        await client.ehlo()
        if not client.supports_extension("smtputf8"):
            raise SMTPNotSupported("SMTPUTF8 is not supported by this server")
    # Not sendmail: it has one time for every command, and waits for RSET before it tells of a refusal.
    await client.mail(sender, options=options, encoding=encoding)
    await client.rcpt(recipient, encoding=encoding)
    async with asyncio.timeout(_TAKING_SECONDS):
        await client.data(written(mail, utf8=beyond_ascii), timeout=None)


async def _leave(client: SMTP) -> None:
    # What it has taken, it has: no word at parting makes it a mail to send again.
    with suppress(*Passing):
        await client.quit(timeout=_PARTING_SECONDS)
    client.close()


@dataclass(frozen=True)
class MailFolder:
    """A folder of `.eml` files, for development: they hold secret links, so they are for this user's eyes alone."""

    path: Path

    async def send(self, mail: EmailMessage) -> None:
        """See `Post`. The same mail again replaces its file."""
        await asyncio.to_thread(self._write, mail)

    def _write(self, mail: EmailMessage) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        partial = self.path / f".{name}.part"
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(written(mail))
        partial.rename(self.path / f"{name}.eml")
