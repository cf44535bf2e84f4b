"""What notifier reads from its environment."""

from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import urlsplit

from chassis.settings import StoringSettings
from pydantic import Field, SecretStr, field_validator, model_validator

from notifier.addresses import sender
from notifier.posting import Encryption


class Settings(StoringSettings, env_prefix="NOTIFIER_"):
    """Settings of notifier; durations in seconds unless they say otherwise."""

    service: ClassVar[str] = "notifier"

    port: int = Field(8104, ge=0, le=65535)

    ticket_seconds: float = Field(30.0, gt=0, le=600, description="A ticket for a socket is good for so long")
    sockets: int = Field(2000, ge=1, description="Open sockets of one process")
    sockets_per_user: int = Field(20, ge=1, description="Of one user, in one process")
    socket_waiting: int = Field(200, ge=2, description="Frames that may wait for a slow reader before it is dropped")
    ping_seconds: float = Field(20.0, gt=0, le=300, description="Between pings")
    pong_seconds: float = Field(
        20.0, gt=0, le=300, description="A socket that does not answer one for so long is closed"
    )

    keep_days: int = Field(90, ge=1, description="Days that notifications are kept")
    keep_mails_days: int = Field(30, ge=1, description="Days that it is known what became of a mail")

    public_url: str = Field(
        "http://localhost:8080", description="Where the gateway is reached from outside; links in mails begin with it"
    )
    study_url: str | None = Field(
        None, description="Where students study: the link in reminders; unset, the gateway's page of its API"
    )
    mails_per_second: float = Field(
        10.0,
        gt=0,
        le=1000,
        description="News and reminders that one process sends at most; mails with links do not wait",
    )
    reminder_seconds: float = Field(
        5.0, gt=0, le=600, description="How often reminders whose time has come are looked for, at least"
    )
    mail_sender: str = Field("Study Teddy <study-teddy@localhost>", description="Who mails come from")
    mail_folder: Path | None = Field(
        None, description="In development without an SMTP server: where mails are written; unset, below DATA_DIR"
    )
    smtp_host: str | None = Field(None, description="The SMTP server")
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_tls: Encryption = Field("starttls", description="tls from the first byte (port 465), starttls, or none")
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_certificates: str | None = Field(None, description="A file of authorities to trust instead of the system's")
    smtp_seconds: float = Field(
        20.0,
        gt=0,
        le=120,
        description="The longest that the server may take for an answer; for the mail itself it has ten minutes",
    )

    @field_validator("public_url")
    @classmethod
    def refuse_what_no_link_begins_with(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be a URL such as https://study.example.org")
        return url.rstrip("/")

    @field_validator("study_url")
    @classmethod
    def refuse_what_is_no_page(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        if url is not None and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("must be a URL such as https://study.example.org/review")
        return url

    @field_validator("mail_sender")
    @classmethod
    def refuse_what_is_no_sender(cls, written: str) -> str:
        sender(written)
        return written

    @model_validator(mode="after")
    def refuse_production_without_mail(self) -> Self:
        needed = ("smtp_host", "mail_sender", "public_url")
        missing = [self.variable(name) for name in needed if name not in self.model_fields_set]
        if self.environment == "production" and missing:
            raise ValueError(f"{', '.join(missing)} must be set in production: nobody could confirm an address.")
        return self

    @model_validator(mode="after")
    def refuse_half_a_login(self) -> Self:
        if (self.smtp_username is None) != (self.smtp_password is None):
            raise ValueError("NOTIFIER_SMTP_USERNAME and NOTIFIER_SMTP_PASSWORD are set together or not at all.")
        if self.smtp_password is not None and self.smtp_tls == "none":
            raise ValueError("NOTIFIER_SMTP_TLS=none would send the password in clear. Use starttls or tls.")
        return self

    @property
    def ticket_life(self) -> timedelta:
        return timedelta(seconds=self.ticket_seconds)

    @property
    def keep(self) -> timedelta:
        return timedelta(days=self.keep_days)

    @property
    def keep_mails(self) -> timedelta:
        return timedelta(days=self.keep_mails_days)

    @property
    def study_page(self) -> str:
        """The link in reminders."""
        return self.study_url or f"{self.public_url}/docs"

    @property
    def local_mail_folder(self) -> Path:
        """Where mails are written that no server takes."""
        return self.mail_folder or self.data_dir / "mail"

    @property
    def shown_mail_folder(self) -> Path | None:
        """The folder that the page for developers lists; none where mails are sent, and none in production in any case."""
        return None if self.environment == "production" or self.smtp_host else self.local_mail_folder
