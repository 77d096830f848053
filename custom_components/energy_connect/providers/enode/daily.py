"""Statistics that are asked for by local day, or by local month: inverters and HEM systems.

A day is told in quarter hours or the like. Where a day has none (Enode gets quarter hours of 30
days before a device was linked, but days of three months; vendor), the month's days are taken.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from typing import ClassVar, Final, NamedTuple, override

from ...core.budget import Priority
from ...core.clock import Clock
from ...core.errors import NotPermitted, UnexpectedResponse
from ...core.history import Batch, Form, Harvest, Interval, Series, Source
from ...core.http import ApiClient
from ...core.payload import Json
from ...core.vocabulary import Quantity
from .statistics import Told, on_day, parse_inverter_statistics, parse_site_statistics, zone_name
from .zones import Zones

WINDOW: Final = timedelta(days=7)
"""Eight requests at most, and another one or two for months."""

_STEP: Final = timedelta(minutes=15)
_DAY: Final = timedelta(days=1)
# A wrong date in `retryAfter` must not hold back corrections for long.
_LONGEST_RETRY: Final = _DAY
_BEFORE_INSTALLATION: Final = 400
_NOT_AVAILABLE: Final = 422
_NOT_OF_THEN: Final = frozenset({_BEFORE_INSTALLATION, _NOT_AVAILABLE})
_MOST_REMEMBERED: Final = 64


class Period(NamedTuple):
    """A day, or a month if `day` is None, in the local time of the device."""

    year: int
    month: int
    day: int | None = None


class DailyStatistics(ABC):
    """Reads the statistics of devices that tell them by day.

    A provisional answer says when to ask again (vendor): until then it is given once more.
    """

    kind: ClassVar[str]
    """The first part of the path, and of the keys of sources."""

    def __init__(self, client: ApiClient, clock: Clock, zones: Zones, house: tzinfo) -> None:
        """`house` is the time zone of devices that name none."""
        self._client = client
        self._clock = clock
        self._zones = zones
        self._house = house
        self._remembered: OrderedDict[tuple[str, Period], Told] = OrderedDict()
        self._telling: set[str] = set()

    @abstractmethod
    def _params(self, period: Period) -> list[tuple[str, str]]:
        """Return how a day or a month is asked for."""

    @abstractmethod
    def _parse(self, answer: Json, zone: tzinfo, *, final: bool) -> Told:
        """Read an answer; `final` says whether its status was not 202."""

    def source(
        self, device: str, quantities: Iterable[Quantity], installed: datetime | None
    ) -> Source:
        """Return what can be read of a device; before it was installed there is nothing."""
        return Source(
            key=f"{self.kind}_{device}",
            series=tuple(
                Series(device=device, quantity=quantity, form=Form.INTERVALS)
                for quantity in quantities
            ),
            window=WINDOW,
            step=_STEP,
            # The time of day of an installation says little.
            begins=None if installed is None else installed - _DAY,
        )

    async def read(
        self, source: Source, zone: str | None, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        """Read a time of at most `WINDOW` of a device in a time zone (IANA), if it names one.

        Raises:
            ApiError: as `HistoryAccount.read_history`.

        """
        (device,) = {series.device for series in source.series}
        stated = await self._zones.get(zone)
        local = stated or self._house
        # Without a zone of its own the device's days may begin earlier or later than thought.
        beyond = timedelta() if stated is not None else _DAY
        reading = _Reading(partial(self._ask, device, local, priority), local)
        for day in _days(start - beyond, end + beyond, self._clock.now(), local):
            await reading.add(day)
        if reading.answered:
            self._telling.add(device)
        elif (refusal := reading.refusal) is not None and device not in self._telling:
            raise NotPermitted(refusal.reason, status=refusal.status, detail=refusal.detail)
        batches = {
            series.key: Batch(
                intervals=[
                    each
                    for each in reading.intervals.get(series.quantity, ())
                    if each.end > start and each.start < end
                ]
            )
            for series in source.series
        }
        return Harvest(batches=batches, dropped=reading.dropped)

    async def _ask(
        self, device: str, zone: tzinfo, priority: Priority, period: Period
    ) -> Told | UnexpectedResponse:
        """Ask for a period; what is refused for this period alone comes back as the error.

        Raises:
            ApiError: the device has no statistics, or the question could not be answered.

        """
        now = self._clock.now()
        before = self._remembered.get((device, period))
        if before is not None and before.retry is not None and now < before.retry:
            return before
        try:
            response = await self._client.get(
                self.kind, device, "statistics", params=self._params(period), priority=priority
            )
        except UnexpectedResponse as error:
            if error.status == 404:
                raise NotPermitted(
                    error.reason, status=error.status, detail=error.detail
                ) from error
            if error.status not in _NOT_OF_THEN:
                raise
            return error
        answer = response.json()
        local = await self._zones.get(zone_name(answer)) or zone
        told = self._parse(answer, local, final=response.status != 202)
        if told.retry is not None:
            told.retry = min(told.retry, now + _LONGEST_RETRY)
            self._remembered[device, period] = told
            self._remembered.move_to_end((device, period))
            while len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return told


class InverterStatistics(DailyStatistics):
    """What inverters produced. An answer of status 202 is provisional (vendor)."""

    kind = "inverters"

    @override
    def _params(self, period: Period) -> list[tuple[str, str]]:
        named = {"year": period.year, "month": period.month, "day": period.day}
        return [(name, str(value)) for name, value in named.items() if value is not None]

    @override
    def _parse(self, answer: Json, zone: tzinfo, *, final: bool) -> Told:
        return parse_inverter_statistics(answer, self._clock.now(), zone, final=final)


class SiteStatistics(DailyStatistics):
    """What flowed through HEM systems (beta)."""

    kind = "hem-systems"

    @override
    def _params(self, period: Period) -> list[tuple[str, str]]:
        month = f"{period.year:04}-{period.month:02}"
        return [("interval", month if period.day is None else f"{month}-{period.day:02}")]

    @override
    def _parse(self, answer: Json, zone: tzinfo, *, final: bool) -> Told:
        return parse_site_statistics(answer, self._clock.now(), zone)


class _Reading:
    """What came together in one call: a day's own amounts, else its month's for that day."""

    def __init__(
        self, ask: Callable[[Period], Awaitable[Told | UnexpectedResponse]], zone: tzinfo
    ) -> None:
        self.intervals: dict[Quantity, list[Interval]] = {}
        self.dropped = 0
        self.answered = False
        self.refusal: UnexpectedResponse | None = None
        """What was said of a device that has no such statistics."""
        self._ask = ask
        self._zone = zone
        self._months: dict[Period, Told] = {}

    async def add(self, day: date) -> None:
        """Read one day.

        Raises:
            ApiError: it could not be read.

        """
        told = await self._told(Period(day.year, day.month, day.day))
        if told is None:
            return
        if told.empty:
            month = Period(day.year, day.month)
            if month not in self._months:
                self._months[month] = await self._told(month) or Told()
            of_month = self._months[month].intervals.items()
            told = Told(
                intervals={
                    quantity: on_day(intervals, day, self._zone) for quantity, intervals in of_month
                }
            )
        for quantity, intervals in told.intervals.items():
            self.intervals.setdefault(quantity, []).extend(intervals)

    async def _told(self, period: Period) -> Told | None:
        """Return what was told; None of a time before the device was installed."""
        told = await self._ask(period)
        if isinstance(told, Told):
            self.answered = True
            self.dropped += told.dropped
            return told
        if told.status == _BEFORE_INSTALLATION:
            self.answered = True
            return None
        self.refusal = told
        return Told()


def _days(start: datetime, end: datetime, now: datetime, zone: tzinfo) -> Iterator[date]:
    """Return the local days in which a time lies, without those to come."""
    day = start.astimezone(zone).date()
    last = (min(end, now) - datetime.resolution).astimezone(zone).date()
    while day <= last:
        yield day
        day += _DAY
