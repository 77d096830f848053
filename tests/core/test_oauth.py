"""Token endpoints: what is sent, and what an answer or a refusal means."""

from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
import pytest
from yarl import URL

from custom_components.energy_connect.core.budget import Budget
from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    NotPermitted,
    RateLimited,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.oauth import (
    DEFAULT_LIFETIME,
    Authentication,
    TokenAnswer,
    TokenEndpoint,
    parse_token_answer,
)
from custom_components.energy_connect.core.tokens import ExchangedToken
from tests.hand_clock import HandClock

from .conftest import Handler, Serve, Site, json_answer

ANSWER = {"access_token": "tok_1", "expires_in": 3599, "scope": "", "token_type": "bearer"}


class Bench:
    """Makes endpoints for servers that answer as a test wants."""

    def __init__(
        self, serve: Serve, session: aiohttp.ClientSession, clock: HandClock, budget: Budget
    ) -> None:
        self._serve = serve
        self._session = session
        self._clock = clock
        self.budget = budget

    async def endpoint(
        self, handler: Handler, *path: str, **options: Any
    ) -> tuple[TokenEndpoint, Site]:
        site = await self._serve(handler)
        made = TokenEndpoint(
            self._session,
            site.url / "base",
            *(path or ("token",)),
            **{
                "clock": self._clock,
                "budget": self.budget,
                "client_id": "the client",
                "client_secret": "the:secret/+",
                **options,
            },
        )
        return made, site

    async def refusal(self, response: web.Response, **options: Any) -> ApiError:
        async def handler(request: web.BaseRequest) -> web.StreamResponse:
            return response

        endpoint, _ = await self.endpoint(handler, **options)
        with pytest.raises(ApiError) as raised:
            await endpoint.client_credentials()
        return raised.value


@pytest.fixture
def bench(serve: Serve, session: aiohttp.ClientSession, clock: HandClock, budget: Budget) -> Bench:
    return Bench(serve, session, clock, budget)


async def grant(request: web.BaseRequest) -> web.StreamResponse:
    return json_answer(ANSWER)


# What is sent


async def test_basic_authentication(bench: Bench) -> None:
    endpoint, site = await bench.endpoint(grant)

    token = await endpoint.client_credentials()

    assert (token.value, token.lifetime) == ("tok_1", 3599)
    (seen,) = site.seen
    assert (seen.method, seen.target) == ("POST", "/base/token")
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    scheme, _, pair = seen.headers["authorization"].partition(" ")
    # Both are form-encoded, so that the colon in the secret does not end it.
    assert (scheme, b64decode(pair)) == ("Basic", b"the+client:the%3Asecret%2F%2B")
    assert parse_qs(seen.body.decode()) == {"grant_type": ["client_credentials"]}


async def test_credentials_in_the_form(bench: Bench) -> None:
    endpoint, site = await bench.endpoint(grant, authentication=Authentication.BODY)

    await endpoint.client_credentials(scope="esp")

    (seen,) = site.seen
    assert "authorization" not in seen.headers
    assert parse_qs(seen.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["esp"],
        "client_id": ["the client"],
        "client_secret": ["the:secret/+"],
    }


@pytest.mark.parametrize("authentication", list(Authentication))
async def test_public_application_sends_no_secret(
    bench: Bench, authentication: Authentication
) -> None:
    endpoint, site = await bench.endpoint(grant, authentication=authentication, client_secret="")

    await endpoint.request({"grant_type": "refresh_token", "refresh_token": "r1"})

    (seen,) = site.seen
    assert "authorization" not in seen.headers
    assert parse_qs(seen.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["r1"],
        "client_id": ["the client"],
    }


async def test_trailing_slash_and_other_endpoints(bench: Bench) -> None:
    endpoint, site = await bench.endpoint(grant, "token", "")

    await endpoint.client_credentials()
    await endpoint.post("revoke_token", "", form={"token": "r1"})

    assert site.targets == ["POST /base/token/", "POST /base/revoke_token/"]


