"""What an answer means that is no success."""

import asyncio
from collections.abc import Mapping
from email.utils import format_datetime

from aiohttp import web
import pytest

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
from custom_components.energy_connect.core.response import Response
from custom_components.energy_connect.core.tokens import ExchangedToken, StaticToken, Token
from tests.hand_clock import HandClock

from .conftest import Handler, MakeClient, Serve, json_answer


def always(
    status: int,
    body: str = '{"detail": "so it is"}',
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Handler:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, text=body, content_type=media_type, headers=headers)

    return handler


async def refusal(serve: Serve, make_client: MakeClient, handler: Handler) -> ApiError:
    site = await serve(handler)
    with pytest.raises(ApiError) as caught:
        await make_client(site.url).get("x")
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
async def test_success(serve: Serve, make_client: MakeClient, status: int) -> None:
    site = await serve(always(status))
    assert (await make_client(site.url).get("x")).status == status


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, UnexpectedResponse, Reason.REQUEST_REFUSED),
        (401, CredentialsRejected, Reason.INVALID_CREDENTIALS),
        (403, NotPermitted, Reason.NOT_PERMITTED),
        (404, UnexpectedResponse, Reason.NOT_FOUND),
        (405, UnexpectedResponse, Reason.REQUEST_REFUSED),
        (406, UnexpectedResponse, Reason.MEDIA_TYPE_REFUSED),
        (409, UnexpectedResponse, Reason.REQUEST_REFUSED),
        (410, UnexpectedResponse, Reason.REQUEST_REFUSED),
        (415, UnexpectedResponse, Reason.MEDIA_TYPE_REFUSED),
        (422, UnexpectedResponse, Reason.REQUEST_REFUSED),
        (304, UnexpectedResponse, Reason.REQUEST_REFUSED),
        (408, Unavailable, Reason.TIMEOUT),
        (500, Unavailable, Reason.SERVER_ERROR),
        (502, Unavailable, Reason.SERVER_ERROR),
        (503, Unavailable, Reason.SERVER_ERROR),
        (599, Unavailable, Reason.SERVER_ERROR),
    ],
)
async def test_a_status_has_one_meaning(
    serve: Serve, make_client: MakeClient, status: int, kind: type[ApiError], reason: Reason
) -> None:
    error = await refusal(serve, make_client, always(status))
    assert (type(error), error.reason, error.status) == (kind, reason, status)
    assert error.detail == (None if status == 304 else "so it is")


@pytest.mark.parametrize("media_type", ["text/plain", "text/html", "application/xml"])
async def test_a_403_of_something_in_between_is_not_the_providers_word(
    serve: Serve, make_client: MakeClient, media_type: str
) -> None:
    error = await refusal(serve, make_client, always(403, "<h1>Blocked</h1>", media_type))
    assert (type(error), error.reason) == (Unavailable, Reason.BLOCKED)


async def test_a_web_page_explains_nothing(serve: Serve, make_client: MakeClient) -> None:
    error = await refusal(serve, make_client, always(502, "<h1>Bad gateway</h1>", "text/html"))
    assert (error.reason, error.detail) == (Reason.SERVER_ERROR, None)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "999999"}, 3600),
        ({"Retry-After": "soon"}, 60),
        ({"RetryAfter": "30"}, 30),
        ({}, 60),
    ],
)
async def test_too_many_requests_make_the_account_silent(
    serve: Serve, make_client: MakeClient, budget: Budget, headers: dict[str, str], wait: float
) -> None:
    site = await serve(always(429, headers=headers))
    api = make_client(site.url)
    with pytest.raises(RateLimited) as caught:
        await api.get("x")
    assert (caught.value.retry_after, caught.value.status) == (wait, 429)
    assert caught.value.detail == "so it is"
    assert budget.quiet_for == wait
    with pytest.raises(RateLimited):
        await api.get("y")
    assert site.targets == ["GET /x"]


async def test_too_many_requests_until_a_date(
    serve: Serve, make_client: MakeClient, clock: HandClock
) -> None:
    clock.jump(125)
    date = format_datetime(HandClock().now(), usegmt=True)
    clock.jump(-300)
    error = await refusal(serve, make_client, always(429, headers={"Retry-After": date}))
    assert error.retry_after == 175


