"""What notifier takes and shows over HTTP."""

from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.paging import INTEGER, Page
from pydantic import BaseModel, ConfigDict, Field

from notifier.kinds import Channel, NotificationKind
from notifier.preferences import Choices


class TicketOut(BaseModel):
    """A ticket for one WebSocket: `/ws?ticket=…`."""

    ticket: str
    expires_in: int = Field(description="Seconds within which the socket must be opened")


class NotificationOut(BaseModel):
    """Something that the student was told. Text is plain, not HTML."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    number: int = Field(description="Counts the student's notifications; `/ws?after=` takes it")
    kind: NotificationKind
    title: str
    body: str
    data: dict[str, Any] = Field(description="Ids of what it is about, such as document_id")
    created_at: datetime
    read_at: datetime | None


class NotificationPage(Page[NotificationOut]):
    """One page of notifications; `unread` counts all that were not read, on whatever page."""

    unread: int


class ReadUpTo(BaseModel):
    """The body of `POST /notifications/read`."""

    up_to: int = Field(INTEGER, ge=0, le=INTEGER, description="The newest number that was seen; unset, everything")


class UnreadOut(BaseModel):
    """How many notifications were not read."""

    unread: int


class Channels(BaseModel):
    """Whether news of a kind is wanted, by channel. Mail goes to a verified address alone."""

    in_app: bool
    email: bool


class ChannelsIn(BaseModel):
    """The same, where what is not named stays as it is."""

    model_config = ConfigDict(extra="forbid")

    in_app: bool | None = None
    email: bool | None = None


class PreferencesOut(BaseModel):
    """What the student wants to be told, and how."""

    document_ready: Channels
    document_failed: Channels
    answer_ready: Channels = Field(description="An answer was finished while no tab was open")


class PreferencesIn(BaseModel):
    """The body of `PUT /notifications/preferences`: kinds and channels that are not named stay as they are."""

    model_config = ConfigDict(extra="forbid")

    document_ready: ChannelsIn = ChannelsIn()
    document_failed: ChannelsIn = ChannelsIn()
    answer_ready: ChannelsIn = ChannelsIn()

    def choices(self) -> Choices:
        """What was named."""
        named = {kind: getattr(self, kind).model_dump(exclude_none=True) for kind in NotificationKind}
        return {(kind, Channel(channel)): wanted for kind, found in named.items() for channel, wanted in found.items()}


def preferences_out(choices: Choices) -> PreferencesOut:
    """All choices."""
    kinds: dict[str, dict[str, bool]] = {}
    for (kind, channel), wanted in choices.items():
        kinds.setdefault(kind, {})[channel] = wanted
    return PreferencesOut.model_validate(kinds)
