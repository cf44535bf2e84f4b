"""What chat reads from its environment."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from chassis.settings import StoringSettings
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from chat.model import Patience
from chat.prices import Price
from chat.tutoring import Budget

OPENAI = "https://api.openai.com/v1"
Dollars = Annotated[Decimal, Field(ge=0, le=10_000)]


class ProviderSettings(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """A model at an OpenAI-compatible API: one of `CHAT_LLM_FALLBACKS`, or what the single variables make."""

    base_url: str = OPENAI
    api_key: SecretStr | None = None
    model: str = Field(min_length=1)
    thinking: int = Field(0, ge=0, le=100_000)
    price_input: Dollars | None = None
    price_output: Dollars | None = None

    @model_validator(mode="after")
    def refuse_half_a_price(self) -> Self:
        if (self.price_input is None) != (self.price_output is None):
            raise ValueError(f"{self.label} has one price: name that of its input and that of its output, or neither")
        return self

    @property
    def label(self) -> str:
        """What logs and metrics call it."""
        return f"{self.model}@{urlsplit(self.base_url).netloc.rpartition('@')[2]}"

    @property
    def price(self) -> Price | None:
        if self.price_input is None or self.price_output is None:
            return None
        return Price(self.price_input, self.price_output)


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
    llm_price_input: Dollars | None = Field(None, description="US dollars for a million tokens that it reads")
    llm_price_output: Dollars | None = Field(None, description="US dollars for a million tokens that it writes")
    llm_thinking: int = Field(
        0, ge=0, le=100_000, description="Tokens that a reasoning model may spend before its answer, beside it"
    )
    llm_fallbacks: Annotated[tuple[ProviderSettings, ...], NoDecode] = Field(
        (), description="Further models, asked in this order while those before fail: a JSON list of objects"
    )
    llm_offline_fallback: bool = Field(
        False,
        description="Whether the offline tutor answers, and says so, when every model fails before its first word",
    )
    llm_context: int = Field(
        8000, ge=2000, le=2_000_000, description="Tokens that each model can read and write at once"
    )
    llm_answer: int = Field(1200, ge=100, le=32_000, description="Tokens of an answer at most")
    llm_memory: int = Field(2000, ge=0, description="Tokens of the conversation that go with a question at most")
    llm_first_seconds: float = Field(45.0, gt=0, le=600, description="The longest wait for an answer to begin")
    llm_pause_seconds: float = Field(20.0, gt=0, le=600, description="The longest silence inside an answer")
    llm_answer_seconds: float = Field(120.0, gt=0, le=900, description="The longest that an answer may take")
    llm_retries: int = Field(2, ge=0, le=10, description="Tries again where a provider is overloaded or fails at once")

    passages: int = Field(8, ge=1, le=50, description="Passages that an answer may rest on")
    recall_questions: int = Field(10, ge=1, le=50, description="Questions of a quiz where the student does not choose")
    answers_at_once: int = Field(64, ge=1, description="Answers that one process writes at the same time")
    followers: int = Field(
        200, ge=1, description="Readers of other processes' answers at once; more see each answer when it is finished"
    )
    sockets: int = Field(1000, ge=1, description="Open WebSockets of one process")
    sockets_per_user: int = Field(20, ge=1, description="Of one user, in one process")
    socket_operations: int = Field(30, ge=1, description="Operations a minute of one user over WebSockets")
    graphql_introspection: bool | None = Field(
        None, description="Whether GraphQL tells its own schema; unset, everywhere but in production"
    )
    opening_seconds: float = Field(
        8.0, gt=0, le=60, description="A stream opens after it at the latest; failures before are a plain 503"
    )
    lease_seconds: float = Field(15.0, gt=0, le=300, description="A killed process's answers are failed after it")
    sweep_seconds: float = Field(5.0, gt=0, le=300, description="How often the scheduler looks for such answers")

    @field_validator("llm_fallbacks", mode="before")
    @classmethod
    def read_fallbacks(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError(
                'must be a JSON list, such as [{"base_url": "http://localhost:11434/v1", "model": "llama3.2"}]'
            ) from None

    @model_validator(mode="after")
    def refuse_half_a_model(self) -> Self:
        if self.llm_model is None and (self.llm_base_url or self.llm_api_key):
            raise ValueError(
                "CHAT_LLM_MODEL must name the model, such as gpt-4o-mini or llama3.2, where CHAT_LLM_BASE_URL or "
                "CHAT_LLM_API_KEY is set. Unset all three for the offline tutor."
            )
        if self.llm_model is not None and not (self.llm_base_url or self.llm_api_key):
            raise ValueError("CHAT_LLM_MODEL needs CHAT_LLM_BASE_URL, or CHAT_LLM_API_KEY for OpenAI itself.")
        if self.llm_model is None and self.llm_fallbacks:
            raise ValueError("CHAT_LLM_FALLBACKS needs a first model: set CHAT_LLM_MODEL.")
        if self.llm_context < self.llm_answer + self._most_thinking + 1000:
            raise ValueError(
                "CHAT_LLM_CONTEXT must hold CHAT_LLM_ANSWER, what a model may think, and at least 1000 tokens to read."
            )
        labels = [provider.label for provider in self.providers]
        if twice := next((label for label in labels if labels.count(label) > 1), None):
            raise ValueError(f"CHAT_LLM_FALLBACKS names {twice} twice: asked again, it would fail again.")
        return self

    @property
    def providers(self) -> tuple[ProviderSettings, ...]:
        """The models in the order in which they are asked; none where the offline tutor answers."""
        if self.llm_model is None:
            return ()
        first = ProviderSettings(
            base_url=self.llm_base_url or OPENAI,
            api_key=self.llm_api_key,
            model=self.llm_model,
            thinking=self.llm_thinking,
            price_input=self.llm_price_input,
            price_output=self.llm_price_output,
        )
        return (first, *self.llm_fallbacks)

    @property
    def introspection(self) -> bool:
        """Whether GraphQL tells its own schema."""
        return self.environment != "production" if self.graphql_introspection is None else self.graphql_introspection

    @property
    def patience(self) -> Patience:
        return Patience(self.llm_first_seconds, self.llm_pause_seconds, self.llm_answer_seconds)

    @property
    def budget(self) -> Budget:
        return Budget(self.llm_context - self._most_thinking, self.llm_answer, self.llm_memory)

    @property
    def _most_thinking(self) -> int:
        return max((provider.thinking for provider in self.providers), default=0)

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)
