"""What an account reads, how often, and what one poll takes of it.

A poll costs three requests: the vehicles, the chargers, the sessions. What is read seldom takes the
place of the sessions in every other poll, one at a time, so that it stays three; a list that was
empty is read seldom too. Home energy and the plans of open sessions come on top where they exist.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
import math
from typing import Final

from ...core.errors import ApiError, CredentialsRejected, NotPermitted, RateLimited

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

    `every` is 0 if each poll reads it; one that `yields` gives its place to what is seldom. `extra`
    features exist only where the owner has more than vehicles and chargers, and don't count against
    the poll's three requests. `after` features need what the others found. `forget` drops what was
    read, when the provider no longer allows it.
    """

    name: str
    scope: str
    read: Callable[[], Awaitable[None]]
    forget: Callable[[], None]
    every: float = 0.0
    main: bool = False
    yields: bool = False
    skipped: bool = False
    extra: bool = False
    after: bool = False
    due: float = -math.inf
    error: ApiError | None = None

    def done(self, now: float, *, every: float | None = None) -> None:
        """Note that it was read."""
        self.error = None
        self.due = now + (self.every if every is None else every)

    def hurry(self) -> None:
        """Read it with the next poll, whatever is waiting."""
        self.due = -math.inf
        self.skipped = True

    def failed(self, now: float, error: ApiError) -> None:
        """Note why it was not read: what is refused, or is not there, is asked for rarely.

        What each poll reads stays due, unless it would take the place of the sessions.
        """
        self.error = error
        if isinstance(error, NotPermitted):
            self.forget()
            self.due = now + RARELY
        elif error.status == 404 and not self.main:
            self.due = now + RARELY
        elif self.every or not (self.main or self.extra):
            self.due = now + SELDOM


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
    crowded = bool(seldom) and len(steady) >= SLOTS
    for feature in steady:
        # Never twice in a row, however much that is seldom is waiting.
        feature.skipped = crowded and feature.yields and not feature.skipped
    steady = [feature for feature in steady if not feature.skipped]
    return [*steady, *seldom[: SLOTS - len(steady)], *extra]


def raise_if_blind(
    features: Iterable[Feature], outcomes: Iterable[tuple[Feature, ApiError | None]]
) -> None:
    """Raise if nothing that matters could be read; `outcomes` are those of this poll.

    Raises:
        CredentialsRejected: a credential was refused, whatever else was read.
        ApiError: none of the main features could be read.

    """
    errors = {feature.name: error for feature, error in outcomes}
    for error in errors.values():
        if isinstance(error, CredentialsRejected):
            raise error
    mains = [one for one in features if one.main]
    # One that was not asked now, because it was refused before, is as blind as it was then.
    matter = [errors.get(one.name, one.error) for one in mains if one.name in errors or one.error]
    failed = [error for error in matter or errors.values() if error is not None]
    if failed and len(failed) == len(matter or errors):
        raise next((error for error in failed if isinstance(error, RateLimited)), failed[0])
