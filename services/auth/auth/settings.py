"""What auth reads from its environment."""

import json
from datetime import timedelta
from functools import cached_property
from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit

from chassis.settings import DEVELOPMENT_SERVICE_SECRET, DevelopmentSecret, StoringSettings
from pydantic import Field, SecretStr, field_validator, model_validator

from auth.email_addresses import email_key
from auth.passwords import OWASP_LEAST, HashingCost
from auth.sessions import Lifetimes

_KNOWN = DEVELOPMENT_SERVICE_SECRET.get_secret_value()
# No token lives longer, whatever the setting was when it was signed: a withdrawn key stays published for this long.
LONGEST_ACCESS_TOKEN = timedelta(hours=1)


class Settings(StoringSettings, env_prefix="AUTH_"):
    """Settings of auth; durations are in the unit that their name ends with."""

    service: ClassVar[str] = "auth"

    port: int = Field(8101, ge=0, le=65535)
    service_secrets: Annotated[SecretStr, DevelopmentSecret()] = Field(
        SecretStr(f"auth:{_KNOWN},gateway:{_KNOWN},ingestion:{_KNOWN},chat:{_KNOWN},mesh:{_KNOWN}"),
        description="Which services may ask for tokens: name:secret,name:secret, or a JSON object",
    )
    public_url: str = Field(
        "http://localhost:8080", description="Where the gateway is reached from outside; links in mails begin with it"
    )
    first_admin_email: str | None = Field(
        None, description="This account becomes admin when it signs up or in while there is no admin"
    )

    access_token_seconds: int = Field(900, ge=60, le=int(LONGEST_ACCESS_TOKEN.total_seconds()))
    refresh_token_days: int = Field(30, ge=1, le=365, description="A session ends after so long without use")
    session_days: int = Field(180, ge=1, le=3650, description="A session ends after so long in any case")
    refresh_grace_seconds: int = Field(
        30,
        ge=0,
        le=120,
        description="How long the same refresh token may be repeated by two tabs or after a lost answer",
    )

    key_rotation_days: int = Field(30, ge=1, le=365)
    key_publish_lead_seconds: int = Field(
        600, ge=60, le=86400, description="How long a new signing key is published before it signs"
    )

    hashing_memory_kib: int = Field(47104, ge=8, le=1048576)
    hashing_passes: int = Field(2, ge=1, le=20)
    hashing_at_once: int = Field(2, ge=1, le=64, description="Passwords hashed at the same time, each with that memory")
    hashing_waiting: int = Field(64, ge=0, le=10000, description="Further ones that may wait; more get a 503")

    keep_ended_sessions_days: int = Field(90, ge=1, le=3650)
    keep_audit_days: int = Field(365, ge=1, le=36500)

    @field_validator("first_admin_email")
    @classmethod
    def refuse_what_is_no_address(cls, email: str | None) -> str | None:
        if email is not None:
            email_key(email)
        return email

    @field_validator("public_url")
    @classmethod
    def refuse_what_no_link_begins_with(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be a URL such as https://study.example.org")
        return url.rstrip("/")

    @field_validator("service_secrets")
    @classmethod
    def refuse_unreadable_service_secrets(cls, secrets: SecretStr) -> SecretStr:
        parse_service_secrets(secrets.get_secret_value())
        return secrets

    @model_validator(mode="after")
    def refuse_cheap_hashing_in_production(self) -> Self:
        if self.environment == "production" and not self.hashing_cost.at_least(OWASP_LEAST):
            raise ValueError(
                f"{self.variable('hashing_memory_kib')} and {self.variable('hashing_passes')} make passwords cheap to guess: "
                f"in production use at least {OWASP_LEAST.memory_kib} and {OWASP_LEAST.passes}"
            )
        return self

    @model_validator(mode="after")
    def refuse_links_to_nowhere_in_production(self) -> Self:
        if self.environment == "production" and "public_url" not in self.model_fields_set:
            raise ValueError(
                f"{self.variable('public_url')} must be set in production: the links in mails begin with it. "
                "It is where the gateway is reached from outside, such as https://study.example.org"
            )
        return self

    @property
    def hashing_cost(self) -> HashingCost:
        """What a guess at a password costs."""
        return HashingCost(memory_kib=self.hashing_memory_kib, passes=self.hashing_passes)

    @property
    def lifetimes(self) -> Lifetimes:
        """How long tokens and sessions live."""
        return Lifetimes(
            access=timedelta(seconds=self.access_token_seconds),
            refresh=timedelta(days=self.refresh_token_days),
            session=timedelta(days=self.session_days),
            grace=timedelta(seconds=self.refresh_grace_seconds),
        )

    @cached_property
    def secret_by_service(self) -> dict[str, str]:
        """The secret that each service proves itself with."""
        return parse_service_secrets(self.service_secrets.get_secret_value())


def parse_service_secrets(written: str) -> dict[str, str]:
    """`name:secret,name:secret` or a JSON object of the same; raises `ValueError` without quoting a secret."""
    if written.lstrip().startswith("{"):
        pairs = _json_pairs(written)
    else:
        pairs = [(name.strip(), secret.strip()) for name, _, secret in (e.partition(":") for e in written.split(","))]
    secrets = dict(pairs)
    if not pairs or len(secrets) != len(pairs) or not all(name and secret for name, secret in pairs):
        raise ValueError("write each service once, as name:secret, separated by commas, or as a JSON object")
    return secrets


def _json_pairs(written: str) -> list[tuple[str, str]]:
    try:
        value = json.loads(written)
    except ValueError:
        raise ValueError("starts like a JSON object but is none") from None
    return [(str(name), secret if isinstance(secret, str) else "") for name, secret in value.items()]
