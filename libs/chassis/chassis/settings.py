"""What every service reads from its environment, and the refusal to run production on a development secret."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from mesh import Limits, Subscriptions, UnknownHandler
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.sealing import KeyRing

Environment = Literal["development", "test", "production"]
S = TypeVar("S", bound="ServiceSettings")


class DevelopmentSecret:
    """Marks a secret whose default is public, and so good for development alone.

    What stands after the last colon of the default may not occur anywhere in a production value: the ring
    `2:mine,1:<the published key>` would still open what everybody can seal.
    """


# 32 zero bytes: a valid key that nobody can take for a secret.
DEVELOPMENT_KEY_RING = SecretStr("1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
DEVELOPMENT_SERVICE_SECRET = SecretStr("development-service-secret")


class SettingsError(Exception):
    """The environment does not make valid settings; the message is for the operator and names each variable."""


class ServiceSettings(BaseSettings):
    """Settings that all services share. A service subclasses it with its own `env_prefix`.

    A field with a `validation_alias` is read by that name in every service; the others get the service's prefix.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True)

    service: ClassVar[str]

    environment: Environment = Field("development", validation_alias="ENVIRONMENT")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", validation_alias="LOG_LEVEL")
    log_format: Literal["auto", "json", "console"] = Field("auto", validation_alias="LOG_FORMAT")
    amqp_url: str = Field("amqp://guest:guest@127.0.0.1:5672/", validation_alias="AMQP_URL")
    redis_url: str = Field("redis://127.0.0.1:6379/0", validation_alias="REDIS_URL")
    otel_exporter_otlp_endpoint: str | None = Field(None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    key_ring: Annotated[SecretStr, DevelopmentSecret()] = Field(DEVELOPMENT_KEY_RING, validation_alias="KEY_RING")
    data_dir: Path = Field(Path(".local/data"), validation_alias="DATA_DIR")
    auth_url: str = Field("http://127.0.0.1:8101", validation_alias="AUTH_URL")
    shutdown_grace_seconds: float = Field(20.0, gt=0, le=300, validation_alias="SHUTDOWN_GRACE_SECONDS")

    require_verified_email: bool | None = Field(
        None,
        validation_alias="REQUIRE_VERIFIED_EMAIL",
        description="Whether uploads and questions need a verified address; unset, in production alone",
    )

    service_secret: Annotated[SecretStr, DevelopmentSecret()] = DEVELOPMENT_SERVICE_SECRET
    host: str = "127.0.0.1"
    port: int = Field(8100, ge=0, le=65535)
    handlers: str = Field(
        "", description="Messages of single handlers that one process takes: handler=prefetch/concurrency,…"
    )

    def limits(self, *buses: Subscriptions) -> Limits:
        """What `handlers` says of the handlers of these buses; `SettingsError` where it names another."""
        try:
            return Limits.parse(self.handlers).expect(*buses)
        except UnknownHandler as unknown:
            raise SettingsError(f"{self.variable('handlers')}: {unknown}") from unknown

    @property
    def jwks_url(self) -> str:
        """Where the public keys of access tokens are: auth publishes them inside the mesh."""
        return f"{self.auth_url.rstrip('/')}/.well-known/jwks.json"

    @property
    def verified_email_required(self) -> bool:
        """Whether what costs us something is for users alone who have shown to read mail at their address."""
        return self.environment == "production" if self.require_verified_email is None else self.require_verified_email

    @field_validator("key_ring")
    @classmethod
    def refuse_unreadable_key_ring(cls, ring: SecretStr) -> SecretStr:
        KeyRing(ring.get_secret_value())
        return ring

    @field_validator("handlers")
    @classmethod
    def refuse_unreadable_limits(cls, handlers: str) -> str:
        Limits.parse(handlers)
        return handlers

    @model_validator(mode="after")
    def refuse_development_secrets_in_production(self) -> Self:
        if self.environment == "production" and (names := self.development_secrets()):
            raise ValueError(
                f"{', '.join(names)} must be set in production: the development value is known to everybody."
            )
        return self

    def development_secrets(self) -> list[str]:
        """Environment variables whose value holds the published default, be it as the older key of a ring."""
        fields = type(self).model_fields
        return [
            self.variable(name)
            for name, field in fields.items()
            if any(isinstance(mark, DevelopmentSecret) for mark in field.metadata)
            and _known_to_everybody(field.default) in getattr(self, name).get_secret_value()
        ]

    @classmethod
    def variable(cls, field: str) -> str:
        """The environment variable that sets a field."""
        alias = cls.model_fields[field].validation_alias
        return alias if isinstance(alias, str) else f"{cls.model_config.get('env_prefix', '')}{field}".upper()


class StoringSettings(ServiceSettings):
    """Settings of a service that owns a schema in PostgreSQL."""

    keep_events_days: int = Field(7, ge=1, le=365, validation_alias="KEEP_EVENTS_DAYS")
    database_url: str = "postgresql+asyncpg://localhost/studyteddy"
    database_pool_size: int = Field(5, ge=1, le=100)

    @property
    def keep_events(self) -> timedelta:
        """How long sent events can be said again."""
        return timedelta(days=self.keep_events_days)


def _known_to_everybody(default: SecretStr) -> str:
    return default.get_secret_value().rpartition(":")[2]


def load(settings: type[S]) -> S:
    """Read settings from the environment; `SettingsError` says which variable is wrong and why."""
    try:
        return settings()
    except ValidationError as error:
        lines = [
            f"  {_variable_of(settings, e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
        ]
        raise SettingsError(f"{settings.service} cannot start with these settings:\n" + "\n".join(lines)) from error


def _variable_of(settings: type[ServiceSettings], location: tuple[int | str, ...]) -> str:
    if not location:
        return "settings"
    name = str(location[0])
    return settings.variable(name) if name in settings.model_fields else name.upper()
