"""What every provider's server gets from the frame, shown on a minimal provider."""

import asyncio
from collections.abc import AsyncIterator
import contextlib
import logging
import os
import socket
import ssl

import aiohttp
import pytest

from simulator import Simulator
from simulator.clock import Clock
from simulator.journal import fingerprint
from tests.simulator.echo import EchoKnobs, EchoServer


class Framed(Simulator):
    """A simulator with the minimal provider."""

    def __init__(self, clock: Clock | None = None, *, base_port: int = 0) -> None:
        super().__init__(clock=clock, base_port=base_port, control=True)
        self.echo = self._add(EchoServer(self.world))


@pytest.fixture
async def sim(clock: Clock) -> AsyncIterator[Framed]:
    async with Framed(clock) as running:
        yield running


async def test_answers_on_origins_of_its_own(sim: Framed, session: aiohttp.ClientSession) -> None:
    urls = {origin.url for origin in sim.echo.origins.values()}
    assert len(urls) == 2
    assert all(url.startswith("http://127.0.0.1:") for url in urls)
    assert sim.environment()["ENERGY_CONNECT_ECHO_API_URL"] == sim.echo.url
    assert sim.credentials()["echo"] == {"name": "echo"}
    assert sim.echo.work() == {}
    async with session.get(f"{sim.echo.url}/greeting") as response:
        assert response.status == 200
        assert (await response.json())["greeting"] == "hello"


async def test_journals_each_request(
    sim: Framed, session: aiohttp.ClientSession, clock: Clock
) -> None:
    headers = {"Authorization": "Bearer s3cret", "Accept": "application/json"}
    url = f"{sim.echo.url}/greeting?a=1&a=2"
    async with session.get(url, headers=headers) as response:
        size = len(await response.read())
    async with session.post(f"{sim.echo.origins['auth'].url}/token", data=b"12345"):
        pass
    first, second = sim.journal.requests(provider="echo")
    assert (first.method, first.path, first.status) == ("GET", "/greeting", 200)
    assert first.at == clock.now()
    assert first.values("a") == ["1", "2"]
    assert (first.scheme, first.token_id) == ("Bearer", fingerprint("s3cret"))
    assert "authorization" in first.header_names
    assert (first.authorised, first.facts) == (True, {"grant": "none"})
    assert first.response_size == size
    assert (second.origin, second.body_size, second.token_id) == ("auth", 5, None)


async def test_refuses_in_the_provider_s_form(sim: Framed, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{sim.echo.url}/nowhere") as response:
        assert (response.status, await response.json()) == (404, {"error": "nothing here"})
    async with session.put(f"{sim.echo.url}/greeting") as response:
        assert (response.status, await response.json()) == (405, {"allowed": ["GET", "HEAD"]})
    assert [one.status for one in sim.journal.requests()] == [404, 405]
    assert sim.failures == []


async def test_a_defect_of_its_own_shows(
    sim: Framed, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        async with session.get(f"{sim.echo.url}/broken") as response:
            assert response.status == 500
    assert [str(one) for one in sim.failures] == ["a defect"]
    assert "echo failed to answer /broken" in caplog.text


async def test_restarts_on_the_same_port(sim: Framed, session: aiohttp.ClientSession) -> None:
    url = sim.echo.url
    await sim.echo.origins["api"].stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await session.get(f"{url}/greeting")
    await sim.echo.restart("api")
    async with session.get(f"{url}/greeting") as response:
        assert response.status == 200


def free_ports(count: int) -> int:
    """Return the first of some free ports in a row, outside of those that are given out."""
    for first in range(20_000 + os.getpid() % 100 * 100, 32_000, count):
        taken = contextlib.ExitStack()
        with taken, contextlib.suppress(OSError):
            for port in range(first, first + count):
                taken.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    msg = "no free ports"
    raise AssertionError(msg)


async def test_takes_ports_in_order() -> None:
    base = free_ports(20)
    async with Framed(base_port=base) as sim:
        ports = [one.port for server in sim.servers.values() for one in server.origins.values()]
        assert sim.control.origin.port == base
        assert ports == list(range(base + 1, base + 1 + len(ports)))


async def test_starts_wholly_or_not_at_all(session: aiohttp.ClientSession) -> None:
    base = free_ports(20)
    with socket.create_server(("127.0.0.1", base + 2)):
        clash = Framed(base_port=base)
        with pytest.raises(OSError, match="in use"):
            await clash.start()
    assert clash.control.origin.port == base
    for port in (base, base + 1):
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"http://127.0.0.1:{port}/")


async def test_stops_at_once_and_leaves_nothing(session: aiohttp.ClientSession) -> None:
    others = asyncio.all_tasks()
    sim = Framed()
    await sim.start()
    async with session.get(f"{sim.echo.url}/greeting") as response:
        await response.read()  # the connection is kept
    insecure = aiohttp.TCPConnector(ssl=False)
    async with aiohttp.ClientSession(connector=insecure) as second:
        async with second.get(sim.kostal.origins["https"].url) as response:
            await response.read()
        loop = asyncio.get_running_loop()
        before = loop.time()
        await sim.stop()
        await sim.stop()
        assert loop.time() - before < 0.5
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == others


async def test_does_not_wait_for_the_end_of_a_tls_session() -> None:
    sim = Framed()
    await sim.start()
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    port = sim.kostal.origins["https"].port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    writer.write(b"GET / HTTP/1.1\r\nHost: meter\r\n\r\n")
    await reader.readline()
    writer.transport.pause_reading()  # a client that will not say goodbye
    loop = asyncio.get_running_loop()
    await sim.stop()
    timers = [one for one in loop._scheduled if not one.cancelled()]  # type: ignore[attr-defined] # a test of what is left
    assert timers == []
    writer.transport.abort()


def test_knobs_are_turned_by_name_and_type() -> None:
    knobs = EchoKnobs()
    assert knobs.as_json() == {
        "greeting": "hello",
        "loud": False,
        "volume": 1.0,
        "limit": None,
        "words": ["a", "b"],
        "tags": ["x", "y"],
        "names": {"a": "b"},
        "tone": "soft",
        "other": "<thing>",
    }
    knobs.turn(
        {
            "greeting": "hi",
            "loud": True,
            "volume": 2,
            "limit": 5,
            "words": ["c"],
            "tags": ["z"],
            "names": {"c": "d"},
            "tone": "hard",
        }
    )
    assert (knobs.greeting, knobs.loud, knobs.volume, knobs.limit) == ("hi", True, 2.0, 5)
    assert (knobs.words, knobs.tags, knobs.names) == (("c",), frozenset({"z"}), {"c": "d"})
    assert isinstance(knobs.volume, float)
    assert knobs.tone is type(knobs.tone).HARD


@pytest.mark.parametrize(
    "changes",
    [
        {"nothing": 1},
        {"greeting": 1},
        {"loud": 1},
        {"volume": True},
        {"tone": "odd"},
        {"tags": "x"},
    ],
)
def test_a_wrong_turn_changes_nothing(changes: dict[str, int | str]) -> None:
    knobs = EchoKnobs()
    with pytest.raises(ValueError, match=r"nothing|greeting|loud|volume|Tone|tags"):
        knobs.turn({"limit": 3, **changes})
    assert knobs == EchoKnobs(other=knobs.other)
