"""What an operator can set, and what is refused."""

import pytest
from chassis.settings import SettingsError, load
from gateway.settings import Settings


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_CORS_ORIGINS", "https://a.example, https://b.example ,")
    assert load(Settings).cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("value", ["somewhere", "10.0.0.0/33", "10.0.0.1/8"])
def test_what_is_no_network_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GATEWAY_TRUSTED_PROXIES", f"10.0.0.0/8, {value}")
    with pytest.raises(SettingsError, match="GATEWAY_TRUSTED_PROXIES"):
        load(Settings)


def test_an_address_may_ask_more_than_a_user_unless_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_LIMIT_GENERAL", "100")
    monkeypatch.setenv("GATEWAY_LIMIT_AI_ADDRESS", "7")
    settings = load(Settings)
    assert settings.user_quotas["general"].limit == 100
    assert settings.address_quotas["general"].limit == 500
    assert settings.address_quotas["ai"].limit == 7
