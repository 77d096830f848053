"""Injected faults, each as a client sees it."""

import asyncio
from collections.abc import AsyncIterator
import json
from typing import override

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy
import pytest
from yarl import URL

from simulator import Simulator, faults
from simulator.payload import JsonValue
from tests.simulator.test_frame import Framed

BODY = {"greeting": "hello", "more": {"a": 1, "b": 2}}


@pytest.fixture
async def sim() -> AsyncIterator[Framed]:
    async with Framed() as running:
        yield running


async def ask(
    sim: Framed, session: aiohttp.ClientSession
) -> tuple[int, CIMultiDictProxy[str], bytes]:
    async with session.get(f"{sim.echo.url}/greeting", allow_redirects=False) as response:
        return response.status, response.headers, await response.read()


async def test_answers_a_status(sim: Framed, session: aiohttp.ClientSession) -> None:
    sim.faults.add(faults.Status(status=403, body="Forbidden by the edge", headers={"X-A": "b"}))
    status, headers, body = await ask(sim, session)
    assert (status, body, headers["X-A"]) == (403, b"Forbidden by the edge", "b")
    assert headers["Content-Type"].startswith("text/plain")
    assert sim.journal.requests()[0].fault == "Status"
    # The provider itself never saw it.
    assert sim.journal.requests()[0].authorised is None


async def test_limits_the_rate(sim: Framed, session: aiohttp.ClientSession) -> None:
    sim.faults.add(faults.rate_limited(), times=1)
    sim.faults.add(faults.rate_limited("30", status=503), times=1)
    status, headers, _ = await ask(sim, session)
    assert status == 429
    assert "Retry-After" not in headers
    status, headers, _ = await ask(sim, session)
    assert (status, headers["Retry-After"]) == (503, "30")
    assert (await ask(sim, session))[0] == 200


@pytest.mark.parametrize(
    ("action", "status", "content_type", "body"),
    [
        (faults.Shape(payload=[1], status=201), 201, "application/json", b"[1]"),
        (faults.Shape(content_type="text/x"), 200, "text/x", b"null"),
        (faults.Empty(), 200, "application/json; charset=utf-8", b""),
        (
            faults.Truncated(keep=0.25),
            200,
            "application/json; charset=utf-8",
            json.dumps(BODY).encode()[:11],
        ),
        (faults.ContentType(content_type="text/x"), 200, "text/x", json.dumps(BODY).encode()),
    ],
)
async def test_bends_the_answer(
    sim: Framed,
    session: aiohttp.ClientSession,
    action: faults.Action,
    status: int,
    content_type: str,
    body: bytes,
) -> None:
    sim.faults.add(action)
    seen, headers, read = await ask(sim, session)
    assert (seen, headers["Content-Type"], read) == (status, content_type, body)


async def test_answers_a_page(sim: Framed, session: aiohttp.ClientSession) -> None:
    sim.faults.add(faults.Html(status=502))
    status, headers, body = await ask(sim, session)
    assert status == 502
    assert headers["Content-Type"].startswith("text/html")
    assert body.startswith(b"<!DOCTYPE html>")


async def test_redirects(sim: Framed, session: aiohttp.ClientSession) -> None:
    sim.faults.add(faults.Redirect(url="https://elsewhere.example/", status=307))
    status, headers, _ = await ask(sim, session)
    assert (status, headers["Location"]) == (307, "https://elsewhere.example/")


async def test_rewrites_json(sim: Framed, session: aiohttp.ClientSession) -> None:
    def shout(payload: JsonValue) -> JsonValue:
        assert isinstance(payload, dict)
        return {"greeting": payload["greeting"].upper()}

    rewrite = sim.faults.add(faults.Rewrite(bend=shout))
    assert json.loads((await ask(sim, session))[2]) == {"greeting": "HELLO"}
    sim.faults.remove(rewrite)
    sim.faults.remove(rewrite)
    sim.faults.add(faults.merge_patch({"more": {"a": None, "c": {"d": 3}}, "greeting": [1]}))
    assert json.loads((await ask(sim, session))[2]) == {
        "greeting": [1],
        "more": {"b": 2, "c": {"d": 3}},
    }