async def test_requests_are_counted_and_do_not_queue(bench: Bench) -> None:
    endpoint, _ = await bench.endpoint(grant)
    async with (
        bench.budget.slot(),
        bench.budget.slot(),
        bench.budget.slot(),
        bench.budget.slot(),
    ):
        await endpoint.client_credentials()

    assert bench.budget.total == 5


async def test_it_serves_a_token_source(bench: Bench, clock: HandClock) -> None:
    endpoint, site = await bench.endpoint(grant)
    source = ExchangedToken(endpoint.client_credentials, clock)

    assert await source.get() == "tok_1"
    assert await source.get() == "tok_1"
    assert len(site.seen) == 1


def test_address_a_secret_may_not_be_sent_to(
    session: aiohttp.ClientSession, clock: HandClock, budget: Budget
) -> None:
    with pytest.raises(UnexpectedResponse) as raised:
        TokenEndpoint(
            session,
            URL("http://signin.example"),
            "token",
            clock=clock,
            budget=budget,
            client_id="a",
            client_secret="b",
        )

    assert raised.value.reason is Reason.INVALID_HOST


# What an answer means


def test_whole_answer() -> None:
    answer = parse_token_answer(
        {
            "access_token": "a1",
            "refresh_token": "r1",
            "expires_in": 36000,
            "scope": "vehicle:read charging_session:read",
            "token_type": "Bearer",
        }
    )

    assert answer == TokenAnswer(
        access_token="a1",
        lifetime=36000,
        refresh_token="r1",
        scope=frozenset({"vehicle:read", "charging_session:read"}),
    )
    assert "a1" not in repr(answer)
    assert "r1" not in repr(answer)


@pytest.mark.parametrize(
    ("given", "lifetime"),
    [
        (3599, 3599),
        ("3599", 3599),
        (12.5, 12.5),
        (None, DEFAULT_LIFETIME),
        (0, DEFAULT_LIFETIME),
        (-1, DEFAULT_LIFETIME),
        ("soon", DEFAULT_LIFETIME),
        (True, DEFAULT_LIFETIME),
        ([], DEFAULT_LIFETIME),
    ],
)
def test_lifetime(given: Any, lifetime: float) -> None:
    answer = parse_token_answer({"access_token": "a1", "expires_in": given})

    assert answer.lifetime == lifetime


def test_lifetime_that_is_absent_is_the_default() -> None:
    assert parse_token_answer({"access_token": "a1"}).lifetime == DEFAULT_LIFETIME
    assert parse_token_answer({"access_token": "a1"}, default_lifetime=60).lifetime == 60


async def test_default_lifetime_of_an_endpoint(bench: Bench) -> None:
    async def brief(request: web.BaseRequest) -> web.StreamResponse:
        return json_answer({"access_token": "a1"})

    endpoint, _ = await bench.endpoint(brief, default_lifetime=42.0)

    assert (await endpoint.client_credentials()).lifetime == 42


def test_scope_that_is_not_told_is_not_empty() -> None:
    assert parse_token_answer({"access_token": "a1"}).scope is None
    assert parse_token_answer({"access_token": "a1", "scope": ""}).scope == frozenset()


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "two words"},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "ä"},
        {"error": "invalid_client"},
    ],
)
def test_answer_without_a_token_that_could_be_sent(body: Any) -> None:
    with pytest.raises(UnexpectedResponse) as raised:
        parse_token_answer(body)

    assert raised.value.reason is Reason.UNEXPECTED_SHAPE


def test_refresh_token_that_could_not_be_sent_is_none() -> None:
    assert parse_token_answer({"access_token": "a", "refresh_token": "a b"}).refresh_token is None


# What a refusal means

SIGN_IN = [
    (400, "invalid_grant", Reason.SIGN_IN_LOST),
    (400, "invalid_client", Reason.CLIENT_REFUSED),
    (401, "invalid_client", Reason.CLIENT_REFUSED),
]


