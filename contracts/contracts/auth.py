"""What auth tells the mesh."""

from typing import Literal
from uuid import UUID

from mesh import Event
from pydantic import AwareDatetime, Field

Role = Literal["student", "admin"]


class Profile(Event):
    """A user's whole profile: a consumer that missed an event is made whole by the next."""

    user_id: UUID
    email: str
    name: str
    time_zone: str = Field(description="IANA name, such as Europe/Berlin")
    day_starts_at: int = Field(ge=0, le=23, description="The local hour at which the student's day begins")
    roles: list[Role]
    email_verified: bool = Field(False, description="Whether the user has shown to read mail at this address")


class UserRegistered(Profile, type="auth.user.registered", version=1, aggregate="user_id"):
    """Somebody signed up. Published once per user."""


class UserProfileChanged(Profile, type="auth.user.profile_changed", version=1, aggregate="user_id"):
    """Name, time zone, start of day or roles changed; this is the profile from now on."""


class UserEmailVerified(Profile, type="auth.user.email_verified", version=1, aggregate="user_id"):
    """The user opened the link that was sent to the address."""


class UserDeleted(Event, type="auth.user.deleted", version=1, aggregate="user_id"):
    """The account is gone. Whoever keeps something of the user erases it, and says so with `<service>.user_data.erased`."""

    user_id: UUID


class UserExportRequested(Event, type="auth.user.export_requested", version=1, aggregate="export_id"):
    """The user wants a copy of everything. Whoever keeps something makes it ready, and says so with `<service>.user_data.exported`."""

    export_id: UUID
    user_id: UUID


class EmailRequested(Event, type="auth.email.requested", version=1, aggregate="request_id"):
    """A mail with a secret link is to be sent to somebody, now: after `expires_at` it is of no use any more."""

    request_id: UUID
    user_id: UUID
    kind: Literal["verify_email", "reset_password"]
    email: str
    name: str
    sealed_link: str = Field(description="The link, sealed with the mesh's key ring: it does not travel in clear")
    expires_at: AwareDatetime


class SessionRevoked(Event, type="auth.session.revoked", version=1, aggregate="session_id"):
    """The session's access tokens are void from now on, although they have not expired."""

    session_id: UUID
    user_id: UUID
    reason: Literal["logout", "token_reuse", "password_changed", "account_suspended", "roles_changed"]
    tokens_expire_at: AwareDatetime = Field(description="When the last access token of the session expires by itself")
