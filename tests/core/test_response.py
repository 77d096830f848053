from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given, strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
import orjson
import pytest
from yarl import URL

from custom_components.energy_connect.core.errors import ApiError, Reason, UnexpectedResponse
from custom_components.energy_connect.core.response import Response

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def answer(
    body: bytes = b"{}",
    media_type: str | None = "application/json",
    status: int = 200,
    headers: dict[str, str] | None = None,
    secrets: tuple[str, ...] = (),
) -> Response:
    all_headers = CIMultiDict(headers or {})
    if media_type is not None:
        all_headers["Content-Type"] = media_type
    return Response(
        "GET",
        URL("https://api.example/x"),
        status,
        CIMultiDictProxy(all_headers),
        body,
        secrets=secrets,
    )


@pytest.mark.parametrize(
    ("media_type", "is_json"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/vnd.api+json", True),
        ("application/problem+json;charset=utf-8", True),
        ("text/json", True),
        ("text/plain", False),
        ("text/html", False),
        ("application/jsonp", False),
        ("application/json-seq", False),
        ("", False),
        (None, False),
    ],
)
def test_json_is_what_says_that_it_is(media_type: str | None, is_json: bool) -> None:
    assert answer(media_type=media_type).is_json is is_json


def test_the_body_is_parsed() -> None:
    assert answer('{"name": "Zoë", "n": [1, null]}'.encode()).json() == {
        "name": "Zoë",
        "n": [1, None],
    }


@pytest.mark.parametrize(
    ("body", "media_type", "reason"),
    [
        (b"<html>", "text/html", Reason.HTML_PAGE),
        (b"{}", "text/plain", Reason.NOT_JSON),
        (b"{}", None, Reason.NOT_JSON),
        (b"", "application/json", Reason.NOT_JSON),
        (b'{"a": ', "application/json", Reason.NOT_JSON),
        (b"{} {}", "application/json", Reason.NOT_JSON),
        (b'{"a": NaN}', "application/json", Reason.NOT_JSON),
        (b'{"a": "\xff"}', "application/json", Reason.NOT_JSON),
        pytest.param(
            b"[" * 100_000 + b"]" * 100_000, "application/json", Reason.NOT_JSON, id="deep"
        ),
    ],
)
def test_what_is_no_json_is_an_unexpected_response(
    body: bytes, media_type: str | None, reason: Reason
) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        answer(body, media_type, 203).json()
    assert (caught.value.reason, caught.value.status) == (reason, 203)


@given(st.binary())
def test_any_bytes_are_json_or_an_api_error(body: bytes) -> None:
    try:
        answer(body).json()
    except ApiError:
        pass
    answer(body).words()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "d", "message": "m"}, "d"),
        ({"message": "m", "title": "t"}, "m"),
        ({"description": "d"}, "d"),
        ({"error": "invalid_grant", "error_description": "expired"}, "expired"),
        ({"error": "invalid_grant"}, "invalid_grant"),
        ({"error": {"message": "inner"}}, "inner"),
        ({"errors": [{"title": "t", "detail": "first"}, {"detail": "second"}]}, "first"),
        ({"errors": [{"code": 7}], "title": "outer"}, "outer"),
        ({"errors": []}, None),
        ({"errors": "x"}, None),
        ({"errors": ["x"]}, None),
        ({"detail": 5, "message": ""}, None),
        ({"detail": "two\nlines\x1b"}, "two lines"),
        pytest.param({"detail": "x" * 500}, "x" * 200, id="long"),
        (["x"], None),
        ("x", None),
        (None, None),
    ],
)
def test_what_the_server_says_about_an_error(body: object, words: str | None) -> None:
    assert answer(orjson.dumps(body), "application/problem+json", 400).words() == words


@pytest.mark.parametrize(
    ("body", "media_type"), [(b'{"detail": "x"}', "text/plain"), (b"{", "application/json")]
)
def test_what_is_not_json_says_nothing(body: bytes, media_type: str) -> None:
    assert answer(body, media_type).words() is None


def test_words_that_repeat_a_secret_are_masked_before_they_are_shortened() -> None:
    secret = "s3cret" * 60
    said = orjson.dumps({"detail": f"token {secret} refused, also short-one, and {secret[:5]}"})
    words = answer(said, secrets=(secret, "short-one", "")).words()
    assert words == "token … refused, also …, and s3cre"


def test_a_secret_within_another_does_not_leave_its_rest() -> None:
    said = orjson.dumps({"detail": "abc-abcdef-abc"})
    assert answer(said, secrets=("abc", "abcdef")).words() == "…-…-…"


def test_a_response_shows_no_secret_when_it_is_printed() -> None:
    assert "s3cret" not in repr(answer(b'"s3cret"', secrets=("s3cret",)))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        ("1.5", 1.5),
        (" 17 ", 17.0),
        ("0", 1.0),
        ("-5", 1.0),
        ("86400", 3600.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 1.0),
        (format_datetime(NOW + timedelta(days=90), usegmt=True), 3600.0),
        ((NOW + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S -0000"), 90.0),
        ("soon", 60.0),
        ("nan", 60.0),
        ("inf", 60.0),
        ("1 minute", 60.0),
        ("Fri, 1 Jan 99999999999999999999 00:00:00 GMT", 60.0),
        ("Fri, 1 Jan 9999 00:00:00 -2359", 3600.0),
        ("Fri, 1 Jan 2026 00:00:00 +9999", 60.0),
        ("", None),
    ],
)
def test_how_long_to_wait(value: str, seconds: float | None) -> None:
    assert answer(headers={"Retry-After": value}).retry_after(NOW) == seconds


def test_one_vendor_spells_it_without_the_hyphen() -> None:
    assert answer(headers={"RetryAfter": "30"}).retry_after(NOW) == 30
    assert answer(headers={"retry-after": "5", "RetryAfter": "30"}).retry_after(NOW) == 5
    assert answer().retry_after(NOW) is None


@given(
    st.text()
    | st.from_regex(
        r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,6} [0-9]{1,3}(:[0-9]{1,3}){0,3} ?[+-]?\w*"
    )
    | st.datetimes().map(format_datetime)
)
def test_whatever_it_says_the_wait_has_bounds(value: str) -> None:
    wait = answer(headers={"Retry-After": value}).retry_after(NOW)
    assert wait is None or 1 <= wait <= 3600
