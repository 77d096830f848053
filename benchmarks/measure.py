"""Processor time, memory, and how long the event loop is held."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import gc
import json
from pathlib import Path
import time
from typing import Any


@dataclass(slots=True)
class Span:
    """What something took, in seconds: of this process's processor time, and on the wall."""

    cpu: float = 0.0
    wall: float = 0.0


@contextmanager
def span() -> Iterator[Span]:
    """Measure what is done within."""
    taken = Span()
    wall, cpu = time.perf_counter(), time.process_time()
    yield taken
    taken.cpu = time.process_time() - cpu
    taken.wall = time.perf_counter() - wall


@dataclass(slots=True)
class Holds:
    """The longest that one callback kept the loop, in seconds of the thread's own time.

    By that clock, because on a busy machine others hold the loop, too. `own` is the longest without
    what the garbage collector took in it, which walks through all that Home Assistant has.
    """

    longest: float = 0.0
    own: float = 0.0


@contextmanager
def tidy() -> Iterator[None]:
    """Let the garbage collector run before and after, not within.

    Whom its rare full runs hit is chance: they would be counted for one case and not for another.
    """
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def holds() -> Iterator[Holds]:
    """Watch every callback of the loop."""
    found = Holds()
    # The loop offers nothing by which its callbacks could be watched.
    handle_class: Any = asyncio.Handle
    true: Callable[[asyncio.Handle], None] = handle_class._run  # noqa: SLF001 - see above
    collected = collecting = 0.0

    def collector(phase: str, _: dict[str, int]) -> None:
        nonlocal collected, collecting
        if phase == "start":
            collecting = time.thread_time()
        else:
            collected += time.thread_time() - collecting

    def run(handle: asyncio.Handle) -> None:
        nonlocal collected
        collected = 0.0
        began = time.thread_time()
        true(handle)
        taken = time.thread_time() - began
        found.longest = max(found.longest, taken)
        found.own = max(found.own, taken - collected)

    handle_class._run = run  # noqa: SLF001 - see above
    gc.callbacks.append(collector)
    try:
        yield found
    finally:
        gc.callbacks.remove(collector)
        handle_class._run = true  # noqa: SLF001 - see above


def resident() -> float:
    """Return the memory that the process holds, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise OSError("the kernel does not tell the memory of a process")


def tell(figure: str, value: float, unit: str, reach: float | None = None, **more: Any) -> None:
    """Print one figure as a line of JSON, beside what it should reach."""
    line: dict[str, Any] = {"figure": figure, "value": round(value, 4), "unit": unit}
    if reach is not None:
        line |= {"reach": reach, "reached": value <= reach}
    print(json.dumps(line | more), flush=True)
