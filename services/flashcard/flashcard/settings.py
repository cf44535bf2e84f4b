"""What flashcard reads from its environment."""

from typing import ClassVar

from chassis.settings import StoringSettings
from pydantic import Field


class Settings(StoringSettings, env_prefix="FLASHCARD_"):
    """Settings of flashcard."""

    service: ClassVar[str] = "flashcard"

    port: int = Field(8105, ge=0, le=65535)
    sweep_seconds: float = Field(30.0, gt=0, le=3600, description="How often days that begin are looked for, at least")
