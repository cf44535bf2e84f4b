"""Settings: read from the environment, refused in sentences that name the variable and never the secret."""

import pytest
from auth.settings import Settings, parse_service_secrets
from chassis.settings import SettingsError, load

RING = "1:" + "Qk" * 21 + "Q="


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which auth starts in production."""
    for name, value in {
        "ENVIRONMENT": "production",
        "KEY_RING": RING,
        "AUTH_SERVICE_SECRET": "s-auth",
        "AUTH_PUBLIC_URL": "https://study.example.org/",
        "AUTH_SERVICE_SECRETS": "auth:s-auth,chat:s-chat",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_production_starts_with_secrets_of_its_own(production: pytest.MonkeyPatch) -> None:
    settings = load(Settings)
    assert settings.secret_by_service == {"auth": "s-auth", "chat": "s-chat"}
    assert settings.port == 8101


def test_production_refuses_the_published_secret_of_any_service(production: pytest.MonkeyPatch) -> None:
    production.setenv("AUTH_SERVICE_SECRETS", "auth:s-auth,chat:development-service-secret")
    with pytest.raises(SettingsError, match="AUTH_SERVICE_SECRETS"):
        load(Settings)


def test_production_refuses_cheap_hashing(production: pytest.MonkeyPatch) -> None:
    production.setenv("AUTH_HASHING_MEMORY_KIB", "1024")
    with pytest.raises(SettingsError, match=r"AUTH_HASHING_MEMORY_KIB.*19456"):
        load(Settings)


def test_production_does_not_send_links_to_nowhere(production: pytest.MonkeyPatch) -> None:
    assert load(Settings).public_url == "https://study.example.org"
    production.delenv("AUTH_PUBLIC_URL")
    with pytest.raises(SettingsError, match="AUTH_PUBLIC_URL must be set"):
        load(Settings)


@pytest.mark.parametrize(
    "written",
    ["chat:one,ingestion:two", " chat : one , ingestion : two ", '{"chat": "one", "ingestion": "two"}'],
)
def test_service_secrets_are_written_as_a_list_or_as_json(written: str) -> None:
    assert parse_service_secrets(written) == {"chat": "one", "ingestion": "two"}


def test_a_secret_may_hold_a_colon() -> None:
    assert parse_service_secrets("chat:one:two") == {"chat": "one:two"}


@pytest.mark.parametrize(
    "written",
    [
        "",
        "chat",
        "chat:",
        ":hush-hush",
        "chat:hush-hush,",
        "chat:hush-hush,chat:two",
        '{"chat": "hush-hush"',
        '{"chat": 1}',
        "{}",
    ],
)
def test_unreadable_service_secrets_are_refused_without_quoting_them(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    with pytest.raises(ValueError, match=r"name:secret|JSON") as refused:
        parse_service_secrets(written)
    assert "hush" not in str(refused.value)
    if written:
        monkeypatch.setenv("AUTH_SERVICE_SECRETS", written)
        with pytest.raises(SettingsError, match="AUTH_SERVICE_SECRETS") as told:
            load(Settings)
        assert "hush" not in str(told.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AUTH_FIRST_ADMIN_EMAIL", "root"),
        ("AUTH_ACCESS_TOKEN_SECONDS", "7200"),
        ("AUTH_REFRESH_GRACE_SECONDS", "600"),
        ("AUTH_KEY_PUBLISH_LEAD_SECONDS", "5"),
        ("AUTH_PORT", "http"),
        ("AUTH_PUBLIC_URL", "study.example.org"),
        ("AUTH_PUBLIC_URL", "javascript:alert(1)"),
        ("KEY_RING", "1:short"),
    ],
)
def test_a_wrong_value_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=variable):
        load(Settings)
