"""Who lives in this process: tasks, listeners, timers, memory, and what the log was told."""

# ruff: noqa: SLF001 - who lives here is nowhere public

import _sqlite3
import asyncio
from collections import Counter
import ctypes
import gc
import logging
import re
import sys
from typing import Any, Final, override

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import HomeAssistant
import psutil  # type: ignore[import-untyped] # it has no types of its own

from .accounts import Entry

_NUMBER: Final = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]+|\d+")
_OURS: Final = "custom_components.energy_connect"


def tasks() -> Counter[str]:
    """Count the tasks by what they run."""
    return Counter(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks())


def timers(loop: asyncio.BaseEventLoop) -> Counter[str]:
    """Count the timers that will still go off, by what they call."""
    scheduled: list[asyncio.TimerHandle] = loop._scheduled  # type: ignore[attr-defined] # no public way
    return Counter(_called(timer) for timer in scheduled if not timer.cancelled())


def _called(timer: asyncio.TimerHandle) -> str:
    call: Any = timer._callback  # type: ignore[attr-defined] # no public way
    inner = next((one for one in timer._args or () if hasattr(one, "job")), None)
    name = getattr(call, "__qualname__", None) or type(call).__qualname__
    return name if inner is None else f"{name} {inner.job}"


def listeners(hass: HomeAssistant, entries: dict[str, Entry]) -> Counter[str]:
    """Count who listens: to the bus, to the dispatcher, to the accounts' coordinators."""
    found = Counter({f"bus {name}": count for name, count in hass.bus.async_listeners().items()})
    found[f"bus {EVENT_HOMEASSISTANT_STARTED}"] -= _tried_again(hass)
    for signal, targets in hass.data.get("dispatcher", {}).items():
        found[f"dispatcher {_NUMBER.sub('#', str(signal))}"] += len(targets)
    for provider, entry in entries.items():
        coordinator = getattr(entry, "runtime_data", None)
        if coordinator is None:
            continue
        found[f"{provider} coordinator"] = len(coordinator._listeners)
        found[f"{provider} devices"] = len(coordinator._devices_listeners)
        found[f"{provider} orders"] = len(coordinator._order_listeners)
        found[f"{provider} on unload"] = len(entry._on_unload or ())
    return found


def _tried_again(hass: HomeAssistant) -> int:
    """Count the accounts that couldn't be set up at the start and were tried again after it.

    Home Assistant never takes that listener off the bus; its event comes once in a life.
    """
    listening = hass.bus._listeners.get(EVENT_HOMEASSISTANT_STARTED, ())
    targets: list[Any] = [getattr(job.target, "func", None) for job, _ in listening]
    return sum(getattr(one, "__name__", "") == "_async_setup_again" for one in targets)


_sqlite_memory: Final = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used
_sqlite_memory.restype = ctypes.c_int64


def memory() -> tuple[float, float, int]:
    """Return MiB of this process without what is garbage, MiB of SQLite in it, Python's blocks."""
    for _ in range(3):
        gc.collect()
    # What is free is given back to the system, so that only what is held counts.
    ctypes.CDLL(None).malloc_trim(0)
    rss = psutil.Process().memory_info().rss / 2**20
    return rss, _sqlite_memory() / 2**20, sys.getallocatedblocks()


EXPECTED: Final = tuple(
    re.compile(one)
    for one in (
        # What a provider in trouble is to leave in the log, once each.
        r"^custom_components\.energy_connect ERROR Error fetching ",
        r"^homeassistant\.config_entries WARNING Config entry .* not ready yet",
        # The machine has neither, and Home Assistant always loads integrations that want them.
        r"^(haffmpeg|homeassistant\.components)\.\S+ \w+ .*(ffmpeg|FFmpeg|turbojpeg|TurboJPEG)",
        r"^homeassistant\.loader WARNING We found a custom integration energy_connect",
        # This process was killed by nobody, but its clock began in the past.
        r"^homeassistant\.components\.recorder\.util WARNING .*(did not shut down|unclean)",
        # Stopping cancels what was on its way to a provider that does not answer.
        r"^aiohttp\.server ERROR",
    )
)
"""What the log may be told; anything else from a warning on is a fault."""


class Log(logging.Handler):
    """Counts what was told from a warning on."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__(logging.WARNING)
        self.expected: Counter[str] = Counter()
        self.unexpected: Counter[str] = Counter()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.name} {record.levelname} {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({record.exc_info[1]!r})"
        short = _NUMBER.sub("#", text)[:300]
        if any(one.search(text) for one in EXPECTED):
            self.expected[short] += 1
        else:
            self.unexpected[short] += 1

    def told_by_us(self) -> int:
        """Return how many lines the integration wrote."""
        told = self.expected + self.unexpected
        return sum(count for line, count in told.items() if line.startswith(_OURS))