@pytest.mark.parametrize(("status", "code", "reason"), SIGN_IN)
async def test_only_these_words_refuse_a_credential(
    bench: Bench, status: int, code: str, reason: Reason
) -> None:
    error = await bench.refusal(
        json_answer({"error": code, "error_description": "the:secret/+ is wrong"}, status),
        client_refused=Reason.CLIENT_REFUSED,
        grant_refused=Reason.SIGN_IN_LOST,
    )

    assert isinstance(error, CredentialsRejected)
    assert (error.reason, error.status, error.detail) == (reason, status, code)


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client"])
async def test_reason_of_a_refused_credential_by_default(bench: Bench, code: str) -> None:
    error = await bench.refusal(json_answer({"error": code}, 400))

    assert (type(error), error.reason) == (CredentialsRejected, Reason.INVALID_CREDENTIALS)


async def test_word_may_stand_in_the_challenge(bench: Bench) -> None:
    challenge = {"WWW-Authenticate": 'Bearer error="invalid_client", error_description="no"'}

    error = await bench.refusal(web.Response(status=401, headers=challenge))

    assert isinstance(error, CredentialsRejected)


@pytest.mark.parametrize("code", ["unauthorized_client", "unsupported_grant_type", "invalid_scope"])
async def test_application_for_something_else(bench: Bench, code: str) -> None:
    error = await bench.refusal(json_answer({"error": code}, 400))

    assert (type(error), error.reason) == (NotPermitted, Reason.GRANT_NOT_ALLOWED)


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (401, {"error": "unauthorized_client"}, Unavailable, Reason.UNCLEAR_REFUSAL),
        (401, {"error": "invalid_grant"}, Unavailable, Reason.UNCLEAR_REFUSAL),
        (401, {"error": {"code": "invalid_client"}}, Unavailable, Reason.UNCLEAR_REFUSAL),
        (401, {"message": "Unauthorized"}, Unavailable, Reason.UNCLEAR_REFUSAL),
        (401, None, Unavailable, Reason.UNCLEAR_REFUSAL),
        (400, {"error": "invalid_request"}, UnexpectedResponse, Reason.REQUEST_REFUSED),
        (400, {"error": "-" * 500}, UnexpectedResponse, Reason.REQUEST_REFUSED),
        (400, None, UnexpectedResponse, Reason.REQUEST_REFUSED),
        (403, {"error": "invalid_client"}, Unavailable, Reason.BLOCKED),
        (403, None, Unavailable, Reason.BLOCKED),
        (404, {"error": "invalid_client"}, UnexpectedResponse, Reason.NOT_FOUND),
        (404, None, UnexpectedResponse, Reason.NOT_FOUND),
        (405, None, UnexpectedResponse, Reason.REQUEST_REFUSED),
        (415, None, UnexpectedResponse, Reason.MEDIA_TYPE_REFUSED),
        (429, {"error": "invalid_client"}, RateLimited, Reason.RATE_LIMITED),
        (500, {"error": "invalid_grant"}, Unavailable, Reason.SERVER_ERROR),
        (503, None, Unavailable, Reason.SERVER_ERROR),
        (200, None, UnexpectedResponse, Reason.HTML_PAGE),
        (200, {"error": "invalid_client"}, UnexpectedResponse, Reason.UNEXPECTED_SHAPE),
    ],
)
async def test_nothing_else_asks_for_a_sign_in(
    bench: Bench, status: int, body: object, kind: type[ApiError], reason: Reason
) -> None:
    if body is None:
        answer = web.Response(status=status, text="<html>No</html>", content_type="text/html")
    else:
        answer = json_answer(body, status)

    error = await bench.refusal(answer)

    assert (type(error), error.reason) == (kind, reason)
    assert len(error.detail or "") < 50


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_secret_does_not_follow_a_redirect_to_another_origin(
    bench: Bench, serve: Serve, status: int
) -> None:
    elsewhere = await serve(grant)

    error = await bench.refusal(
        web.Response(status=status, headers={"Location": str(elsewhere.url)})
    )

    assert (type(error), error.reason) == (UnexpectedResponse, Reason.REDIRECTED)
    assert elsewhere.seen == []


async def test_endless_answer_is_cut_off(bench: Bench) -> None:
    error = await bench.refusal(json_answer({"access_token": "a" * 100_000}))

    assert error.reason is Reason.TOO_LARGE
