"""Settings: one environment for all services, sentences for the operator, and no production on published secrets."""

from typing import Annotated, ClassVar

import pytest
from chassis.settings import (
    DEVELOPMENT_KEY_RING,
    DEVELOPMENT_SERVICE_SECRET,
    DevelopmentSecret,
    ServiceSettings,
    SettingsError,
    StoringSettings,
    load,
)
from pydantic import Field, SecretStr


class Settings(StoringSettings, env_prefix="TESTS_"):
    service: ClassVar[str] = "tests"

    port: int = Field(8999, ge=0, le=65535)
    pepper: Annotated[SecretStr, DevelopmentSecret()] = SecretStr("development-pepper")
    length: int = Field(10, ge=1)


OWN = {"KEY_RING": "7:" + "Qk" * 21 + "Q=", "TESTS_SERVICE_SECRET": "mine", "TESTS_PEPPER": "ours"}


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {"ENVIRONMENT": "production", **OWN}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_laptop_needs_no_settings() -> None:
    settings = load(Settings)
    assert (settings.environment, settings.port, settings.service) == ("development", 8999, "tests")


def test_shared_settings_have_one_name_and_a_services_own_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "LOG_LEVEL": "WARNING",
        "AMQP_URL": "amqp://mesh/",
        "REDIS_URL": "redis://mesh/1",
        "AUTH_URL": "http://auth:8101/",
        "TESTS_PORT": "9001",
        "TESTS_DATABASE_URL": "postgresql+asyncpg://tests@db/mesh",
        "OTHER_PORT": "1",
        "PORT": "2",
        "TESTS_LOG_LEVEL": "ERROR",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load(Settings)
    assert (settings.log_level, settings.amqp_url, settings.redis_url) == ("WARNING", "amqp://mesh/", "redis://mesh/1")
    assert (settings.port, settings.database_url) == (9001, "postgresql+asyncpg://tests@db/mesh")
    assert settings.jwks_url == "http://auth:8101/.well-known/jwks.json"


@pytest.mark.parametrize(("said", "required"), [("", True), ("false", False), ("true", True)])
def test_production_asks_for_verified_addresses_unless_told_otherwise(
    production: pytest.MonkeyPatch, said: str, required: bool
) -> None:
    production.setenv("REQUIRE_VERIFIED_EMAIL", said)
    assert load(Settings).verified_email_required is required


def test_a_laptop_asks_for_verified_addresses_only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load(Settings).verified_email_required
    monkeypatch.setenv("REQUIRE_VERIFIED_EMAIL", "true")
    assert load(Settings).verified_email_required


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTS_PORT", "")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    settings = load(Settings)
    assert (settings.port, settings.otel_exporter_otlp_endpoint) == (8999, None)


def test_production_starts_with_secrets_of_its_own(production: pytest.MonkeyPatch) -> None:
    assert load(Settings).environment == "production"


@pytest.mark.parametrize("name", OWN)
def test_production_names_each_secret_that_everybody_knows(production: pytest.MonkeyPatch, name: str) -> None:
    production.delenv(name)
    with pytest.raises(SettingsError) as refused:
        load(Settings)
    assert name in str(refused.value)
    assert not [other for other in OWN if other != name and other in str(refused.value)]


def test_production_names_them_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(SettingsError) as refused:
        load(Settings)
    assert all(name in str(refused.value) for name in OWN)


def test_production_refuses_the_published_key_also_as_an_older_one(production: pytest.MonkeyPatch) -> None:
    published = DEVELOPMENT_KEY_RING.get_secret_value()
    production.setenv("KEY_RING", f"{OWN['KEY_RING']},{published}")
    with pytest.raises(SettingsError, match="KEY_RING"):
        load(Settings)


def test_production_refuses_a_published_secret_that_was_set_by_hand(production: pytest.MonkeyPatch) -> None:
    production.setenv("TESTS_SERVICE_SECRET", DEVELOPMENT_SERVICE_SECRET.get_secret_value())
    with pytest.raises(SettingsError, match="TESTS_SERVICE_SECRET"):
        load(Settings)


def test_tests_and_laptops_may_use_published_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for environment in ("development", "test"):
        monkeypatch.setenv("ENVIRONMENT", environment)
        assert load(Settings).development_secrets() == ["KEY_RING", "TESTS_SERVICE_SECRET", "TESTS_PEPPER"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "staging"),
        ("LOG_LEVEL", "loud"),
        ("TESTS_PORT", "seventy"),
        ("TESTS_PORT", "70000"),
        ("TESTS_LENGTH", "0"),
        ("TESTS_DATABASE_POOL_SIZE", "0"),
        ("KEY_RING", "no ring"),
        ("SHUTDOWN_GRACE_SECONDS", "-1"),
    ],
)
def test_a_wrong_value_is_told_in_a_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load(Settings)
    first, second = str(refused.value).splitlines()
    assert first == "tests cannot start with these settings:"
    assert second.startswith(f"  {name}: ")


def test_the_refusal_quotes_no_secret(production: pytest.MonkeyPatch) -> None:
    production.setenv("KEY_RING", "1:not-base64-but-secret")
    production.setenv("TESTS_PORT", "x")
    with pytest.raises(SettingsError) as refused:
        load(Settings)
    assert "but-secret" not in str(refused.value)
    assert "mine" not in str(refused.value)


def test_secrets_do_not_show_when_settings_are_printed(production: pytest.MonkeyPatch) -> None:
    shown = repr(load(Settings))
    assert "ours" not in shown
    assert "Qk" not in shown


def test_settings_do_not_change_under_way() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(Settings).port = 1  # type: ignore[misc]  # a type checker sees it, too


def test_the_variable_of_each_field_is_known() -> None:
    assert Settings.variable("key_ring") == "KEY_RING"
    assert Settings.variable("port") == "TESTS_PORT"
    assert ServiceSettings.variable("environment") == "ENVIRONMENT"
