"""A clock on which whoever sleeps wakes only when a test lets the time pass."""

import asyncio
from datetime import UTC, datetime, timedelta
import heapq
from itertools import count
from typing import Final

from custom_components.energy_connect.core.clock import Clock

START: Final = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
# Turns of the loop in which everything that can go on without time passing has gone on.
_TURNS: Final = 20


class StandingClock(Clock):
    """A `Clock` that stands still until `advance`; sleepers wake in their order, at their time."""

    def __init__(self, at: datetime = START) -> None:
        """Start at `at` (aware)."""
        super().__init__(now=self._now, monotonic=self._monotonic, sleep=self._sleep)
        self._wall = at
        self._seconds = 10_000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    async def advance(self, seconds: float) -> None:
        """Let so many seconds pass, and everything happen that was due by then."""
        await settle()
        until = self._seconds + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, sleeper = heapq.heappop(self._sleepers)
            self._go_to(due)
            if not sleeper.done():
                sleeper.set_result(None)
                await settle()
        self._go_to(until)
        await settle()

    def _go_to(self, seconds: float) -> None:
        self._wall += timedelta(seconds=seconds - self._seconds)
        self._seconds = seconds

    def _now(self) -> datetime:
        return self._wall

    def _monotonic(self) -> float:
        return self._seconds

    async def _sleep(self, seconds: float) -> None:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + seconds, next(self._numbers), sleeper))
        await sleeper


async def settle() -> None:
    """Let everything go on that waits for no time."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
