"""A clock that stands still until a test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from custom_components.energy_connect.core.clock import Clock

START: Final = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


class HandClock(Clock):
    """A `Clock` moved by hand: `advance` moves both clocks, `jump` the wall clock alone.

    `sleep` moves them by what it was asked to wait and returns in the next turn of the loop, so
    that nothing ever waits for real; `slept` keeps what was asked, in order.
    """

    def __init__(self, at: datetime = START, *, monotonic: float = 10_000.0) -> None:
        """Start at `at` (aware) and at that many seconds of the monotonic clock."""
        super().__init__(now=self._now, monotonic=self._monotonic, sleep=self._sleep)
        self._wall = at.astimezone(UTC)
        self._seconds = monotonic
        self.slept: list[float] = []

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._wall += timedelta(seconds=seconds)
        self._seconds += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock on (or back), as a machine does that found a time server."""
        self._wall += timedelta(seconds=seconds)

    def _now(self) -> datetime:
        return self._wall

    def _monotonic(self) -> float:
        return self._seconds

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)
