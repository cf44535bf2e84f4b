"""Chat with several models: which one answers, what it cost, and what a student gets when none does."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from chassis.database import Database
from chassis.settings import SettingsError, load
from chat import offline
from chat.breaker import FAILURES, State
from chat.completions import ChatCompletions, connect
from chat.model import ModelFailed, Patience, Turn
from chat.providers import Provider, Providers
from chat.settings import ProviderSettings, Settings
from chat.spending import Period, latest
from prometheus_client import REGISTRY

from .builders import passage
from .neighbours import Neighbours
from .provider import Script, breaks_off, falls_silent, provider, refuses, says
from .school import School, Student

CELLS = "The cell is the smallest unit that is alive."
GOOD = says("Cells are alive [1].")


@pytest.fixture(autouse=True)
def material(neighbours: Neighbours) -> None:
    neighbours.passages = [passage(CELLS, page=7, title="Biology")]


@asynccontextmanager
async def taught(
    database: Database, neighbours: Neighbours, *firsts_scripts: Script, then: Script = GOOD, **settings: Any
) -> AsyncIterator[School]:
    """Chat with a first model and a second one, which has a price."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(provider(*firsts_scripts))
        second = await stack.enter_async_context(provider(then))
        fallback = ProviderSettings(
            base_url=second.url, model="second", price_input=Decimal("2.5"), price_output=Decimal(10)
        )
        known = {"llm_base_url": first.url, "llm_model": "first", "llm_fallbacks": (fallback,), "llm_retries": 0}
        yield await stack.enter_async_context(School.open(database, neighbours, **known | settings))


async def asked(student: Student) -> httpx.Response:
    return await student.asks(await student.starts(), "What is a cell?")


async def test_second_model_answers_and_is_named_with_what_it_cost(database: Database, neighbours: Neighbours) -> None:
    async with taught(database, neighbours, refuses(500)) as school:
        answer = (await asked(school.student())).json()
    assert answer["model"] == "second"
    assert answer["usage"] == {
        "input_tokens": 21,
        "output_tokens": 8,
        "estimated": False,
        "cost_usd": "0.0001325",
    }


async def test_cost_is_null_where_no_price_is_known(database: Database, neighbours: Neighbours) -> None:
    async with taught(database, neighbours, GOOD) as school:
        answer = (await asked(school.student())).json()
    assert (answer["model"], answer["usage"]["cost_usd"]) == ("first", None)


async def test_answer_that_breaks_off_is_an_error_and_not_another_answer(
    database: Database, neighbours: Neighbours
) -> None:
    async with taught(database, neighbours, breaks_off("Cells ", "are ", "alive")) as school:
        ada = school.student()
        session = await ada.starts()
        heard = await ada.hears(session, "What is a cell?")
    assert heard[-1].name == "error"
    assert heard[-1].data["type"].endswith("model-broke-off")


async def test_student_is_told_what_kind_of_failure_it_was(database: Database, neighbours: Neighbours) -> None:
    async with taught(database, neighbours, refuses(429, Retry_After="70"), then=refuses(401)) as school:
        refused = await asked(school.student())
    assert refused.status_code == 503
    assert "1 is overloaded, 1 is not set up correctly" in refused.json()["detail"]


async def test_operators_see_that_a_model_is_left_alone(database: Database, neighbours: Neighbours) -> None:
    async with provider(refuses(401)) as model:
        label = ProviderSettings(base_url=model.url, model="m").label
        settings = {"llm_base_url": model.url, "llm_model": "m", "llm_retries": 0}
        async with School.open(database, neighbours, **settings) as school:
            states = [REGISTRY.get_sample_value("chat_provider_state", {"provider": label})]
            for _ in range(2):
                assert (await asked(school.student())).status_code == 503
                states.append(REGISTRY.get_sample_value("chat_provider_state", {"provider": label}))
    skipped = {"provider": label, "outcome": "skipped"}
    assert states == [State.CLOSED, State.OPEN, State.OPEN]
    assert REGISTRY.get_sample_value("chat_provider_requests_total", skipped) == 1


async def test_no_model_answers_and_the_offline_tutor_does_only_if_it_may(
    database: Database, neighbours: Neighbours
) -> None:
    async with taught(database, neighbours, refuses(500), then=refuses(500)) as school:
        assert (await asked(school.student())).status_code == 503
    async with taught(database, neighbours, refuses(500), then=refuses(500), llm_offline_fallback=True) as school:
        answer = (await asked(school.student())).json()
    assert (answer["offline"], answer["model"]) == (True, None)
    assert offline.NOTICE in answer["content"]
    assert answer["usage"]["cost_usd"] == "0"


