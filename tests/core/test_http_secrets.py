"""No secret leaves save to where it belongs: not in a log, not in an error."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
import logging
import traceback
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from aiohttp import web
import pytest

from custom_components.energy_connect.core.errors import (
    ApiError,
    CredentialsRejected,
    Reason,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.response import Response
from custom_components.energy_connect.core.tokens import ExchangedToken, StaticToken, Token
from tests.hand_clock import HandClock

from .conftest import MakeClient, Serve, ServeBytes, json_answer

SECRET = "s3cr3t-f0r-nobody/+="


def everything(caplog: pytest.LogCaptureFixture, error: BaseException | None = None) -> str:
    """Return all that was logged, and what a traceback of the error would show."""
    # What the server in this process logs is not ours.
    logged = [
        f"{record.getMessage()} {record.args!r} {record.exc_text}"
        for record in caplog.records
        if not record.name.startswith("aiohttp.")
    ]
    if error is not None:
        logged += [*traceback.format_exception(error), repr(error), f"{vars(error)}"]
    return "\n".join(logged)


@pytest.fixture(autouse=True)
def all_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


async def repeating(request: web.BaseRequest) -> web.StreamResponse:
    """Refuse with everything that was sent in the words of the refusal."""
    sent = (await request.read()).decode()
    said = f"{request.headers.get('Authorization')} {sent} {request.raw_path}"
    return json_answer({"detail": said}, 400)


@pytest.mark.parametrize("status", [200, 401, 403, 404, 429, 500])
async def test_no_log_has_a_secret_whatever_is_answered(
    serve: Serve,
    make_client: MakeClient,
    clock: HandClock,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return json_answer({"access_token": SECRET}, status, {"Set-Cookie": f"a={SECRET}"})

    site = await serve(handler)
    api = make_client(site.url, token=StaticToken(SECRET, clock), headers={"X-Api-Key": SECRET})
    errors: list[ApiError] = []
    for request in (
        api.exchange("token", form={"client_secret": SECRET}, headers={"X": SECRET}),
        api.exchange("login", json={"user": {"password": SECRET}}),
        api.get("cars", params=[("key", SECRET)]),
        api.send("POST", "cars", json={"pin": SECRET}),
        api.follow(f"/cars?cursor={SECRET}"),
    ):
        try:
            response = await request
        except ApiError as error:
            errors.append(error)
        else:
            assert SECRET not in repr(response.headers.keys())
    for refusal in errors:
        assert SECRET not in everything(caplog, refusal)
    shown = everything(caplog)
    assert SECRET not in shown
    assert "POST 127.0.0.1/token" in shown, "it is logged at all"


async def test_no_traceback_has_a_secret_when_the_network_fails(
    serve_bytes: ServeBytes,
    make_client: MakeClient,
    clock: HandClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for sent in (b"", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"):
        base = await serve_bytes(sent)
        api = make_client(base, token=StaticToken(SECRET, clock))
        with pytest.raises(ApiError) as caught:
            await api.send("POST", "x", json={"password": SECRET})
        assert SECRET not in everything(caplog, caught.value)


async def test_an_id_does_not_begin_a_line_of_the_log(
    serve: Serve, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    site = await serve(repeating)
    with pytest.raises(UnexpectedResponse):
        await make_client(site.url).get("cars", "7\n2026-03-03 ERROR all is lost")
    (line,) = [
        record.getMessage()
        for record in caplog.records
        if record.name == "custom_components.energy_connect.core.http"
    ]
    assert "\n" not in line


@pytest.mark.parametrize("length", [20, 190, 199, 201, 900])
async def test_a_bearer_that_the_server_repeats_is_masked_however_long(
    serve: Serve, make_client: MakeClient, clock: HandClock, length: int
) -> None:
    bearer = ("s3cr3t" * length)[:length]
    site = await serve(repeating)
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url, token=StaticToken(bearer, clock)).get("x")
    assert caught.value.detail == "Bearer … /x"


async def test_the_renewed_bearer_is_masked_too(
    serve: Serve, make_client: MakeClient, clock: HandClock
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return json_answer({"detail": f"{request.headers['Authorization']} is no good"}, 401)

    tokens = iter(["first-secret", "second-secret"])

    async def exchange() -> Token:
        return Token(next(tokens), 3600)

    site = await serve(handler)
    with pytest.raises(CredentialsRejected) as caught:
        await make_client(site.url, token=ExchangedToken(exchange, clock)).get("x")
    assert caught.value.detail == "Bearer … is no good"


@pytest.mark.parametrize(
    "sent",
    [
        {"form": {"grant_type": "password", "scope": "all", "password": SECRET}},
        {"form": {"grant_type": "refresh_token", "refresh_token": SECRET}},
        {"json": {"user": {"email": "someone@example.com", "password": SECRET}}},
        {"json": {"list": [["abcd", SECRET]]}},
        {"json": SECRET},
        {"form": {}, "headers": {"Authorization": f"Basic {SECRET}"}},
    ],
)
async def test_a_credential_that_the_server_repeats_is_masked(
    serve: Serve, make_client: MakeClient, sent: Mapping[str, Any]
) -> None:
    site = await serve(repeating)
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url).exchange("token", **sent)
    detail = caught.value.detail or ""
    assert "…" in detail
    for secret in (SECRET, "s3cr3t", "someone", b64encode(SECRET.encode()).decode()):
        assert secret not in detail


async def test_a_credential_that_the_server_repeats_unpacked_is_masked(
    serve: Serve, make_client: MakeClient
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        sent = b64decode(request.headers["Authorization"].partition(" ")[2]).decode()
        return json_answer({"detail": f"{unquote_plus(sent)} or {sent} is no good"}, 404)

    pair = b64encode(f"us-client:{quote_plus(SECRET)}".encode()).decode()
    site = await serve(handler)
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url).exchange(
            "token", form={}, headers={"Authorization": f"Basic {pair}"}
        )
    assert caught.value.detail == "…:… or …:… is no good"


async def test_what_is_no_secret_is_not_masked(serve: Serve, make_client: MakeClient) -> None:
    site = await serve(repeating)
    form = {"grant_type": "client_credentials", "scope": "meters", "pin": "123"}
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url).exchange("token", form=form)
    assert caught.value.detail == ("None grant_type=client_credentials&scope=meters&pin=123 /token")


async def test_what_a_verdict_says_is_masked_too(serve: Serve, make_client: MakeClient) -> None:
    def verdict(response: Response) -> ApiError | None:
        return UnexpectedResponse(Reason.REQUEST_REFUSED, detail=response.body.decode())

    site = await serve(repeating)
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url, verdict=verdict).exchange("token", form={"code": "abcdef"})
    assert caught.value.detail == '{"detail": "None code=… /token"}'


async def test_the_log_names_the_resource_but_nobody(
    serve: Serve, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return json_answer({})

    client = make_client((await serve(handler)).url)
    await client.get("users", "villa-14", "vehicles")

    (line,) = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components.")
    ]
    assert "users/…/vehicles: 200" in line
    assert "villa" not in line


async def test_the_log_does_not_name_a_device_in_the_house(
    serve: Serve, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return json_answer({})

    client = make_client((await serve(handler)).url, plain_http=True)
    await client.get("api")

    assert "GET device/api: 200" in everything(caplog)
