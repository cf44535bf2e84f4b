"""What every service that keeps something of a user says when it was erased, or made ready to be taken away."""

from uuid import UUID

from mesh import Event
from pydantic import Field


class DataErased(Event):
    """The service keeps nothing of the user any more."""

    user_id: UUID


class DataExported(Event):
    """What the service keeps of the user waits to be fetched: `GET /users/me/exports/{export_id}/<service>`."""

    export_id: UUID
    user_id: UUID
    size: int = Field(ge=0, description="Bytes, compressed")
