"""The pasted access token, and what is told about its end."""

from datetime import timedelta
import json

import jwt
import pytest

from custom_components.energy_connect.core.errors import (
    CredentialsRejected,
    Reason,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.model import Advice, AdviceKind, Severity
from custom_components.energy_connect.providers.kostal.token import expiry_advice, parse_token
from tests.hand_clock import START

TOKEN = jwt.api_jws.encode(json.dumps({"sub": "x"}).encode(), "k" * 32, algorithm="HS256")


@pytest.mark.parametrize(
    "pasted",
    [
        TOKEN,
        f"  {TOKEN}\r\n",
        f"Bearer {TOKEN}",
        f"bearer\n{TOKEN}",
        f"Authorization: Bearer {TOKEN}",
        f"Authorisation:Bearer {TOKEN}",
        f"\ufeff{TOKEN}\u200b",
        "\n".join(TOKEN[at : at + 20] for at in range(0, len(TOKEN), 20)),
        f"\u200bBearer {TOKEN[:9]}\n   {TOKEN[9:]}",
    ],
)
def test_what_is_pasted_along_is_dropped(pasted: str) -> None:
    assert parse_token(pasted) == TOKEN


@pytest.mark.parametrize(
    "pasted",
    ["", "secret", "Bearer", "a.b.c", f"{TOKEN}\x00", f"{TOKEN}é", TOKEN.rpartition(".")[0], "..."],
)
def test_what_is_no_token_is_said_to_be_none(pasted: str) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        parse_token(pasted)
    assert caught.value.reason is Reason.INVALID_TOKEN_FORMAT
    assert not isinstance(caught.value, CredentialsRejected)


def test_a_token_without_an_end_needs_no_advice() -> None:
    assert expiry_advice(None, START) is None


@pytest.mark.parametrize(
    ("left", "severity", "days"),
    [
        (timedelta(days=30), Severity.WARNING, "30"),
        (timedelta(days=29, hours=1), Severity.WARNING, "30"),
        (timedelta(days=7, seconds=1), Severity.WARNING, "8"),
        (timedelta(days=7), Severity.ERROR, "7"),
        (timedelta(seconds=1), Severity.ERROR, "1"),
    ],
)
def test_the_nearer_the_end_the_louder(left: timedelta, severity: Severity, days: str) -> None:
    expected = Advice(AdviceKind.TOKEN_EXPIRING, "access_token", severity, {"days": days})
    assert expiry_advice(START + left, START) == expected


def test_earlier_nothing_is_said() -> None:
    assert expiry_advice(START + timedelta(days=30, seconds=1), START) is None


@pytest.mark.parametrize("ago", [0, 1, 86400])
def test_a_token_that_works_beyond_its_end_is_told(ago: int) -> None:
    expected = Advice(AdviceKind.TOKEN_EXPIRED, "access_token", Severity.ERROR)
    assert expiry_advice(START - timedelta(seconds=ago), START) == expected
