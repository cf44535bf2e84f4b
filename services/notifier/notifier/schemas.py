"""What notifier takes and shows over HTTP."""

from dataclasses import replace
from datetime import datetime, time
from typing import Annotated, Any, Self
from uuid import UUID

from chassis.paging import INTEGER, Page
from pydantic import BaseModel, ConfigDict, Field, model_validator

from notifier.kinds import Channel, NotificationKind
from notifier.preferences import Choices
from notifier.reminder_hours import Hours, QuietHours


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


LocalTime = Annotated[
    str,
    Field(
        pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="Hours and minutes in the student's zone",
        examples=["18:00"],
    ),
]


class QuietHoursOut(BaseModel):
    """Local times between which no reminder comes, over midnight where `begins` is later than `ends`."""

    model_config = ConfigDict(extra="forbid")

    begins: LocalTime = Field(examples=["22:00"])
    ends: LocalTime = Field(examples=["07:00"])


class QuietHoursIn(QuietHoursOut):
    """The same. Hours that end when they begin are refused: whether none or all were meant, nobody knows."""

    @model_validator(mode="after")
    def refuse_none_or_all(self) -> Self:
        if self.begins == self.ends:
            raise ValueError("must not end when they begin; null turns quiet hours off")
        return self


class PreferencesOut(BaseModel):
    """What the student wants to be told, how, and when."""

    document_ready: Channels
    document_failed: Channels
    answer_ready: Channels = Field(description="An answer was finished while no tab was open and nobody waited for it")
    review_reminder: Channels = Field(description="Once a day while cards are due")
    reminder_time: LocalTime = Field(
        description="When the reminder comes, in the student's zone; one that lies in the quiet hours comes when they end"
    )
    quiet_hours: QuietHoursOut | None
    next_reminder_at: datetime | None = Field(
        description="When a reminder comes, if cards are still due then; null: none are due, it has come today, or its time of today had"
        " passed when it was chosen or when the first cards became due"
    )


class PreferencesIn(BaseModel):
    """The body of `PUT /notifications/preferences`: what is not named stays as it is; `quiet_hours: null` turns them off."""

    model_config = ConfigDict(extra="forbid")

    document_ready: ChannelsIn = ChannelsIn()
    document_failed: ChannelsIn = ChannelsIn()
    answer_ready: ChannelsIn = ChannelsIn()
    review_reminder: ChannelsIn = ChannelsIn()
    reminder_time: LocalTime | None = Field(None, description="One of today that has passed counts from tomorrow")
    quiet_hours: QuietHoursIn | None = None

    @property
    def is_about_reminders(self) -> bool:
        """Whether it names anything that decides when a reminder comes."""
        return bool({"review_reminder", "reminder_time", "quiet_hours"} & self.model_fields_set)

    def changed(self, hours: Hours) -> Hours:
        """The hours, with what was named."""
        if self.reminder_time is not None:
            hours = replace(hours, at=time.fromisoformat(self.reminder_time))
        if "quiet_hours" in self.model_fields_set:
            quiet = self.quiet_hours
            times = (time.fromisoformat(one) for one in (quiet.begins, quiet.ends)) if quiet else None
            hours = replace(hours, quiet=QuietHours(*times) if times else None)
        return hours

    def choices(self) -> Choices:
        """What was named."""
        named = {kind: getattr(self, kind).model_dump(exclude_none=True) for kind in NotificationKind}
        return {(kind, Channel(channel)): wanted for kind, found in named.items() for channel, wanted in found.items()}


def preferences_out(choices: Choices, hours: Hours, next_reminder_at: datetime | None) -> PreferencesOut:
    """All choices."""
    kinds: dict[str, Any] = {
        "reminder_time": f"{hours.at:%H:%M}",
        "quiet_hours": hours.quiet and {"begins": f"{hours.quiet.begins:%H:%M}", "ends": f"{hours.quiet.ends:%H:%M}"},
        "next_reminder_at": next_reminder_at,
    }
    for (kind, channel), wanted in choices.items():
        kinds.setdefault(kind, {})[channel] = wanted
    return PreferencesOut.model_validate(kinds)
