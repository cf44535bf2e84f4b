"""What lies in the folder of mails on a developer's machine."""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from uuid import UUID

_MOST = 100


@dataclass(frozen=True, slots=True)
class LocalMail:
    """A mail that was written instead of sent."""

    id: UUID
    to: str
    subject: str
    sent_at: datetime
    text: str
    html: str


def newest(folder: Path) -> list[LocalMail]:
    """The last hundred, the newest first."""
    if not folder.is_dir():
        return []
    files = sorted(folder.glob("*.eml"), key=lambda file: file.stat().st_mtime, reverse=True)
    return [_read(file) for file in files[:_MOST]]


def find(folder: Path, mail_id: UUID) -> LocalMail | None:
    """One of them."""
    file = folder / f"{mail_id}.eml"
    return _read(file) if file.is_file() else None


def _read(file: Path) -> LocalMail:
    mail = message_from_bytes(file.read_bytes(), policy=default)
    assert isinstance(mail, EmailMessage)
    return LocalMail(
        id=UUID(file.stem),
        to=str(mail["To"]),
        subject=str(mail["Subject"]),
        sent_at=mail["Date"].datetime,
        text=_part(mail, "plain"),
        html=_part(mail, "html"),
    )


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
