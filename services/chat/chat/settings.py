"""What chat reads from its environment."""

from datetime import timedelta
from typing import ClassVar, Self

from chassis.settings import StoringSettings
from pydantic import Field, SecretStr, model_validator

from chat.model import Patience
from chat.tutoring import Budget

OPENAI = "https://api.openai.com/v1"


class Settings(StoringSettings, env_prefix="CHAT_"):
    """Settings of chat; durations in seconds, sizes of text in tokens."""

    service: ClassVar[str] = "chat"

    port: int = Field(8103, ge=0, le=65535)
    ingestion_url: str = Field("http://127.0.0.1:8102", description="Where ingestion answers searches")

    llm_base_url: str | None = Field(
        None, description="An OpenAI-compatible API, such as https://api.deepseek.com/v1 or http://localhost:11434/v1"
    )
    llm_api_key: SecretStr | None = Field(None, description="Its key; a local server needs none")
    llm_model: str | None = Field(None, description="The model's name; unset, the offline tutor answers")
    llm_context: int = Field(
        8000, ge=2000, le=2_000_000, description="Tokens that the model can read and write at once"
    )
    llm_answer: int = Field(1200, ge=100, le=32_000, description="Tokens of an answer at most")
    llm_memory: int = Field(2000, ge=0, description="Tokens of the conversation that go with a question at most")
    llm_first_seconds: float = Field(45.0, gt=0, le=600, description="The longest wait for an answer to begin")
    llm_pause_seconds: float = Field(20.0, gt=0, le=600, description="The longest silence inside an answer")
    llm_answer_seconds: float = Field(120.0, gt=0, le=900, description="The longest that an answer may take")
    llm_retries: int = Field(2, ge=0, le=10, description="Tries again where a provider is overloaded or fails at once")

    passages: int = Field(8, ge=1, le=50, description="Passages that an answer may rest on")
    answers_at_once: int = Field(64, ge=1, description="Answers that one process writes at the same time")
    followers: int = Field(
        200, ge=1, description="Readers of other processes' answers at once; more see each answer when it is finished"
    )
    sockets: int = Field(1000, ge=1, description="Open WebSockets of one process")
    sockets_per_user: int = Field(20, ge=1, description="Of one user, in one process")
    socket_operations: int = Field(30, ge=1, description="Operations a minute of one user over WebSockets")
    opening_seconds: float = Field(
        8.0, gt=0, le=60, description="A stream opens after it at the latest; failures before are a plain 503"
    )
    lease_seconds: float = Field(15.0, gt=0, le=300, description="A killed process's answers are failed after it")
    sweep_seconds: float = Field(5.0, gt=0, le=300, description="How often the scheduler looks for such answers")

    @model_validator(mode="after")
    def refuse_half_a_model(self) -> Self:
        if self.llm_model is None and (self.llm_base_url or self.llm_api_key):
            raise ValueError(
                "CHAT_LLM_MODEL must name the model, such as gpt-4o-mini or llama3.2, where CHAT_LLM_BASE_URL or "
                "CHAT_LLM_API_KEY is set. Unset all three for the offline tutor."
            )
        if self.llm_model is not None and not (self.llm_base_url or self.llm_api_key):
            raise ValueError("CHAT_LLM_MODEL needs CHAT_LLM_BASE_URL, or CHAT_LLM_API_KEY for OpenAI itself.")
        if self.llm_context < self.llm_answer + 1000:
            raise ValueError("CHAT_LLM_CONTEXT must hold CHAT_LLM_ANSWER and at least 1000 tokens to read.")
        return self

    @property
    def patience(self) -> Patience:
        return Patience(self.llm_first_seconds, self.llm_pause_seconds, self.llm_answer_seconds)

    @property
    def budget(self) -> Budget:
        return Budget(self.llm_context, self.llm_answer, self.llm_memory)

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)
