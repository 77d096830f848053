"""A running simulator and a plain client, free of the integration's own code."""

from collections.abc import AsyncIterator
import datetime as dt

import aiohttp
import pytest

from simulator import Simulator
from simulator.clock import Clock

AT = dt.datetime(2026, 6, 20, 11, 7, 30, tzinfo=dt.UTC)
"""A sunny Saturday."""


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still unless a test moves it."""
    return Clock(AT, frozen=True)


@pytest.fixture
async def sim(clock: Clock) -> AsyncIterator[Simulator]:
    """All servers; a failure of their own fails the test."""
    async with Simulator(clock=clock) as running:
        yield running
        assert running.failures == []


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that keeps connections open, as the integration's does."""
    async with aiohttp.ClientSession() as opened:
        yield opened