async def test_offline_tutor_does_not_finish_what_a_model_began(database: Database, neighbours: Neighbours) -> None:
    async with taught(database, neighbours, breaks_off("Cells "), llm_offline_fallback=True) as school:
        ada = school.student()
        heard = await ada.hears(await ada.starts(), "What is a cell?")
    assert heard[-1].name == "error"


async def test_usage_is_summed_up_for_its_student_alone(database: Database, neighbours: Neighbours) -> None:
    async with taught(database, neighbours, refuses(401)) as school:
        ada, bob = school.student(), school.student()
        for _ in range(2):
            await asked(ada)
        (today,) = (await ada.client.get("/chat/usage")).json()["items"]
        (month,) = (await ada.client.get("/chat/usage", params={"by": "month", "time_zone": "Asia/Tokyo"})).json()[
            "items"
        ]
        assert (await bob.client.get("/chat/usage")).json() == {"items": []}
        refused = await ada.client.get("/chat/usage", params={"time_zone": "Mars/Olympus"})
    assert refused.status_code == 422
    assert (today["model"], today["answers"], today["unpriced"]) == ("second", 2, 0)
    assert (today["input_tokens"], today["output_tokens"], today["cost_usd"]) == (42, 16, "0.000265")
    assert month["begins"].endswith("-01")


def test_months_and_days_are_counted_back_from_today() -> None:
    months = latest(Period.MONTH, date(2026, 2, 28))
    assert (months[0], months[-1], len(months)) == (date(2025, 3, 1), date(2026, 2, 1), 12)
    days = latest(Period.DAY, date(2026, 3, 1))
    assert (days[0], days[-1]) == (date(2026, 3, 1) - timedelta(days=30), date(2026, 3, 1))


async def test_provider_that_is_down_costs_the_next_students_no_wait() -> None:
    now = 0.0
    patience = Patience(first=15, between=15, whole=30)
    async with provider(refuses(500)) as down, provider(GOOD) as up, AsyncExitStack() as stack:
        models = [
            Provider(
                name,
                ChatCompletions(
                    await stack.enter_async_context(connect(served.url, "k", patience, retries=0)), name, patience
                ),
            )
            for name, served in (("down", down), ("up", up))
        ]
        providers = Providers(models, patience, lambda: now)
        for _ in range(FAILURES + 5):
            pieces = [piece async for piece in providers.write([Turn("user", "?")], longest=9)]
            assert pieces[0] == "Cells are alive [1]."
        assert len(down.requests) == FAILURES
        now = 1000.0
        _ = [piece async for piece in providers.write([Turn("user", "?")], longest=9)]
        assert len(down.requests) == FAILURES + 1


async def test_wait_for_the_first_word_is_one_for_all_of_them() -> None:
    patience = Patience(first=2.0, between=15, whole=30)
    started = datetime.now(UTC)
    async with provider(falls_silent()) as one, provider(falls_silent()) as two, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(served.url, "k", patience)) for served in (one, two)]
        models = [Provider(str(place), ChatCompletions(c, "m", patience)) for place, c in enumerate(clients)]
        with pytest.raises(ModelFailed):
            _ = [piece async for piece in Providers(models, patience).write([Turn("user", "?")], longest=9)]
    assert len(two.requests) == 1
    assert (datetime.now(UTC) - started).total_seconds() < 15


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load(Settings)


def test_further_models_are_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        CHAT_LLM_MODEL="gpt-4o-mini",
        CHAT_LLM_API_KEY="secret",
        CHAT_LLM_PRICE_INPUT="0.15",
        CHAT_LLM_PRICE_OUTPUT="0.60",
        CHAT_LLM_FALLBACKS='[{"base_url": "http://localhost:11434/v1", "model": "llama3.2", "thinking": 2000}]',
    )
    assert [given.label for given in settings.providers] == ["gpt-4o-mini@api.openai.com", "llama3.2@localhost:11434"]
    assert settings.providers[0].price is not None
    assert settings.providers[1].price is None
    assert settings.budget.context == 6000


@pytest.mark.parametrize(
    ("fallbacks", "said"),
    [
        ("llama3.2", "must be a JSON list"),
        ('{"model": "llama3.2"}', "CHAT_LLM_FALLBACKS"),
        ('[{"base_url": "http://localhost/v1"}]', "Field required"),
        ('[{"model": "x", "modell": "y"}]', "not permitted"),
        ('[{"model": "x", "price_input": 1}]', "has one price"),
        ('[{"model": "first"}]', "twice"),
        ('[{"model": "x", "thinking": 7000}]', "CHAT_LLM_CONTEXT"),
    ],
)
def test_what_is_wrong_with_further_models_is_said(monkeypatch: pytest.MonkeyPatch, fallbacks: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        read(monkeypatch, CHAT_LLM_MODEL="first", CHAT_LLM_API_KEY="secret-key", CHAT_LLM_FALLBACKS=fallbacks)
    assert "secret-key" not in str(refused.value)
