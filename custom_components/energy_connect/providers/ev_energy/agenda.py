"""What an account reads, how often, and what one poll takes of it.

A poll costs three requests: the vehicles, the chargers, the sessions. What is read seldom takes the
place of the sessions in one poll, one at a time, so that it stays three; a list that was empty is
read seldom too. Home energy and the plans of open sessions come on top where they exist.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
import math
from typing import Final

from ...core.errors import ApiError, NotPermitted

SLOTS: Final = 3
SELDOM: Final = 900.0
"""Seconds between two readings of what changes slowly."""
RARELY: Final = 6 * 3600.0
"""Seconds after which something that was refused, or is not there, is asked for again."""
# A poll that comes a little early, as timers do, must not put a reading off by a whole interval.
_EARLY: Final = 10.0


@dataclass(slots=True, kw_only=True, eq=False)
class Feature:
    """Something that is read by a request of its own, or by few.

    `every` is 0 if each poll reads it. `extra` features exist only where the owner has more than
    vehicles and chargers, and don't count against the poll's three requests. `after` features need
    what the others found. `forget` drops what was read, when the provider no longer allows it.
    """

    name: str
    scope: str
    read: Callable[[], Awaitable[None]]
    forget: Callable[[], None]
    every: float = 0.0
    main: bool = False
    yields: bool = False
    extra: bool = False
    after: bool = False
    due: float = -math.inf
    error: ApiError | None = None

    def done(self, now: float, *, every: float | None = None) -> None:
        """Note that it was read."""
        self.error = None
        self.due = now + (self.every if every is None else every)

    def failed(self, now: float, error: ApiError) -> None:
        """Note why it was not read: what is refused, or is not there, is asked for rarely."""
        self.error = error
        if isinstance(error, NotPermitted):
            self.forget()
            self.due = now + RARELY
        elif not self.main:
            self.due = now + (RARELY if error.status == 404 else SELDOM)


def choose(features: Iterable[Feature], now: float, *, first: bool) -> list[Feature]:
    """Return what this poll reads; the first one reads everything."""
    due = [feature for feature in features if feature.due <= now + _EARLY]
    if first:
        return due
    extra = [feature for feature in due if feature.extra]
    steady = [feature for feature in due if feature.main and not feature.extra]
    seldom = sorted(
        (feature for feature in due if not feature.main and not feature.extra),
        key=lambda feature: feature.due,
    )
    if seldom and len(steady) >= SLOTS:
        steady = [feature for feature in steady if not feature.yields]
    return [*steady, *seldom[: SLOTS - len(steady)], *extra]
