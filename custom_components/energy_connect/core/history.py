"""What an account can tell about the past: which series, read how, and what comes back.

An account that has a past implements `HistoryAccount`; one that has none needs nothing. The account
only reads and parses. Hours, sums, corrections, what to ask when and how far back are not its
business: `series`, `regions`, `coverage` and Home Assistant's side do that, for all providers alike.

All times are aware and in UTC. Nothing is guessed: an amount that is not known is left out, and is
then asked for again by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from .account import Account
from .budget import Priority
from .vocabulary import Part, Quantity


class Form(StrEnum):
    """How a provider writes down a series."""

    COUNTER = "counter"
    """Readings of a counter that only rises, at any times."""
    INTERVALS = "intervals"
    """Amounts from one time to another."""
    MEASURED = "measured"
    """Values at any times, like a temperature: each hour has a mean, and there is no sum."""


class Aspect(StrEnum):
    """What a series tells about a quantity, other than its amount. Part of statistic ids."""

    SOLAR = "solar"
    """The part of the energy that was the owner's own solar energy, in the unit of the energy."""
    EMISSIONS = "emissions"
    """The greenhouse gas that making the energy gave off, in grams of CO₂ equivalent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One quantity of one device over time; amounts are never negative, measured values may be.

    `device` is the id of a device in the snapshot. `unit` is what amounts and readings are in, None
    for the quantity's canonical unit; a series whose unit nobody knows must not be offered, since
    statistics in a guessed unit can't be mended. `currency` (ISO 4217) says that the provider gives
    the cost of intervals as well.
    """

    device: str
    quantity: Quantity
    form: Form
    part: Part | None = None
    aspect: Aspect | None = None
    unit: str | None = None
    currency: str | None = None

    @property
    def key(self) -> str:
        """What names the series in its account, for good: part of its statistic id."""
        words = (self.device, self.quantity, self.part, self.aspect)
        return "_".join(word for word in words if word is not None)

    @property
    def measured_in(self) -> str | None:
        """The unit of the amounts; None means that nobody knows it."""
        if self.aspect is Aspect.EMISSIONS:
            return "g"
        return self.unit or self.quantity.unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Series that the same requests give (a car's energy, its solar part and its cost, say).

    A series belongs to one source at a time. Where a provider has two ways to the same series, the
    account offers the better one of them, and may change its mind.

    `key` names the source in its account, for good. `window` is the longest time that one call of
    `read_history` may be asked for: choose it so that a call costs few requests, 31 days or
    less where the API allows. `step` is the usual time between readings, or length of an interval;
    so much more is asked for on either side of a window of a counter. `late` is after how long the
    data of an hour normally is there: later it counts as missing. `settles` is for how long
    amounts may still be corrected: hours younger than that are asked for again and again, seldomer
    with age. `begins` is before which time there is nothing, if that is known. `sparse` says that
    an hour without an interval is an hour without energy (charging sessions), and not a gap;
    `Batch.known_until` then has to say how far that holds.
    """

    key: str
    series: tuple[Series, ...]
    window: timedelta = timedelta(days=31)
    step: timedelta = timedelta(hours=1)
    late: timedelta = timedelta(days=2)
    settles: timedelta = timedelta(days=7)
    begins: datetime | None = None
    sparse: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """An amount from `start` to `end`.

    `final` is False while the provider says that it may change; a provisional 0 counts as not
    known. `cost` is what the amount cost, in the currency of its series; None: not known.
    `estimated` says that the amount is no measured one: spread by the account over a longer time
    than this, or made of an average power. It never replaces a measured one.
    """

    start: datetime
    end: datetime
    amount: float
    final: bool = True
    cost: float | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class CounterReading:
    """What a counter showed, or what was measured, at a time."""

    at: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a source gave for one series; in any order, repeated, overlapping: all of it is allowed.

    Of rows for the same times the last counts. `known_until`: up to here the provider has
    everything; only sparse sources need it (without it nothing of a sparse source is known).
    `unknown` are the times of which is known only that there was something (a charging session
    whose energy nobody tells): their hours are missing, and not empty.
    """

    intervals: Sequence[Interval] = ()
    readings: Sequence[CounterReading] = ()
    known_until: datetime | None = None
    unknown: Sequence[tuple[datetime, datetime]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What one call of `read_history` gave: a batch per key of a series.

    A series that is missing was not read, and is asked for again. `dropped` counts malformed rows.
    """

    batches: Mapping[str, Batch] = field(default_factory=dict)
    dropped: int = 0


@runtime_checkable
class HistoryAccount(Account, Protocol):
    """An account that knows the past of its devices."""

    def history_sources(self) -> Sequence[Source]:
        """Return what can be read now, from what the account knows already: sends nothing.

        Called often. Sources come and go with the devices of the snapshot; what was imported stays.
        """

    async def read_history(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        """Read a source from `start` to `end`, whole hours and at most the source's window.

        For counters it is some steps more on either side, and may end in the future: readings are
        judged by their neighbours, and those at `start` and at `end` belong to it.
        Intervals that overlap that time are to be returned whole, uncut, also those that began
        before it. All pages are to be read; half an answer must not be returned as a whole one.
        Requests go through the account's `Budget` with the `priority` that is given: LIVE for the
        newest hours, BACKFILL for the past.

        Raises:
            RateLimited: the budget that is left for the past is used up, or the provider wants
                silence; the caller goes on later, where it was.
            NotPermitted: the credential does not allow it; the source is left alone for a day.
            ApiError: anything else; the caller tries again later.

        """
