"""Encrypted connections: whose certificate is good, and that nothing is sent before it is known."""

import asyncio
from hashlib import sha256

import aiohttp
from aiohttp import web
import pytest
from yarl import URL

from custom_components.energy_connect.core.errors import (
    ApiError,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.http import peer_certificate
from custom_components.energy_connect.core.tokens import StaticToken
from simulator.keys import certificate
from tests.hand_clock import HandClock

from .conftest import MakeClient, Serve, Site, json_answer
from .test_http_trouble import free_port

OURS = certificate("meter.invalid")
ANOTHER = certificate("meter.invalid", generation=1)


@pytest.fixture
async def site(serve: Serve) -> Site:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return json_answer({"fine": True})

    return await serve(handler, context=OURS.context())


async def test_a_pinned_certificate_is_good_whoever_signed_it(
    site: Site, make_client: MakeClient
) -> None:
    api = make_client(site.url, certificate=OURS.fingerprint)
    assert (await api.get("x")).json() == {"fine": True}


async def test_another_certificate_is_refused_before_anything_is_sent(
    site: Site, make_client: MakeClient, clock: HandClock
) -> None:
    token = StaticToken("secret", clock)
    api = make_client(site.url, certificate=ANOTHER.fingerprint, token=token)
    for request in (api.get("x"), api.exchange("login", json={"password": "secret"})):
        with pytest.raises(Unavailable) as caught:
            await request
        assert caught.value.reason is Reason.CERTIFICATE_CHANGED
    assert site.seen == []


async def test_a_connection_that_is_good_for_one_pin_is_not_used_for_another(
    site: Site, make_client: MakeClient
) -> None:
    await make_client(site.url, certificate=OURS.fingerprint).get("x")
    with pytest.raises(Unavailable):
        await make_client(site.url, certificate=ANOTHER.fingerprint).get("y")
    with pytest.raises(Unavailable):
        await make_client(site.url).get("z")
    assert site.targets == ["GET /x"]


@pytest.mark.parametrize("pin", [None, b""])
async def test_without_a_pin_somebody_known_must_have_signed(
    site: Site, make_client: MakeClient, pin: bytes | None
) -> None:
    with pytest.raises(Unavailable) as caught:
        await make_client(site.url, certificate=pin).get("x")
    assert caught.value.reason is Reason.TLS_FAILED
    assert site.seen == []


async def plain(request: web.BaseRequest) -> web.StreamResponse:
    return json_answer({})


async def test_a_server_that_speaks_no_tls(serve: Serve, make_client: MakeClient) -> None:
    site = await serve(plain)
    with pytest.raises(Unavailable) as caught:
        await make_client(site.url.with_scheme("https"), certificate=OURS.fingerprint).get("x")
    assert caught.value.reason is Reason.TLS_FAILED
    assert site.seen == []


@pytest.mark.parametrize("pin", [b"short", bytes(16), bytes(20)])
def test_a_pin_that_is_no_sha_256_is_no_pin(make_client: MakeClient, pin: bytes) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        make_client(URL("https://127.0.0.1"), certificate=pin)
    assert caught.value.reason is Reason.CERTIFICATE_CHANGED


# Looking at a certificate.


async def test_the_certificate_is_seen_and_nothing_is_sent(
    site: Site, session: aiohttp.ClientSession
) -> None:
    seen = await peer_certificate(session, site.url)
    assert sha256(seen).digest() == OURS.fingerprint
    assert site.seen == []


async def test_it_is_the_one_that_is_shown_now(
    site: Site, session: aiohttp.ClientSession, make_client: MakeClient
) -> None:
    # Also when a connection to that server is open already.
    await make_client(site.url, certificate=OURS.fingerprint).get("x")
    assert await peer_certificate(session, site.url) == await peer_certificate(session, site.url)
    assert site.targets == ["GET /x"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://127.0.0.1:{port}", Reason.TLS_REFUSED),
        ("https://energy-connect.invalid", Reason.HOST_NOT_FOUND),
    ],
)
async def test_nobody_there_to_look_at(
    session: aiohttp.ClientSession, url: str, reason: Reason
) -> None:
    with pytest.raises(Unavailable) as caught:
        await peer_certificate(session, URL(url.format(port=free_port())))
    assert caught.value.reason is reason


async def test_without_tls_there_is_no_certificate(
    serve: Serve, session: aiohttp.ClientSession
) -> None:
    site = await serve(plain)
    with pytest.raises(Unavailable) as caught:
        await peer_certificate(session, site.url.with_scheme("https"))
    assert caught.value.reason is Reason.TLS_FAILED


async def test_a_server_that_accepts_and_keeps_still(session: aiohttp.ClientSession) -> None:
    async def still(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side leaves
        writer.close()

    server = await asyncio.start_server(still, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable) as caught:
            await peer_certificate(session, URL(f"https://127.0.0.1:{port}"), seconds=0.1)
    assert caught.value.reason is Reason.TIMEOUT


@pytest.mark.parametrize("url", ["http://{host}:{port}", "//{host}:{port}", "ftp://{host}"])
async def test_only_an_https_address_is_looked_at(
    serve: Serve, session: aiohttp.ClientSession, url: str
) -> None:
    site = await serve(plain)
    with pytest.raises(ApiError) as caught:
        await peer_certificate(session, URL(url.format(host=site.url.host, port=site.url.port)))
    assert caught.value.reason is Reason.INVALID_HOST
    assert site.seen == []
