"""What ingestion reads from its environment."""

from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Self

from chassis.settings import StoringSettings
from pydantic import Field, SecretStr, field_validator, model_validator

from ingestion.reading.limits import MEBIBYTE, ReadingLimits

MOST_UPLOAD_BYTES = 200 * MEBIBYTE
LOCAL_MODEL = "all-MiniLM-L6-v2"


class Settings(StoringSettings, env_prefix="INGESTION_"):
    """Settings of ingestion; durations in seconds, sizes in bytes unless their name says otherwise."""

    service: ClassVar[str] = "ingestion"

    port: int = Field(8102, ge=0, le=65535)
    storage_url: str | None = Field(
        None, description="Where uploads are kept: file:///folder or s3://bucket/prefix; unset, a folder under DATA_DIR"
    )
    max_upload_bytes: int = Field(100 * MEBIBYTE, ge=1024, le=MOST_UPLOAD_BYTES)
    upload_seconds: float = Field(900.0, gt=0, le=3600, description="An upload that takes longer is refused")

    max_pages: int = Field(10_000, ge=1)
    max_characters: int = Field(20_000_000, ge=1000, description="Text of one document")
    reading_memory_mib: int = Field(512, ge=64, description="What reading one document may allocate")
    reading_page_seconds: float = Field(20.0, gt=0, description="The longest that opening or one page may take")
    reading_seconds: float = Field(600.0, gt=0, description="The longest that reading one document may take")

    worker_documents: int = Field(
        4, ge=1, le=32, description="Documents that one worker reads at the same time, taking turns at the model"
    )
    worker_lease_seconds: float = Field(
        30.0, gt=0, le=600, description="A dead worker's document is taken over after it"
    )
    worker_attempts: int = Field(
        3,
        ge=1,
        le=20,
        description="Tries without progress before a document fails; four times as many that end with their worker",
    )
    sweep_seconds: float = Field(2.0, gt=0, le=60, description="How often the scheduler looks for lost jobs and files")
    rehint_seconds: float = Field(
        30.0, gt=0, le=600, description="A document whose job seems lost gets another after it"
    )

    embeddings_base_url: str | None = Field(None, description="An OpenAI-compatible API; unset, the model on this CPU")
    embeddings_api_key: SecretStr | None = None
    embeddings_model: str | None = None
    embeddings_dimensions: int | None = Field(
        None, ge=1, le=8192, description="Asked of models that can shorten vectors"
    )
    embeddings_batch: int = Field(64, ge=1, le=2048, description="Texts in one request to the API")
    embeddings_window: int = Field(4000, ge=100, description="Characters sent as one text; less than the model reads")
    qdrant_url: str | None = Field(None, description="A Qdrant server; unset, its engine inside the index role")
    qdrant_api_key: SecretStr | None = None
    index_url: str | None = Field(None, description="The process with the index role; unset, it is this one")
    answerable_score: float | None = Field(
        None, ge=-1, le=1, description="The least cosine of an answer; unset, what was measured for the model"
    )

    @field_validator("storage_url")
    @classmethod
    def refuse_unknown_storage(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("file:///", "s3://")):
            raise ValueError("use file:///an/absolute/folder or s3://bucket/prefix")
        return url

    @model_validator(mode="after")
    def refuse_model_of_nowhere(self) -> Self:
        local = self.embeddings_model in (None, LOCAL_MODEL)
        if not local and self.embeddings_base_url is None and self.embeddings_api_key is None:
            raise ValueError(
                f"INGESTION_EMBEDDINGS_MODEL is {self.embeddings_model}, which is not on this machine. Say where it is by "
                "INGESTION_EMBEDDINGS_BASE_URL, or give OpenAI's key in INGESTION_EMBEDDINGS_API_KEY."
            )
        return self

    @property
    def storage(self) -> str:
        """The URL of the storage that is used."""
        return self.storage_url or Path(self.data_dir, "ingestion", "files").absolute().as_uri()

    @property
    def reading_limits(self) -> ReadingLimits:
        """What the worker passes to its reading children."""
        return ReadingLimits(
            memory=self.reading_memory_mib * MEBIBYTE,
            cpu_seconds=int(self.reading_seconds) + 1,
            page_seconds=self.reading_page_seconds,
            total_seconds=self.reading_seconds,
            pages=self.max_pages,
            characters=self.max_characters,
        )

    @property
    def worker_lease(self) -> timedelta:
        return timedelta(seconds=self.worker_lease_seconds)
