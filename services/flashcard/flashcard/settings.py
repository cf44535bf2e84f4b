"""What flashcard reads from its environment."""

from pathlib import Path
from typing import ClassVar

from chassis.settings import StoringSettings
from pydantic import Field, field_validator

from flashcard.scheduling import Algorithm, DeckOptions


class Settings(StoringSettings, env_prefix="FLASHCARD_"):
    """Settings of flashcard."""

    service: ClassVar[str] = "flashcard"

    port: int = Field(8105, ge=0, le=65535)
    algorithm: Algorithm = Field(
        "fsrs", description="How new decks are scheduled: fsrs or sm2; a deck may say otherwise"
    )
    storage_url: str | None = Field(
        None, description="Where media are kept: file:///folder or s3://bucket/prefix; unset, a folder under DATA_DIR"
    )
    sweep_seconds: float = Field(5.0, gt=0, le=3600, description="How often days that begin are looked for, at least")

    @field_validator("storage_url")
    @classmethod
    def refuse_unknown_storage(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("file:///", "s3://")):
            raise ValueError("use file:///an/absolute/folder or s3://bucket/prefix")
        return url

    @property
    def fresh(self) -> DeckOptions:
        """The options of a deck for which nobody chose any."""
        return DeckOptions(algorithm=self.algorithm)

    @property
    def storage(self) -> str:
        """The URL of the storage that is used."""
        return self.storage_url or Path(self.data_dir, "flashcard", "files").absolute().as_uri()