async def test_a_server_in_trouble_says_when_to_come_again(
    serve: Serve, make_client: MakeClient, budget: Budget
) -> None:
    error = await refusal(serve, make_client, always(503, headers={"Retry-After": "120"}))
    assert error.retry_after == 120
    assert budget.quiet_for == 0
    assert (await refusal(serve, make_client, always(500))).retry_after is None


# 401 and the token.


def accepting(*tokens: str) -> Handler:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Authorization") in {f"Bearer {token}" for token in tokens}:
            return json_answer({"fine": True})
        return json_answer({"detail": "who are you?"}, 401)

    return handler


def numbered(clock: HandClock) -> ExchangedToken:
    numbers = iter(range(1, 100))

    async def exchange() -> Token:
        return Token(f"token-{next(numbers)}", 3600)

    return ExchangedToken(exchange, clock)


async def test_a_rejected_token_is_renewed_and_the_request_repeated_once(
    serve: Serve, make_client: MakeClient, clock: HandClock, budget: Budget
) -> None:
    site = await serve(accepting("token-2"))
    source = numbered(clock)
    api = make_client(site.url, token=source)
    assert (await api.send("POST", "x", json={"a": 1})).json() == {"fine": True}
    assert [seen.bearer for seen in site.seen] == ["Bearer token-1", "Bearer token-2"]
    assert [seen.body for seen in site.seen] == [b'{"a":1}'] * 2
    assert (source.exchanges, budget.total) == (2, 2)
    await api.get("y")
    assert (source.exchanges, len(site.seen)) == (2, 3)


async def test_many_rejected_at_once_renew_once(
    serve: Serve, make_client: MakeClient, clock: HandClock
) -> None:
    site = await serve(accepting("token-2"))
    source = numbered(clock)
    api = make_client(site.url, token=source, budget=Budget(clock, concurrent=20))
    await asyncio.gather(*(api.get(f"{index}") for index in range(20)))
    assert source.exchanges == 2


async def test_a_fresh_token_that_is_rejected_too_is_a_refusal(
    serve: Serve, make_client: MakeClient, clock: HandClock
) -> None:
    site = await serve(accepting())
    source = numbered(clock)
    with pytest.raises(CredentialsRejected) as caught:
        await make_client(site.url, token=source).get("x")
    assert (caught.value.reason, caught.value.status) == (Reason.INVALID_CREDENTIALS, 401)
    assert caught.value.detail == "who are you?"
    assert (source.exchanges, len(site.seen)) == (2, 2)


async def test_a_token_made_by_hand_is_tried_twice(
    serve: Serve, make_client: MakeClient, clock: HandClock
) -> None:
    site = await serve(accepting())
    with pytest.raises(CredentialsRejected):
        await make_client(site.url, token=StaticToken("made-by-hand", clock)).get("x")
    assert len(site.seen) == 2
    assert clock.slept == [2.0]


async def test_a_failed_renewal_is_what_went_wrong(
    serve: Serve, make_client: MakeClient, clock: HandClock
) -> None:
    site = await serve(accepting())
    answers = iter([Token("token-1", 3600)])

    async def exchange() -> Token:
        try:
            return next(answers)
        except StopIteration:
            raise Unavailable(Reason.SERVER_ERROR, status=503) from None

    with pytest.raises(Unavailable):
        await make_client(site.url, token=ExchangedToken(exchange, clock)).get("x")
    assert len(site.seen) == 1


async def test_other_refusals_do_not_touch_the_token(
    serve: Serve, make_client: MakeClient, clock: HandClock
) -> None:
    site = await serve(always(403))
    source = numbered(clock)
    with pytest.raises(NotPermitted):
        await make_client(site.url, token=source).get("x")
    assert (source.exchanges, len(site.seen)) == (1, 1)


async def test_a_401_for_a_credential_is_not_repeated(
    serve: Serve, make_client: MakeClient, clock: HandClock
) -> None:
    site = await serve(always(401))
    source = numbered(clock)
    with pytest.raises(CredentialsRejected):
        await make_client(site.url, token=source).exchange("login", json={})
    assert (source.exchanges, len(site.seen)) == (0, 1)


# A provider's own judgement.


