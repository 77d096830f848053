"""One clock for the whole process, which stands still until it is driven.

It has to be installed before Home Assistant is imported: some of its modules keep the functions
that tell the time.
"""

# Some of these keep the real monotonic clock, which threads that wait for each other need.
import asyncio
import concurrent.futures.thread
import ctypes
import datetime as dt
import gc
import queue
import selectors
import socketserver
import subprocess
import sys
import threading
import time
from typing import Any, Final

__all__ = ["START", "Clock", "install"]

START: Final = dt.datetime(2023, 1, 2, 0, 0, tzinfo=dt.UTC)
"""A Monday."""

_REAL: Final = (
    asyncio, concurrent.futures.thread, queue, selectors, socketserver, subprocess, threading
)  # fmt: skip
_MONOTONIC: Final = 100_000.0


class Clock:
    """Seconds since `START`, and what the machine's clocks would show then."""

    def __init__(self) -> None:
        """Stand at the start."""
        self.elapsed = 0.0
        self._start = START.timestamp()

    def advance(self, seconds: float) -> None:
        """Let so many seconds have passed."""
        self.elapsed += seconds

    def time(self) -> float:
        """Return seconds since 1970."""
        return self._start + self.elapsed

    def time_ns(self) -> int:
        """Return nanoseconds since 1970."""
        return int(self.time() * 1e9)

    def monotonic(self) -> float:
        """Return the monotonic clock's seconds."""
        return _MONOTONIC + self.elapsed

    def now(self) -> dt.datetime:
        """Return the time, aware, in UTC."""
        return dt.datetime.fromtimestamp(self.time(), dt.UTC)


def install(clock: Clock) -> None:
    """Make `clock` the clock of this process, for good."""
    assert not any(name.startswith("homeassistant") for name in sys.modules), "too late"

    def now(cls: type[dt.datetime], tz: dt.tzinfo | None = None) -> dt.datetime:
        return cls.fromtimestamp(clock.time(), tz)

    def utcnow(cls: type[dt.datetime]) -> dt.datetime:
        return cls.fromtimestamp(clock.time(), dt.UTC).replace(tzinfo=None)

    time.time = clock.time
    time.time_ns = clock.time_ns
    time.monotonic = clock.monotonic
    # The class itself has to stay: values made in C (by SQLite, by orjson) would else be of
    # another one. Its dictionary is read-only only through `__dict__`.
    members: dict[str, Any] = gc.get_referents(dt.datetime.__dict__)[0]
    members["now"] = classmethod(now)
    members["utcnow"] = classmethod(utcnow)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(dt.datetime))
