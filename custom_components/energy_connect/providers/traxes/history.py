"""What a Traxes account knows of the past.

Counters are read from the raw readings of an entity: all of its counters at once, gas included. An
entity that charges and has no counter has its charges; one that tells only its power has averages of
that (`aggregations`), which not all types have.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol

from ...core.budget import Priority
from ...core.clock import Clock
from ...core.errors import NotPermitted, RateLimited, Reason, UnexpectedResponse
from ...core.history import Batch, CounterReading, Form, Harvest, Interval, Series, Source
from ...core.http import Params
from ...core.model import NumberKey, Reading
from ...core.payload import Json
from ...core.vocabulary import Quantity
from .lists import ListReader
from .metrics import flow_metrics
from .parse import SESSION_KINDS, Entity
from .past import (
    LONGEST,
    Counted,
    is_counted,
    parse_averages,
    parse_charges,
    parse_counted,
    unit_of,
)

READINGS: Final = "readings"
CHARGES: Final = "charges"
AVERAGES: Final = "averages"

_WEEK: Final = timedelta(days=7)
"""2,016 readings where an entity measures every 5 minutes: 21 requests."""
_MONTH: Final = timedelta(days=31)
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
# How long readings may still change is not documented; charges are put together after their end.
_READINGS_SETTLE: Final = timedelta(days=3)
_CHARGES_SETTLE: Final = timedelta(days=14)
# Limits are not public. So many requests an hour go into the past; polling fifty devices costs as
# many.
_MOST_AN_HOUR: Final = 600
_REST: Final = 300.0
# A list that breaks off after so many pages is too long; one that does so earlier is broken.
_MANY_PAGES: Final = 25
# The past is not there for this entity, now and probably tomorrow.
_NOT_THERE: Final = frozenset({400, 404, 405})
# How a time interval is written in a query is not documented.
_RESOLUTIONS: Final = ("01:00:00", "PT1H")

type _Read = Callable[[datetime, datetime, Priority], Awaitable[Harvest]]


class Known(Protocol):
    """What was read of an entity so far."""

    @property
    def numbers(self) -> Mapping[NumberKey, Reading]:
        """Its newest numbers."""

    @property
    def metrics(self) -> frozenset[str]:
        """The names of all metrics that it ever sent."""


class TraxesHistory:
    """The sources of an account, and the way to read each."""

    def __init__(self, lists: ListReader, clock: Clock) -> None:
        """Know no entity yet."""
        self._lists = lists
        self._clock = clock
        self._asked: deque[float] = deque()
        self._resolutions = list(_RESOLUTIONS)
        self._spans: dict[str, timedelta] = {}
        self._readers: dict[str, _Read] = {}
        self._dropped = 0

    def sources(self, entities: Iterable[tuple[Entity, Known]]) -> Sequence[Source]:
        """Return what can be read of these, by what they told so far."""
        found: list[Source] = []
        self._readers = {}
        for entity, known in entities:
            for source, read in self._of(entity, known):
                self._readers[source.key] = read
                found.append(source)
        return found

    def _of(self, entity: Entity, known: Known) -> Iterator[tuple[Source, _Read]]:
        counters = tuple(
            Series(
                device=entity.id,
                quantity=key[0],
                part=key[1],
                form=Form.COUNTER,
                unit=None if unit == key[0].unit else unit,
            )
            for key, reading in sorted(known.numbers.items(), key=_order)
            if is_counted(key, entity.kind) and (unit := unit_of(reading, key[0])) is not None
        )
        if counters:
            source = Source(
                key=f"{entity.id}_{READINGS}",
                series=counters,
                window=_WEEK,
                late=_DAY,
                settles=_READINGS_SETTLE,
            )
            yield source, partial(self._readings, entity, counters)
        totals = {
            key[0] for key in known.numbers if key[1] is None and is_counted(key, entity.kind)
        }
        if entity.kind in SESSION_KINDS:
            if Quantity.ENERGY_CHARGED not in totals:
                yield self._charging(entity)
            return
        flows = [
            quantity
            for name, quantity in flow_metrics(entity.kind).items()
            if name in known.metrics and quantity not in totals
        ]
        if flows:
            yield self._flowing(entity, flows)

    def _charging(self, entity: Entity) -> tuple[Source, _Read]:
        series = Series(device=entity.id, quantity=Quantity.ENERGY_CHARGED, form=Form.INTERVALS)
        source = Source(
            key=f"{entity.id}_{CHARGES}",
            series=(series,),
            window=_MONTH,
            settles=_CHARGES_SETTLE,
            sparse=True,
        )
        return source, partial(self._charges, entity, series)

    def _flowing(self, entity: Entity, flows: Sequence[Quantity]) -> tuple[Source, _Read]:
        series = tuple(
            Series(device=entity.id, quantity=quantity, form=Form.INTERVALS) for quantity in flows
        )
        source = Source(
            key=f"{entity.id}_{AVERAGES}",
            series=series,
            window=_MONTH,
            late=_DAY,
            settles=_READINGS_SETTLE,
        )
        return source, partial(self._averages, entity, series)

    async def read(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        """Read one of the sources.

        Raises:
            ApiError: as `HistoryAccount.read_history`.

        """
        read = self._readers.get(source.key)
        if read is None:
            raise UnexpectedResponse(Reason.NOT_FOUND)
        if priority is Priority.BACKFILL:
            self._spare()
        try:
            harvest = await read(start, end, priority)
        except UnexpectedResponse as error:
            if error.status not in _NOT_THERE:
                raise
            raise NotPermitted(error.reason, status=error.status, detail=error.detail) from error
        self._dropped += harvest.dropped
        return harvest

    def _spare(self) -> None:
        """Leave the past alone when it has cost enough for this hour.

        Only before a window: one that is begun is read to its end, else it would be for nothing.
        """
        before = self._clock.monotonic() - _HOUR.total_seconds()
        while self._asked and self._asked[0] <= before:
            self._asked.popleft()
        if len(self._asked) >= _MOST_AN_HOUR:
            raise RateLimited(_REST)

    async def _readings(
        self,
        entity: Entity,
        counters: Sequence[Series],
        start: datetime,
        end: datetime,
        priority: Priority,
    ) -> Harvest:
        """Read raw readings in pieces that the lists can hold."""
        found = _Readings(entity, counters)
        at = start
        span = self._spans.get(entity.id, end - start)
        while at < end:
            until = min(at + span, end)
            piece = _Readings(entity, counters)
            if not await self._piece(piece, at, until, priority):
                self._spans[entity.id] = span = span / 2
                continue
            found.add(piece)
            at = until
        batches = {key: Batch(readings=readings) for key, readings in found.readings.items()}
        return Harvest(batches=batches, dropped=found.dropped)

    async def _piece(
        self, piece: _Readings, start: datetime, end: datetime, priority: Priority
    ) -> bool:
        """Read the rows of a time; False if it is too long to be asked for at once.

        That the provider refuses long times is not documented; a refusal may say that.
        """
        try:
            await self._pages(piece.entity, READINGS, _period(start, end), priority, piece.take)
        except _TooLong:
            if end - start <= _HOUR:
                raise
            return False
        except UnexpectedResponse as error:
            if error.status != 400 or end - start <= _DAY:
                raise
            return False
        return True

    async def _charges(
        self, entity: Entity, series: Series, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        """Read charges, also those that began before."""
        params = _period(start - LONGEST, end)
        listed = await self._list(entity, "charge-sessions", params, priority)
        charged = parse_charges(listed)
        batch = Batch(
            intervals=[one for one in charged.over if one.end > start and one.start < end],
            known_until=charged.known_until(end, self._clock.now()),
            unknown=charged.unknown,
        )
        return Harvest(batches={series.key: batch}, dropped=charged.dropped)

    async def _averages(
        self,
        entity: Entity,
        flows: Sequence[Series],
        start: datetime,
        end: datetime,
        priority: Priority,
    ) -> Harvest:
        """Read average powers, hour by hour."""
        found: dict[Quantity, list[Interval]] = {series.quantity: [] for series in flows}
        dropped = 0
        now = self._clock.now()
        for row in await self._hours(entity, start, end, priority):
            flowed = parse_averages(row, entity.kind, _HOUR, now)
            if flowed is None:
                dropped += 1
                continue
            for quantity, interval in flowed.items():
                if quantity in found and interval.end > start and interval.start < end:
                    found[quantity].append(interval)
        batches = {series.key: Batch(intervals=found[series.quantity]) for series in flows}
        return Harvest(batches=batches, dropped=dropped)

    async def _hours(
        self, entity: Entity, start: datetime, end: datetime, priority: Priority
    ) -> list[Json]:
        """Ask for averages of hours, in the way to write an hour that the provider takes."""
        refused: UnexpectedResponse | None = None
        for resolution in list(self._resolutions):
            params = [*_period(start, end), ("resolution", resolution)]
            try:
                listed = await self._list(entity, "aggregations", params, priority)
            except UnexpectedResponse as error:
                if error.status != 400:
                    raise
                refused = refused or error
            else:
                self._resolutions = [resolution]
                return listed
        assert refused is not None  # there is a resolution at least
        raise refused

    async def _list(
        self, entity: Entity, what: str, params: Params, priority: Priority
    ) -> list[Json]:
        """Return all rows of a list, as `_pages`."""
        listed: list[Json] = []
        await self._pages(entity, what, params, priority, listed.extend)
        return listed

    async def _pages(
        self,
        entity: Entity,
        what: str,
        params: Params,
        priority: Priority,
        each: Callable[[list[Json]], None],
    ) -> None:
        """Give `each` the pages of a list as they come.

        Raises:
            ApiError: it could not be read whole.

        """
        pages = 0

        def take(page: list[Json]) -> None:
            nonlocal pages
            pages += 1
            self._asked.append(self._clock.monotonic())
            each(page)

        path = ("v1", "entities", entity.id, what)
        if not await self._lists.rows(*path, params=params, each=take, priority=priority):
            raise (_TooLong if pages >= _MANY_PAGES else UnexpectedResponse)(Reason.TOO_LARGE)

    def diagnostics(self) -> Mapping[str, Any]:
        """Return counts, never a value."""
        return {
            "sources": len(self._readers),
            "dropped": self._dropped,
            "requests_last_hour": len(self._asked),
            "shortened": len(self._spans),
        }


class _TooLong(UnexpectedResponse):
    """A list with more pages than are read."""


class _Readings:
    """What comes together of an entity's counters.

    Each page is parsed as it comes: a week at once would hold the event loop for a tenth of a
    second and more.
    """

    def __init__(self, entity: Entity, counters: Sequence[Series]) -> None:
        self.entity = entity
        self.readings: dict[str, list[CounterReading]] = {series.key: [] for series in counters}
        self.dropped = 0
        self._counters = counters

    def take(self, page: Iterable[Json]) -> None:
        """Add a page's rows."""
        for row in page:
            counted = parse_counted(row, self.entity.id, self.entity.kind)
            if counted is None:
                self.dropped += 1
            else:
                _sort_in(counted, self._counters, self.readings)

    def add(self, other: _Readings) -> None:
        """Add what came of another time."""
        self.dropped += other.dropped
        for key, readings in other.readings.items():
            self.readings[key] += readings


def _order(item: tuple[NumberKey, Reading]) -> tuple[str, str]:
    quantity, part = item[0]
    return quantity, part or ""


def _sort_in(
    counted: Counted, counters: Iterable[Series], found: Mapping[str, list[CounterReading]]
) -> None:
    for series in counters:
        shown = counted.reading((series.quantity, series.part), series.measured_in)
        if shown is not None:
            found[series.key].append(shown)


def _period(start: datetime, end: datetime) -> list[tuple[str, str]]:
    """Return the parameters of a time: whole seconds in UTC, never shorter than asked for."""
    last = end + timedelta(seconds=1) if end.microsecond else end
    return [("start", _stamp(start)), ("end", _stamp(last))]


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