async def test_a_verdict_comes_before_the_general_rules(
    serve: Serve, make_client: MakeClient, budget: Budget
) -> None:
    def verdict(response: Response) -> ApiError | None:
        if response.status == 400:
            return CredentialsRejected(Reason.TOKEN_EXPIRED, status=400)
        if response.status == 200:
            return RateLimited(45, status=200)
        return None

    for status, kind in ((400, CredentialsRejected), (404, UnexpectedResponse), (200, RateLimited)):
        site = await serve(always(status))
        with pytest.raises(kind):
            await make_client(site.url, verdict=verdict).get("x")
    assert budget.quiet_for == 45, "also where the verdict says so"


# Redirects.


def redirecting(status: int, location: str | None, once: bool = True) -> Handler:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if once and request.raw_path.startswith("/new"):
            return json_answer({"fine": True})
        headers = {} if location is None else {"Location": location}
        return web.Response(status=status, headers=headers)

    return handler


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/new?x=1", "new?x=1", "{origin}/new?x=1"])
async def test_a_reading_follows_a_redirect_within_the_origin_with_its_token(
    serve: Serve,
    make_client: MakeClient,
    clock: HandClock,
    budget: Budget,
    status: int,
    location: str,
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        named = location.format(origin=site.url.origin())
        return await redirecting(status, named)(request)

    site = await serve(handler)
    response = await make_client(site.url, token=StaticToken("secret", clock)).get("old")
    assert response.json() == {"fine": True}
    assert response.url == site.url.with_path("/new") % {"x": "1"}
    assert site.targets == ["GET /old", "GET /new?x=1"]
    assert site.seen[1].bearer == "Bearer secret"
    assert budget.total == 2, "each is a request to the provider"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_leaves_the_origin(
    serve: Serve, make_client: MakeClient, clock: HandClock, status: int, method: str
) -> None:
    other = await serve(always(200))
    site = await serve(redirecting(status, f"{other.url}new"))
    api = make_client(site.url, token=StaticToken("secret", clock))
    with pytest.raises(UnexpectedResponse) as caught:
        await api.send(method, "old", json={"password": "x"} if method == "POST" else None)
    assert caught.value.reason is Reason.REDIRECTED
    assert (len(site.seen), other.seen) == (1, [])


@pytest.mark.parametrize("status", [302, 303])
async def test_a_change_does_not_turn_into_a_reading(
    serve: Serve, make_client: MakeClient, status: int
) -> None:
    site = await serve(redirecting(status, "/new"))
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url).send("POST", "old", json={})
    assert (caught.value.reason, caught.value.status) == (Reason.REDIRECTED, status)
    assert site.targets == ["POST /old"]


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_a_change_follows_where_its_method_is_kept(
    serve: Serve, make_client: MakeClient, status: int
) -> None:
    site = await serve(redirecting(status, "/new"))
    await make_client(site.url).send("POST", "old", json={"a": 1})
    assert site.targets == ["POST /old", "POST /new"]
    assert site.seen[1].body == b'{"a":1}'


@pytest.mark.parametrize("location", [None, ""])
@pytest.mark.parametrize(("method", "status"), [("GET", 302), ("POST", 307)])
async def test_a_redirect_to_nowhere_does_not_send_the_request_again(
    serve: Serve, make_client: MakeClient, location: str | None, method: str, status: int
) -> None:
    site = await serve(redirecting(status, location))
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url).send(method, "old")
    assert (caught.value.reason, caught.value.status) == (Reason.REDIRECTED, status)
    assert len(site.seen) == 1


async def test_a_circle_of_redirects_ends_after_three(
    serve: Serve, make_client: MakeClient
) -> None:
    site = await serve(redirecting(302, "/old", once=False))
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url).get("old")
    assert caught.value.reason is Reason.REDIRECTED
    assert len(site.seen) == 4


async def test_three_redirects_are_not_too_many(serve: Serve, make_client: MakeClient) -> None:
    following = {"/0": "/1", "/1": "/2", "/2": "/new"}

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return await redirecting(302, following.get(request.raw_path))(request)

    site = await serve(handler)
    assert (await make_client(site.url).get("0")).json() == {"fine": True}
    assert len(site.seen) == 4
