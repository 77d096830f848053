import os

from hypothesis import given, strategies as st
import pytest
from yarl import URL

from custom_components.energy_connect.core.address import base_url, is_loopback
from custom_components.energy_connect.core.errors import ApiError, Reason, UnexpectedResponse

PRODUCTION = "https://api.{environment}.example/v2"
VARIABLE = "ENERGY_CONNECT_ACME_API_URL"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "::1"])
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "0.0.0.0",
        "::",
        "192.168.1.20",
        "10.0.0.1",
        "localhost.example",
        "127.0.0.1.example",
        "2130706433",
        "fe80::1",
    ],
)
def test_everything_else_is_not(host: str | None) -> None:
    assert not is_loopback(host)


def test_without_the_variable_it_is_the_production_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert base_url("ACME_API_URL", PRODUCTION, environment="sandbox") == URL(
        "https://api.sandbox.example/v2"
    )


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert base_url("ACME_API_URL", "https://api.example") == URL("https://api.example")


def test_the_variable_is_read_at_each_call_and_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "http://127.0.0.1:8123/acme/{environment}")
    assert base_url("ACME_API_URL", PRODUCTION, environment="sandbox") == URL(
        "http://127.0.0.1:8123/acme/sandbox"
    )
    monkeypatch.setenv(VARIABLE, "http://localhost:1")
    assert base_url("ACME_API_URL", PRODUCTION, environment="sandbox") == URL("http://localhost:1")


@pytest.mark.parametrize(
    "override",
    [
        "https://evil.example",
        "http://192.168.1.20",
        "http://127.0.0.1@evil.example/",
        "http://127.0.0.1.evil.example/",
        "//evil.example",
        "127.0.0.1:8123",
        "http://127.0.0.1:99999",
        "http://[::1",
        "http://127.0.0.1/{environmnet}",
        "http://127.0.0.1/{",
        "http://127.0.0.1/{}",
    ],
)
def test_no_variable_sends_credentials_to_another_machine_or_breaks_the_start(
    monkeypatch: pytest.MonkeyPatch, override: str
) -> None:
    monkeypatch.setenv(VARIABLE, override)
    with pytest.raises(UnexpectedResponse) as caught:
        base_url("ACME_API_URL", PRODUCTION, environment="sandbox")
    assert caught.value.reason is Reason.INVALID_HOST
    assert caught.value.detail == f"{VARIABLE} must name this machine"


@pytest.mark.parametrize(
    "environment",
    ["evil.example/", "a@evil", "a.b", "", "../x", "a:443", "a#", "a?", "a\\b", "ä", "a b", "a\n"],
)
def test_what_is_filled_in_can_not_change_the_host(
    monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(UnexpectedResponse) as caught:
        base_url("ACME_API_URL", PRODUCTION, environment=environment)
    assert caught.value.reason is Reason.INVALID_HOST


@given(st.text())
def test_whatever_the_variable_holds_it_is_this_machine_or_an_api_error(override: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", {VARIABLE: override})
        try:
            url = base_url("ACME_API_URL", "http://localhost/{environment}", environment="x")
        except ApiError:
            return
    assert is_loopback(url.host)
