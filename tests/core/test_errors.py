import pytest

from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)


@pytest.mark.parametrize(
    "kind", [CredentialsRejected, NotPermitted, Unavailable, UnexpectedResponse]
)
def test_an_error_is_an_api_error_with_its_reason(kind: type[ApiError]) -> None:
    error = kind(Reason.SERVER_ERROR, status=503, detail="down", retry_after=7.0)
    assert isinstance(error, ApiError)
    assert (error.reason, error.status, error.detail, error.retry_after) == (
        Reason.SERVER_ERROR,
        503,
        "down",
        7.0,
    )


def test_a_rate_limit_always_says_how_long() -> None:
    error = RateLimited(12.5, status=429, detail="slow down")
    assert (error.reason, error.retry_after) == (Reason.RATE_LIMITED, 12.5)
    assert (error.status, error.detail) == (429, "slow down")


def test_only_a_refused_credential_is_credentials_rejected() -> None:
    for kind in (NotPermitted, RateLimited, Unavailable, UnexpectedResponse):
        assert not issubclass(kind, CredentialsRejected)


def test_the_words_of_the_server_are_not_in_what_is_logged() -> None:
    error = Unavailable(Reason.SERVER_ERROR, status=500, detail="Ms Novak, car 7")
    assert str(error) == "server_error (500)"
    assert str(Unavailable(Reason.TIMEOUT)) == "timeout"


def test_a_reason_is_a_translation_key() -> None:
    assert all(reason.value == reason.name.lower() for reason in Reason)
