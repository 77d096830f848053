"""The past of Enectiva's meters: their readings, and months where a meter has no readings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from ...core.budget import Priority
from ...core.clock import Clock
from ...core.errors import Reason, UnexpectedResponse
from ...core.history import Batch, CounterReading, Form, Harvest, Interval, Series, Source
from ...core.http import ApiClient
from ...core.response import Response
from .documents import Document, read
from .parse import Delta, Meter, State, deltas
from .paths import Paths
from .tally import Tally
from .timeline import between
from .units import HeatUnits, amount

READINGS: Final = "readings"
MONTHS: Final = "months"

_WINDOW: Final = timedelta(days=31)
_QUARTER: Final = timedelta(minutes=15)
"""The shortest step of readings that is usual; the vendor asks for no more than one a minute."""
_LATE: Final = timedelta(days=2)
_SETTLES: Final = timedelta(days=7)
# A month's delta is interpolated between the readings at its edges, which come when they come.
_MONTH_LATE: Final = timedelta(days=45)
_YEAR: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterPast:
    """A meter of which the past can be read; `rests` says that it has no readings."""

    device: str
    meter: Meter
    zone: tzinfo
    unit: str | None
    rests: bool = False


class Past:
    """Reads the past of meters."""

    def __init__(
        self, api: ApiClient, clock: Clock, paths: Paths, tally: Tally, heat: HeatUnits
    ) -> None:
        """Share the account's client and what it has learned of paths."""
        self._api = api
        self._clock = clock
        self._paths = paths
        self._tally = tally
        self._heat = heat
        self._meters: dict[str, MeterPast] = {}

    def sources(self, meters: Iterable[MeterPast]) -> list[Source]:
        """Return a source for each meter whose energy and unit are known.

        Readings are better than months, which can only be spread evenly: those are the last resort
        for meters that have none (profile meters).
        """
        self._meters = {}
        found: list[Source] = []
        for past in meters:
            series = self._series(past)
            if series is None:
                continue
            kind = MONTHS if past.rests else READINGS
            key = f"{past.device}_{kind}"
            self._meters[key] = past
            if past.rests:
                step, window, late = timedelta(days=31), _YEAR, _MONTH_LATE
            else:
                step, window, late = _QUARTER, _WINDOW, _LATE
            found.append(
                Source(
                    key=key,
                    series=(series,),
                    window=window,
                    step=step,
                    late=late,
                    settles=_MONTH_LATE if past.rests else _SETTLES,
                )
            )
        return found

    def _series(self, past: MeterPast) -> Series | None:
        energy = past.meter.energy
        if energy is None or (shown := amount(energy, 0.0, past.unit, self._heat)) is None:
            return None
        series = Series(
            device=past.device,
            quantity=energy.counter,
            form=Form.INTERVALS if past.rests else Form.COUNTER,
            unit=shown.unit,
        )
        return None if series.measured_in is None else series

    async def read(
        self, source: Source, start: datetime, end: datetime, priority: Priority
    ) -> Harvest:
        """Read one meter.

        Raises:
            ApiError: see `HistoryAccount.read_history`.

        """
        past = self._meters.get(source.key)
        if past is None:
            raise UnexpectedResponse(Reason.NOT_FOUND)
        series = source.series[0]
        if past.rests:
            batch, dropped = await self._months(past, series, start, end, priority)
        else:
            batch, dropped = await self._readings(past, series, start, end, priority)
        return Harvest(batches={series.key: batch}, dropped=dropped)

    async def _readings(
        self, past: MeterPast, series: Series, start: datetime, end: datetime, priority: Priority
    ) -> tuple[Batch, int]:
        """Read page after page."""
        found: list[CounterReading] = []
        dropped = 0

        async def ask(condition: str) -> Document:
            return await self._ask(past.meter, READINGS, condition, priority)

        async for parsed in between(ask, "readings.time", start, end, past.zone):
            self._tally.note("readings", parsed)
            dropped += parsed.dropped
            found += self._counter(past, series, parsed.rows)
        return Batch(readings=found), dropped

    def _counter(
        self, past: MeterPast, series: Series, rows: Sequence[State]
    ) -> Iterable[CounterReading]:
        energy = past.meter.energy
        assert energy is not None  # else there is no series
        for row in rows:
            shown = amount(energy, row.value, row.unit or past.unit, self._heat)
            if shown is not None and shown.unit == series.unit:
                yield CounterReading(row.at, shown.value)

    async def _months(
        self, past: MeterPast, series: Series, start: datetime, end: datetime, priority: Priority
    ) -> tuple[Batch, int]:
        """Read the months that overlap the time, up to the last one whose readings are all in.

        The delta of the running month reaches to the last reading only.
        """
        settled = self._clock.now() - _LATE
        first = start.astimezone(past.zone).strftime("%Y-%m-01T00:00:00")
        condition = f"meter_deltas.time>={first}"
        document = await self._ask(past.meter, "deltas", condition, priority)
        parsed = deltas(document.rows, past.zone)
        self._tally.note("deltas", parsed)
        found = [
            interval
            for row in parsed.rows
            if not row.part and (interval := self._month(past, series, row)) is not None
            if interval.start < end and start < interval.end <= settled
        ]
        return Batch(intervals=found), parsed.dropped

    def _month(self, past: MeterPast, series: Series, row: Delta) -> Interval | None:
        energy = past.meter.energy
        assert energy is not None  # else there is no series
        shown = amount(energy, row.value, row.unit or past.unit, self._heat)
        if shown is None or shown.unit != series.unit:
            return None
        year, month = row.month
        begins = datetime(year, month, 1, tzinfo=past.zone)
        ends = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=past.zone)
        return Interval(begins.astimezone(UTC), ends.astimezone(UTC), shown.value)

    async def _ask(self, meter: Meter, what: str, condition: str, priority: Priority) -> Document:
        async def send(identification: str) -> Response:
            params = (("filter[]", condition),)
            return await self._api.get(
                "meters", identification, what, params=params, priority=priority
            )

        return read((await self._paths.ask(meter, send)).json())
