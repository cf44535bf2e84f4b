"""What a fact looks like in code: a frozen model that knows its name on the wire."""

import re
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2,}")

# A routing key, with the version behind it, has at most 255 bytes.
_LONGEST = 200


class Event(BaseModel):
    """A durable fact about one aggregate.

    `class DocumentProcessed(Event, type="ingestion.document.processed", version=1, aggregate="document_id")` names the
    fact `<producer>.<entity>.<past tense>`, the version of its schema, and the field that identifies the aggregate.
    A class without `type` is a base for others and cannot be sent. Fields that a reader does not know are ignored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    schema_version: ClassVar[int]
    routing_key: ClassVar[str]
    dataschema: ClassVar[str]
    aggregate_field: ClassVar[str]
    ephemeral: ClassVar[bool] = False

    version: int = Field(ge=1, description="The aggregate's version, assigned under its row lock.")

    # `type` shadows a builtin because the class statement reads like the wire.
    def __init_subclass__(
        cls,
        *,
        type: str | None = None,  # noqa: A002
        version: int = 1,
        aggregate: str | None = None,
    ) -> None:
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        type: str | None = None,  # noqa: A002
        version: int = 1,
        aggregate: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if type is None:
            return
        if not _TYPE.fullmatch(type) or len(type) > _LONGEST or version < 1:
            raise TypeError(f"{cls.__name__}: {type!r} version {version} is not <producer>.<entity>.<past tense>, 1…")
        if aggregate not in cls.model_fields:
            raise TypeError(f"{cls.__name__}: aggregate={aggregate!r} names no field of it")
        cls.event_type = type
        cls.schema_version = version
        cls.routing_key = f"{type}.v{version}"
        cls.dataschema = f"urn:studyteddy:event:{cls.routing_key}"
        cls.aggregate_field = aggregate

    @property
    def aggregate_id(self) -> str:
        """Which aggregate the fact is about: the CloudEvents `subject`."""
        return str(getattr(self, self.aggregate_field))


class EphemeralEvent(Event):
    """News that may be lost (progress, tokens of an answer): sent directly, never through outbox and inbox."""

    ephemeral: ClassVar[bool] = True

    version: int = Field(default=0, ge=0, description="The aggregate's version where it is known, else 0.")
