"""A real SMTP server (aiosmtpd) on a real socket, which answers as it is told."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from socket import create_server
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ACCEPTED = "250 OK"


@dataclass
class SmtpServer:
    """`to_recipients` and `to_mails` are what it answers next; when they are used up, it accepts.

    Once it has a mail it answers after `thinks` seconds, and when it `may_answer`; likewise before it lets its client go. Commands
    of which it is `mute` get no answer at all.
    """

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    as_sent: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    to_recipients: list[str] = field(default_factory=list)
    to_mails: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    password: bytes | None = None
    thinks: float = 0.0
    mute: set[str] = field(default_factory=set)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    async def handle_MAIL(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        await self._answers("MAIL")
        envelope.mail_from = address
        return ACCEPTED

    async def handle_RSET(self, _: SMTP, __: Session, ___: Envelope) -> str:  # noqa: N802
        await self._answers("RSET")
        return ACCEPTED

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        await self._answers("RCPT")
        self.recipients.append(address)
        answer = self.to_recipients.pop(0) if self.to_recipients else ACCEPTED
        if answer == ACCEPTED:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.to_mails.pop(0) if self.to_mails else ACCEPTED
        if answer == ACCEPTED:
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.as_sent.append(envelope.content)
        await self._think()
        return answer

    async def handle_QUIT(self, _: SMTP, __: Session, ___: Envelope) -> str:  # noqa: N802
        await self._think()
        return "221 Bye"

    async def _answers(self, command: str) -> None:
        if command in self.mute:
            await asyncio.Event().wait()

    async def _think(self) -> None:
        await asyncio.sleep(self.thinks)
        await self.may_answer.wait()

    def authenticate(self, _: SMTP, __: Session, ___: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == self.password, handled=False)


def free_port() -> int:
    with create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@asynccontextmanager
async def smtp_server(
    *,
    port: int = 0,
    encryption: str = "none",
    context: ssl.SSLContext | None = None,
    password: str = "",
    utf8: bool = True,
) -> AsyncIterator[SmtpServer]:
    """Serves until the block ends."""
    server = SmtpServer(port, password=password.encode())
    starttls, tls = (context if encryption == kind else None for kind in ("starttls", "tls"))
    options: dict[str, Any] = {"enable_SMTPUTF8": utf8, "tls_context": starttls, "require_starttls": bool(starttls)}
    if password:
        options |= {"authenticator": server.authenticate, "auth_required": True, "auth_require_tls": not tls}
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        with warnings.catch_warnings(action="ignore"):  # it does not see that the whole line is encrypted
            return SMTP(server, loop=loop, **options)

    listening = await loop.create_server(protocol, "127.0.0.1", port, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1 that nobody has signed but itself."""

    file: str
    context: ssl.SSLContext


def certificate(folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(key.private_bytes(*formats))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return Certificate(str(public), context)
