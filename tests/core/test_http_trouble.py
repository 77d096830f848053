"""When the network or the server misbehaves."""

import asyncio
import gzip
import socket
import tracemalloc

from aiohttp import web
import pytest
from yarl import URL

from custom_components.energy_connect.core.errors import (
    ApiError,
    Reason,
    Unavailable,
    UnexpectedResponse,
)
from custom_components.energy_connect.core.http import Limits
from custom_components.energy_connect.core.tokens import StaticToken
from tests.hand_clock import HandClock

from .conftest import MakeClient, Serve, ServeBytes, json_answer

MEGABYTE = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def trouble(make_client: MakeClient, base: URL) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await make_client(base).get("x")
    return caught.value


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def test_nobody_listens(make_client: MakeClient) -> None:
    error = await trouble(make_client, URL(f"http://127.0.0.1:{free_port()}"))
    assert (type(error), error.reason, error.status) == (Unavailable, Reason.CANNOT_CONNECT, None)


async def test_a_host_that_does_not_exist(make_client: MakeClient) -> None:
    error = await trouble(make_client, URL("https://energy-connect.invalid"))
    assert (type(error), error.reason) == (Unavailable, Reason.HOST_NOT_FOUND)


@pytest.mark.parametrize("host", ["a" * 70 + ".invalid", "ex ample", "a..b"])
async def test_a_host_that_can_not_exist(make_client: MakeClient, host: str) -> None:
    error = await trouble(make_client, URL(f"https://{host}/"))
    assert error.reason in {Reason.INVALID_HOST, Reason.HOST_NOT_FOUND}


async def test_a_server_that_never_answers(serve: Serve, make_client: MakeClient) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    site = await serve(handler)
    api = make_client(site.url, limits=Limits(seconds=0.1))
    with pytest.raises(Unavailable) as caught:
        await api.get("x")
    assert caught.value.reason is Reason.TIMEOUT
    assert len(site.seen) == 1


async def test_a_server_that_drips_is_not_waited_for(serve: Serve, make_client: MakeClient) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b" ")
            await asyncio.sleep(0.01)  # a drip, so that no single read takes long
        return response

    site = await serve(handler)
    api = make_client(site.url, limits=Limits(seconds=0.1))
    started = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable) as caught:
        await api.get("x")
    assert caught.value.reason is Reason.TIMEOUT
    assert asyncio.get_running_loop().time() - started < 5


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nConte",
        HEAD + b"Content-Length: 100\r\n\r\n{",
        HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":',
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
async def test_a_connection_that_ends_too_early(
    serve_bytes: ServeBytes, make_client: MakeClient, sent: bytes, reset: bool
) -> None:
    error = await trouble(make_client, await serve_bytes(sent, reset=reset))
    assert (type(error), error.reason) == (Unavailable, Reason.CONNECTION_LOST)


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ],
    ids=["ssh", "no status", "no header", "long header", "no chunk"],
)
async def test_a_server_that_does_not_speak_http(
    serve_bytes: ServeBytes, make_client: MakeClient, sent: bytes
) -> None:
    error = await trouble(make_client, await serve_bytes(sent))
    assert type(error) is Unavailable


async def test_a_body_that_can_not_be_unpacked(
    serve_bytes: ServeBytes, make_client: MakeClient
) -> None:
    packed = b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"
    error = await trouble(make_client, await serve_bytes(HEAD + packed))
    assert (type(error), error.reason) == (Unavailable, Reason.CONNECTION_LOST)


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        ('{"cars": [', "application/json", Reason.NOT_JSON),
        ("", "application/json", Reason.NOT_JSON),
        ("<h1>Sign in to the hotel</h1>", "text/html", Reason.HTML_PAGE),
        ("fine", "text/plain", Reason.NOT_JSON),
    ],
)
async def test_a_success_that_is_none(
    serve: Serve, make_client: MakeClient, body: str, content_type: str, reason: Reason
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=body, content_type=content_type)

    site = await serve(handler)
    response = await make_client(site.url).get("x")
    with pytest.raises(UnexpectedResponse) as caught:
        response.json()
    assert caught.value.reason is reason


async def test_json_that_does_not_say_so_is_not_guessed(
    serve_bytes: ServeBytes, make_client: MakeClient
) -> None:
    base = await serve_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    response = await make_client(base).get("x")
    with pytest.raises(UnexpectedResponse) as caught:
        response.json()
    assert caught.value.reason is Reason.NOT_JSON


async def test_an_endless_body_is_cut_off(serve: Serve, make_client: MakeClient) -> None:
    written = 0
    ended = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        try:
            while written < 200 * MEGABYTE:
                await response.write(b" " * 65536)
                written += 65536
        finally:
            ended.set()
        return response

    site = await serve(handler)
    with pytest.raises(UnexpectedResponse) as caught:
        await make_client(site.url, limits=Limits(body=MEGABYTE)).get("x")
    assert (caught.value.reason, caught.value.status) == (Reason.TOO_LARGE, 200)
    await asyncio.wait_for(ended.wait(), 5)
    assert written < 100 * MEGABYTE


async def test_a_body_of_just_the_limit_is_read(serve: Serve, make_client: MakeClient) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=bytes(1000), content_type="application/json")

    site = await serve(handler)
    assert len((await make_client(site.url, limits=Limits(body=1000)).get("x")).body) == 1000
    with pytest.raises(UnexpectedResponse):
        await make_client(site.url, limits=Limits(body=999)).get("x")


async def test_a_small_answer_that_unpacks_to_a_large_one_is_cut_off(
    serve: Serve, make_client: MakeClient
) -> None:
    bomb = gzip.compress(bytes(100 * MEGABYTE))
    assert len(bomb) < MEGABYTE

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return web.Response(body=bomb, headers=headers)

    site = await serve(handler)
    api = make_client(site.url, limits=Limits(body=MEGABYTE))
    tracemalloc.start()
    try:
        with pytest.raises(UnexpectedResponse) as caught:
            await api.get("x")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.reason is Reason.TOO_LARGE
    assert most < 20 * MEGABYTE


async def test_a_packed_answer_is_unpacked(serve: Serve, make_client: MakeClient) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return web.Response(body=gzip.compress(b'{"fine": true}'), headers=headers)

    site = await serve(handler)
    assert (await make_client(site.url).get("x")).json() == {"fine": True}


async def test_trouble_frees_the_place_and_the_next_request_is_fine(
    serve: Serve, make_client: MakeClient, clock: HandClock
) -> None:
    broken = True

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if broken and request.transport is not None:
            request.transport.close()
        return json_answer({"fine": True})

    site = await serve(handler)
    api = make_client(site.url)
    for _ in range(6):
        with pytest.raises(Unavailable):
            await api.send("POST", "x")
    broken = False
    assert (await api.get("x")).json() == {"fine": True}


async def test_one_who_stops_waiting_is_not_held_up(serve: Serve, make_client: MakeClient) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        raise AssertionError

    site = await serve(handler)
    running = asyncio.create_task(make_client(site.url).get("x"))
    await arrived.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.wait_for(left.wait(), 5)


@pytest.mark.parametrize("token", ["two\r\nX-Evil: lines", "nul\x00"])
async def test_a_token_that_can_not_be_a_header_sends_nothing(
    serve: Serve, make_client: MakeClient, clock: HandClock, token: str
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return json_answer({})

    site = await serve(handler)
    with pytest.raises(ApiError):
        await make_client(site.url, token=StaticToken(token, clock)).get("x")
    assert site.seen == []
