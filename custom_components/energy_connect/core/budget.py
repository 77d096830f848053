"""The requests of one account: how many at once, how many an hour, who goes first, when to rest."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
import heapq
from typing import Final

from .clock import Clock
from .errors import RateLimited, Reason

_HOUR: Final = 3600.0


class Priority(IntEnum):
    """Who goes first when requests queue; `RECENT` are the newest hours of the past."""

    LIVE = 0
    COMMAND = 1
    RECENT = 2
    BACKFILL = 3


# What the past leaves of an hour's allowance, so that live values and commands never wait for it.
# A thousand meters of Enectiva poll 2,365 times and ask for 1,000 newest hours, of 4,000 an hour.
_LEAVES: Final = {Priority.RECENT: 0.15, Priority.BACKFILL: 0.4}


class Budget:
    """The request budget of one account.

    `concurrent` requests run at once, at most `per_hour` start in a rolling hour (None: no limit
    is known). Requests over the hour's allowance, and all requests while the provider wants
    silence, fail at once with `RateLimited` instead of waiting: the caller plans its next call.
    Token requests are counted but never queue.
    """

    def __init__(self, clock: Clock, *, concurrent: int, per_hour: int | None = None) -> None:
        """Start with nothing spent."""
        self._clock = clock
        self._free = concurrent
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._tickets = 0
        self._started: deque[float] = deque()
        self._quiet_until = 0.0
        self.per_hour = per_hour
        self.total = 0
        self.failed: Counter[Reason] = Counter()
        """Why requests did not give what they should, and how often."""
        self.exchanges = 0
        """How often a credential was taken for a token, or for its end."""

    def available(self, priority: Priority = Priority.LIVE) -> int | None:
        """Return how many more requests may start now; None if no limit is known."""
        if self.quiet_for > 0:
            return 0
        allowed = self._allowed(priority)
        return None if allowed is None else max(0, allowed - self.spent)

    @property
    def spent(self) -> int:
        """How many requests started in the last hour."""
        self._forget()
        return len(self._started)

    @property
    def quiet_for(self) -> float:
        """For how many seconds the provider still wants silence."""
        return max(0.0, self._quiet_until - self._clock.monotonic())

    def pause(self, seconds: float) -> None:
        """Keep quiet for so long: the provider said that it was too much."""
        self._quiet_until = max(self._quiet_until, self._clock.monotonic() + seconds)

    def count(self) -> None:
        """Count a request that needs no slot (a token request, a repeat after a renewal)."""
        self._forget()
        self._started.append(self._clock.monotonic())
        self.total += 1

    @asynccontextmanager
    async def slot(self, priority: Priority = Priority.LIVE) -> AsyncIterator[None]:
        """Wait for a free place, count the request, and hold the place while it runs.

        Raises:
            RateLimited: the hour's allowance is used up, or the provider wants silence.

        """
        self._check(priority)
        await self._enter(priority)
        try:
            self._check(priority)  # again: what came before may have been too much
            self.count()
            yield
        finally:
            self._leave()

    def _check(self, priority: Priority) -> None:
        if self.available(priority) == 0:
            raise RateLimited(self._until_allowed(priority))

    def _allowed(self, priority: Priority) -> int | None:
        """Return how many requests of that priority fit in an hour."""
        if self.per_hour is None:
            return None
        return self.per_hour - round(self.per_hour * _LEAVES.get(priority, 0.0))

    def _forget(self) -> None:
        """Drop what is older than an hour."""
        before = self._clock.monotonic() - _HOUR
        while self._started and self._started[0] <= before:
            self._started.popleft()

    def _until_allowed(self, priority: Priority) -> float:
        """Return the seconds until one more fits in; a pause that the provider wants goes first."""
        if (quiet := self.quiet_for) > 0:
            return quiet
        allowed = self._allowed(priority)
        if not allowed or allowed < 0:
            return _HOUR
        # So many have to leave the hour that one less than allowed is left.
        last = self._started[len(self._started) - allowed]
        return min(_HOUR, max(1.0, last + _HOUR - self._clock.monotonic()))

    async def _enter(self, priority: Priority) -> None:
        if self._free > 0:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tickets += 1
        heapq.heappush(self._waiting, (priority, self._tickets, place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        while self._waiting:
            place = heapq.heappop(self._waiting)[2]
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
