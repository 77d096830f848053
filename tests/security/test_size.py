"""No answer takes more memory or time than it may, however it is packed and whoever sends it."""

import asyncio
from compression import zstd
import gzip
import tracemalloc
import zlib

from aiohttp import ClientSession, web
import pytest

from custom_components.energy_connect.core.budget import Budget
from custom_components.energy_connect.core.errors import Reason, UnexpectedResponse
from custom_components.energy_connect.core.http import Limits
from custom_components.energy_connect.core.oauth import TokenEndpoint
from tests.core.conftest import MakeClient, Serve
from tests.hand_clock import HandClock

MEGABYTE = 1024 * 1024
PACKED = {
    "gzip": gzip.compress(bytes(100 * MEGABYTE)),
    "deflate": zlib.compress(bytes(100 * MEGABYTE)),
    "zstd": zstd.compress(bytes(100 * MEGABYTE)),
}


def packed(encoding: str, status: int) -> web.Response:
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    return web.Response(status=status, body=PACKED[encoding], headers=headers)


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("status", [200, 401, 500])
async def test_a_packed_answer_is_cut_off_while_it_unpacks(
    serve: Serve, make_client: MakeClient, encoding: str, status: int
) -> None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return packed(encoding, status)

    api = make_client((await serve(answer)).url, limits=Limits(body=MEGABYTE))
    tracemalloc.start()
    try:
        with pytest.raises(UnexpectedResponse) as caught:
            await api.get("x")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert caught.value.reason is Reason.TOO_LARGE
    assert most < 20 * MEGABYTE


async def test_a_length_that_is_announced_as_too_large_is_not_waited_for(
    serve: Serve, make_client: MakeClient
) -> None:
    ended = asyncio.Event()

    async def announce(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.content_length = 2 * MEGABYTE
        await response.prepare(request)
        await ended.wait()  # no byte of the body is ever sent
        return response

    site = await serve(announce)
    try:
        with pytest.raises(UnexpectedResponse) as caught:
            await make_client(site.url, limits=Limits(body=MEGABYTE, seconds=5)).get("x")
    finally:
        ended.set()

    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_token_endpoint_has_a_limit_of_its_own(
    serve: Serve, session: ClientSession, clock: HandClock, budget: Budget, encoding: str
) -> None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return packed(encoding, 200)

    endpoint = TokenEndpoint(
        session,
        (await serve(answer)).url,
        "token",
        clock=clock,
        budget=budget,
        client_id="us",
        client_secret="s3cr3t",
    )
    with pytest.raises(UnexpectedResponse) as caught:
        await endpoint.request({"grant_type": "client_credentials"})

    assert caught.value.reason is Reason.TOO_LARGE
