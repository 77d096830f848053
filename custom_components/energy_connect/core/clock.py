"""Time, handed in so that tests own it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
import time


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock (aware, UTC), a monotonic one (seconds), and a way to wait (seconds).

    Ages and lifetimes are measured with `monotonic`: the wall clock of a small computer jumps when
    it finds a time server. Only times that a provider states are compared with `now`.
    """

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


def system_clock() -> Clock:
    """Return the clock of this machine."""
    return Clock(
        now=lambda: datetime.now(UTC),
        monotonic=lambda: time.monotonic(),  # looked up per call, so that a frozen clock is seen
        sleep=asyncio.sleep,
    )
