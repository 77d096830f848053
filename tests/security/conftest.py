"""A network whose every request is seen, also those that never arrive."""

from collections.abc import AsyncIterator
from types import SimpleNamespace

import aiohttp
import pytest
from yarl import URL

from tests.core.conftest import budget, clock, make_client, serve

__all__ = ["budget", "clock", "make_client", "serve"]


@pytest.fixture
def tried() -> list[URL]:
    """The origin of every request that left, or tried to."""
    return []


@pytest.fixture
async def session(tried: list[URL]) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that notes where it is sent to."""

    async def note(
        _: aiohttp.ClientSession, __: SimpleNamespace, request: aiohttp.TraceRequestStartParams
    ) -> None:
        tried.append(request.url.origin())

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(note)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        yield session
