"""An event loop on the driven clock: when only time can get things on, it is the next timer's."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
import queue
import selectors
import threading
from typing import Any, Final, override

from .clock import Clock

_THREADS: Final = 0.0005
"""Real seconds between two looks at threads that are at work."""
_WIRE: Final = 0.002
"""Real seconds in which what was sent on loopback has arrived."""


class WatchedQueue[T](queue.SimpleQueue[T]):
    """A queue that knows whether the thread at its end has done all that was put into it."""

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._lock = threading.Lock()
        self._put = self._got = self._done = 0

    @property
    def busy(self) -> bool:
        """Whether something is left to be done, or is being done."""
        return self._done != self._put

    @override
    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        with self._lock:
            self._put += 1
        super().put(item)

    @override
    def put_nowait(self, item: T) -> None:
        self.put(item)

    @override
    def get(self, block: bool = True, timeout: float | None = None) -> T:
        # Who asks for the next has done the ones before.
        self._done = self._got
        item = super().get(block, timeout)
        self._got += 1
        return item

    @override
    def get_nowait(self) -> T:
        item = super().get_nowait()
        self._got += 1
        return item


class _Selector(selectors.EpollSelector):
    """Waits for threads and for what is on the wire in real time, and for all else not at all."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.threads_busy: Callable[[], bool] = bool
        self.on_the_wire: Callable[[], bool] = bool
        self.jumps = 0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        patient = False
        while True:
            if events := super().select(0):
                return events
            if timeout is not None and timeout <= 0:
                return events
            if self.threads_busy() or timeout is None:
                if events := super().select(_THREADS):
                    return events
                patient = False
            elif self.on_the_wire() and not patient:
                patient = True
                if events := super().select(_WIRE):
                    return events
            else:
                self.jumps += 1
                self._clock.advance(timeout)
                return []


class DrivenLoop(asyncio.SelectorEventLoop):
    """The event loop of the whole process."""

    def __init__(self, clock: Clock) -> None:
        """Run on `clock`."""
        self.driver = _Selector(clock)
        super().__init__(self.driver)
        self._clock = clock
        self._jobs = 0
        self.queues: list[WatchedQueue[Any]] = []
        self.driver.threads_busy = self._threads_busy

    @override
    def time(self) -> float:
        return self._clock.monotonic()

    @override
    def run_in_executor[**P, T](  # type: ignore[override] # as the original, with its types
        self, executor: Executor | None, func: Callable[P, T], *args: Any
    ) -> asyncio.Future[T]:
        self._jobs += 1
        job = super().run_in_executor(executor, func, *args)
        job.add_done_callback(self._job_done)
        return job

    def _job_done(self, _: asyncio.Future[Any]) -> None:
        self._jobs -= 1

    def _threads_busy(self) -> bool:
        return self._jobs > 0 or any(one.busy for one in self.queues)
