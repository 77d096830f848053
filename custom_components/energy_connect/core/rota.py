"""Who is asked when, for providers that want one request a device.

A thousand meters must neither flood the provider nor wait for each other: each call of `poll`
takes the share that is due, oldest first, and the times at which they were read spread them over
the interval by themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
import math
from typing import Final

from .clock import Clock
from .errors import ApiError, CredentialsRejected, RateLimited

_SMALLEST_SHARE: Final = 20
# A device whose request failed is asked again after this part of the interval, not at once.
_RETRY: Final = 1 / 6


@dataclass(frozen=True, slots=True)
class Round:
    """What became of one share: how many were read, and why others were not."""

    read: int
    failures: Sequence[ApiError]


class Rota:
    """The order in which an account's items are read, each once an interval (seconds)."""

    def __init__(self, clock: Clock, interval: float, tick: float = 30.0) -> None:
        """`tick` is the pause between two shares while items are due."""
        self._clock = clock
        self._interval = interval
        self._tick = tick
        self._due: dict[str, float] = {}

    def sync(self, items: Iterable[str]) -> None:
        """Take these items and no others; new ones are due at once."""
        wanted = dict.fromkeys(items)
        self._due = {item: self._due.get(item, -math.inf) for item in wanted}

    def hurry(self, items: Iterable[str]) -> None:
        """Make these due at once, as far as they are among the items."""
        self._due |= dict.fromkeys(self._due.keys() & set(items), -math.inf)

    @property
    def share(self) -> int:
        """How many items one call takes, so that all get their turn within the interval."""
        return max(_SMALLEST_SHARE, math.ceil(len(self._due) * self._tick / self._interval))

    def due(self) -> list[str]:
        """Return this call's share of the items that are due, oldest first."""
        now = self._clock.monotonic()
        waiting = [item for item, at in self._due.items() if at <= now]
        waiting.sort(key=self._due.__getitem__)
        return waiting[: self.share]

    @property
    def again(self) -> float:
        """In how many seconds the next share should be taken."""
        if not self._due:
            return self._interval
        wait = min(self._due.values()) - self._clock.monotonic()
        return min(self._interval, max(self._tick, wait))

    async def run(
        self, fetch: Callable[[str], Awaitable[None]], *, within: float | None = None
    ) -> Round:
        """Read the share that is due; how many run at once is the request budget's matter.

        `within` seconds at most: what is not read by then stays due. One refused item is put off
        and does not disturb the others; when the provider wants silence the rest stays due.

        Raises:
            CredentialsRejected: for one item, and so for all.

        """
        read = 0
        failures: list[ApiError] = []
        refused: list[CredentialsRejected] = []
        tasks: list[asyncio.Task[None]] = []

        async def one(item: str) -> None:
            nonlocal read
            try:
                await fetch(item)
            except CredentialsRejected as error:
                refused.append(error)
                # The others wait for a place and would only be refused one after the other.
                for task in tasks:
                    if task is not asyncio.current_task():
                        task.cancel()
            except RateLimited as error:
                failures.append(error)
            except ApiError as error:
                failures.append(error)
                self._put_off(item, self._interval * _RETRY)
            else:
                read += 1
                self._put_off(item, self._interval)

        try:
            async with asyncio.timeout(within), asyncio.TaskGroup() as group:
                tasks += [group.create_task(one(item)) for item in self.due()]
        except TimeoutError:
            pass
        if refused:
            raise refused[0]
        return Round(read, failures)

    def _put_off(self, item: str, seconds: float) -> None:
        if item in self._due:
            self._due[item] = self._clock.monotonic() + seconds