async def test_breaks_the_connection_within_the_body(
    sim: Framed, session: aiohttp.ClientSession
) -> None:
    sim.faults.add(faults.Reset(after=5))
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(sim, session)


async def test_breaks_the_connection_before_the_headers(
    sim: Framed, session: aiohttp.ClientSession
) -> None:
    sim.faults.add(faults.Reset(after=0))
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(sim, session)


def test_what_is_broken_cannot_be_broken_off() -> None:
    faults.break_off(None)


async def test_drips(sim: Framed, session: aiohttp.ClientSession) -> None:
    sim.faults.add(faults.Drip(pause=0.001, piece=10))
    async with session.get(f"{sim.echo.url}/greeting") as response:
        pieces = [piece async for piece in response.content.iter_any()]
    assert len(pieces) > 1
    assert json.loads(b"".join(pieces)) == BODY


async def test_floods(sim: Framed, session: aiohttp.ClientSession) -> None:
    sim.faults.add(faults.Flood(size=300_000))
    _, headers, body = await ask(sim, session)
    assert "Content-Length" not in headers
    assert len(body) == 300_000
    assert len(json.loads(body)) == 299_998


async def test_hangs_until_the_client_gives_up(sim: Framed, session: aiohttp.ClientSession) -> None:
    others = asyncio.all_tasks()
    sim.faults.add(faults.Hang())
    timeout = aiohttp.ClientTimeout(total=0.05)
    with pytest.raises(TimeoutError):
        await session.get(f"{sim.echo.url}/greeting", timeout=timeout)
    assert sim.journal.requests()[0].status is None
    assert asyncio.all_tasks() >= others


async def test_hangs_until_the_simulator_stops(session: aiohttp.ClientSession) -> None:
    others = asyncio.all_tasks()
    sim = Framed()
    await sim.start()
    arrived = asyncio.Event()

    class Noticed(faults.Action):
        @override
        async def answer(self, request: web.Request, proceed: faults.Proceed) -> web.StreamResponse:
            arrived.set()
            return await faults.Hang().answer(request, proceed)

    sim.faults.add(Noticed())
    asked = asyncio.ensure_future(session.post(f"{sim.echo.origins['auth'].url}/token"))
    await arrived.wait()
    loop = asyncio.get_running_loop()
    before = loop.time()
    await sim.stop()
    assert loop.time() - before < 0.5
    with pytest.raises(aiohttp.ClientConnectionError):
        await asked
    assert asyncio.all_tasks() == others


async def test_hits_where_and_as_often_as_told(sim: Framed, session: aiohttp.ClientSession) -> None:
    fault = sim.faults.add(
        faults.Html(status=500), provider="ec*", origin="api", path="/gr*", method="GET",
        after=2, times=2,
    )  # fmt: skip
    elsewhere = faults.Html(status=418)
    sim.faults.add(elsewhere, provider="x")
    sim.faults.add(elsewhere, origin="auth")
    sim.faults.add(elsewhere, path="/x")
    sim.faults.add(elsewhere, method="POST")
    statuses = [(await ask(sim, session))[0] for _ in range(5)]
    assert statuses == [200, 200, 500, 500, 200]
    assert (fault.hits, fault.kind) == (2, "Html")
    assert fault not in sim.faults.active()
    assert len(sim.faults.active()) == 4
    sim.faults.clear()
    assert sim.faults.active() == []


async def test_a_provider_without_json_stays_itself(session: aiohttp.ClientSession) -> None:
    """A streamed answer has no body that could be bent."""
    async with Simulator() as sim:
        sim.faults.add(faults.Truncated(), times=1)
        sim.faults.add(faults.Empty(), times=1)
        for _ in range(2):
            async with session.get(URL(sim.kostal.url) / "api/json/local") as response:
                assert response.status == 404
