"""Real servers on loopback, which answer as a test wants, and clients for them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
import socket
import ssl
import struct
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from hypothesis import HealthCheck, settings
import pytest
from yarl import URL

from custom_components.energy_connect.core.budget import Budget
from custom_components.energy_connect.core.http import ApiClient
from tests.hand_clock import HandClock

# The fixtures that the harness applies to every test hold no state that an example could spoil.
settings.register_profile(
    "core", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("core")

type Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived: `target` is the path and query exactly as sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def bearer(self) -> str | None:
        """What stood in the Authorization header."""
        return self.headers.get("authorization")


@dataclass(slots=True)
class Site:
    """A server: where it is, and what arrived there."""

    url: URL
    seen: list[Seen] = field(default_factory=list)

    @property
    def targets(self) -> list[str]:
        """Method and target of each request that arrived."""
        return [f"{request.method} {request.target}" for request in self.seen]


def json_answer(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an answer as JSON."""
    return web.json_response(body, status=status, headers=headers)


type Serve = Callable[..., Awaitable[Site]]
type ServeBytes = Callable[..., Awaitable[URL]]
type MakeClient = Callable[..., ApiClient]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Give a function that starts a server around a handler; all end with the test."""
    async with AsyncExitStack() as stack:

        async def start(handler: Handler, *, context: ssl.SSLContext | None = None) -> Site:
            async def record(request: web.BaseRequest) -> web.StreamResponse:
                headers = {name.lower(): value for name, value in request.headers.items()}
                body = await request.read()
                site.seen.append(Seen(request.method, request.raw_path, headers, body))
                return await handler(request)

            server = RawTestServer(record)
            await server.start_server(ssl=context)
            stack.push_async_callback(server.close)
            site = Site(server.make_url("/"))
            return site

        yield start


@pytest.fixture
async def serve_bytes() -> AsyncIterator[ServeBytes]:
    """Give a function that starts a server which sends these bytes to whoever connects.

    With `reset` the connection then ends with a reset instead of an orderly end.
    """
    async with AsyncExitStack() as stack:

        async def start(answer: bytes, *, reset: bool = False) -> URL:
            async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
                await writer.drain()
                if reset:
                    peer = writer.get_extra_info("socket")
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
                else:
                    writer.close()

            server = await asyncio.start_server(talk, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            port = server.sockets[0].getsockname()[1]
            return URL(f"http://127.0.0.1:{port}/")

        yield start


@pytest.fixture
def budget(clock: HandClock) -> Budget:
    return Budget(clock, concurrent=4)


@pytest.fixture
def make_client(session: aiohttp.ClientSession, clock: HandClock, budget: Budget) -> MakeClient:
    """Give a function that makes a client for an address."""

    def make(base: URL, **options: Any) -> ApiClient:
        return ApiClient(session, base, **{"clock": clock, "budget": budget, **options})

    return make
