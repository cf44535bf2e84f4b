"""What the gateway reads from its environment."""

from typing import Annotated, ClassVar

from chassis.settings import ServiceSettings
from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from gateway.addresses import Neighbours
from gateway.edge import Bounds
from gateway.limits import Quota
from gateway.pool import PoolLimits
from gateway.routes import LimitName

_Names = Annotated[tuple[str, ...], NoDecode]
_MINUTE = 60.0
_LOCAL = ("localhost", "127.0.0.1", "[::1]")


class Settings(ServiceSettings, env_prefix="GATEWAY_"):
    """Settings of the gateway. Lists are separated by commas."""

    service: ClassVar[str] = "gateway"

    port: int = Field(8080, ge=0, le=65535)
    ingestion_url: str = "http://127.0.0.1:8102"
    chat_url: str = "http://127.0.0.1:8103"
    flashcard_url: str = "http://127.0.0.1:8105"
    notifier_url: str = "http://127.0.0.1:8104"

    cors_origins: _Names = Field((), description="Origins whose pages may call; in development any on this machine may")
    trusted_proxies: _Names = Field((), description="Networks of proxies in front, whose X-Forwarded-For counts")
    inside_networks: _Names = Field(("127.0.0.0/8", "::1/128"), description="Networks that may read /metrics")
    hosts: _Names = Field(
        (),
        description="Host names that are answered; empty for any. In development this machine's are, too, and no others",
    )

    limit_general: int = Field(600, ge=1, description="Requests a minute of one user")
    limit_ai: int = Field(30, ge=1, description="To routes that ask a language model")
    limit_auth: int = Field(60, ge=1, description="To sign up, sign in and so on")
    limit_general_address: int | None = Field(None, ge=1, description="Of one address; empty for five times as many")
    limit_ai_address: int | None = Field(None, ge=1, description="Empty for ten times as many")
    limit_auth_address: int | None = Field(None, ge=1, description="Empty for twice as many")

    client_connections: int = Field(4096, ge=1, description="More are answered with 503 and closed")
    upstream_connections: int = Field(256, ge=1, description="To each service; streams are counted apart")
    upstream_waiting: int = Field(256, ge=0, description="Requests that may wait for a connection, for each service")
    streams: int = Field(2000, ge=0, description="Open event streams and WebSockets")
    streams_per_session: int = Field(20, ge=1)

    head_bytes: int = Field(16384, ge=1024, description="Request line and header fields")
    head_seconds: float = Field(10.0, gt=0, description="A request's head must have arrived in that time")
    keep_alive_seconds: float = Field(75.0, gt=0)
    idle_body_seconds: float = Field(30.0, gt=0, description="A body's sender and reader may pause that long")
    stream_idle_seconds: float = Field(300.0, gt=0, description="An event stream may be silent that long")
    slowest_upload: int = Field(1024, ge=1, description="Bytes a second that an upload must reach on average")
    access_log: bool = Field(False, description="A log line for each request; services write one too")

    @field_validator("cors_origins", "trusted_proxies", "inside_networks", "hosts", mode="before")
    @classmethod
    def split_list(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies", "inside_networks")
    @classmethod
    def refuse_what_is_no_network(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        Neighbours(trusted_proxies=networks, inside=())
        return networks

    @property
    def answered_hosts(self) -> frozenset[bytes]:
        """The host names that are answered; none for any."""
        # A page somewhere can let its own name lead to this machine, and would then read what a laptop shows everybody, such as mails.
        local = _LOCAL if self.environment == "development" else ()
        return frozenset(host.lower().encode() for host in (*self.hosts, *local))

    @property
    def services(self) -> dict[str, str]:
        """The inside URL of each service that a route may lead to."""
        return {
            "auth": self.auth_url,
            "ingestion": self.ingestion_url,
            "chat": self.chat_url,
            "flashcard": self.flashcard_url,
            "notifier": self.notifier_url,
        }

    @property
    def user_quotas(self) -> dict[LimitName, Quota]:
        """How much one user may ask, by the kind of route."""
        limits: dict[LimitName, int] = {"general": self.limit_general, "ai": self.limit_ai, "auth": self.limit_auth}
        return {name: Quota(name, limit, _MINUTE) for name, limit in limits.items()}

    @property
    def address_quotas(self) -> dict[LimitName, Quota]:
        """How much one address may ask, by the kind of route: a class room behind one router is one address."""
        limits: dict[LimitName, int] = {
            "general": self.limit_general_address or 5 * self.limit_general,
            "ai": self.limit_ai_address or 10 * self.limit_ai,
            "auth": self.limit_auth_address or 2 * self.limit_auth,
        }
        return {name: Quota(f"{name}-address", limit, _MINUTE) for name, limit in limits.items()}

    @property
    def bounds(self) -> Bounds:
        """Bounds of a client's connection."""
        return Bounds(
            head_bytes=self.head_bytes,
            head_seconds=self.head_seconds,
            keep_alive_seconds=self.keep_alive_seconds,
            idle_body_seconds=self.idle_body_seconds,
            stream_idle_seconds=self.stream_idle_seconds,
            slowest_upload=self.slowest_upload,
            client_connections=self.client_connections,
        )

    @property
    def pool_limits(self) -> PoolLimits:
        """Bounds of the connections to each service."""
        return PoolLimits(connections=self.upstream_connections, waiting=self.upstream_waiting)
