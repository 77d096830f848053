"""What rows of the past tell: counters, charges, average power. Pure functions.

Readings are snapshots of counters (vendor); charges have a start, an end and an energy (vendor).
The fields of an aggregation are not documented, only that it is an average over an interval
(vendor): its `data` is read as that of a reading, its start and end by the usual names (assumed).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ...core.history import CounterReading, Interval
from ...core.model import NumberKey, Reading
from ...core.payload import Json, dig, instant
from ...core.vocabulary import Kind, Part, Quantity
from .metrics import average_flows, parse_measurement
from .parse import parse_session

LONGEST: Final = timedelta(hours=36)
"""No charge is believed to last longer (assumed)."""

_HOUR: Final = timedelta(hours=1)
_STARTS: Final = ("start", "from", "measured", "timestamp")
_ENDS: Final = ("end", "to")
# The units of gas that can't be converted to cubic metres, by how they are written.
_GAS_UNITS: Final[Mapping[str, str]] = {
    "wh": "Wh",
    "kwh": "kWh",
    "mwh": "MWh",
    "l": "L",
    "ft³": "ft³",
    "ft3": "ft³",
}
_GAS: Final = frozenset({Quantity.GAS_CONSUMPTION, Quantity.GAS_RETURNED})
_COUNTED: Final = _GAS | frozenset(
    {
        Quantity.ENERGY_IMPORT,
        Quantity.ENERGY_EXPORT,
        Quantity.ENERGY_CONSUMPTION,
        Quantity.ENERGY_PRODUCTION,
        Quantity.ENERGY_CHARGED,
        Quantity.ENERGY_DISCHARGED,
    }
)
_TARIFFS: Final = frozenset({Part.T1, Part.T2, Part.T3, Part.T4})


def unit_of(reading: Reading, quantity: Quantity) -> str | None:
    """Return the unit of a counter; None if nobody knows it."""
    if reading.unit is None:
        return quantity.unit
    return _GAS_UNITS.get(reading.unit.lower()) if quantity in _GAS else None


def is_counted(key: NumberKey, kind: Kind) -> bool:
    """Tell whether a number is a counter whose past is of use: totals, and a meter's tariffs."""
    quantity, part = key
    if quantity not in _COUNTED:
        return False
    return part is None or (part in _TARIFFS and kind is Kind.METER)


@dataclass(frozen=True, slots=True)
class Counted:
    """The counters of one row of readings, each with its unit."""

    at: datetime
    shown: Mapping[NumberKey, tuple[float, str]]

    def reading(self, key: NumberKey, unit: str | None) -> CounterReading | None:
        """Return what a counter showed, None if the row does not tell it in that unit."""
        value, shown_in = self.shown.get(key, (0.0, None))
        return CounterReading(self.at, value) if unit is not None and shown_in == unit else None


def parse_counted(row: Json, entity_id: str, kind: Kind) -> Counted | None:
    """Return the counters of a reading; None if it has no time or is another entity's."""
    measurement = parse_measurement(row, kind)
    if measurement is None or measurement.measured is None:
        return None
    if measurement.entity_id not in {None, entity_id}:
        return None
    shown: dict[NumberKey, tuple[float, str]] = {}
    for key, reading in measurement.numbers.items():
        unit = unit_of(reading, key[0])
        if is_counted(key, kind) and reading.value is not None and unit is not None:
            shown[key] = (reading.value, unit)
    return Counted(measurement.measured, shown)


def parse_averages(
    row: Json, kind: Kind, step: timedelta, now: datetime
) -> dict[Quantity, Interval] | None:
    """Return what flowed in the interval of an aggregation, in kWh; None if it has no start.

    Average power times the time: as good as the readings of that time were many.
    """
    start = next((at for name in _STARTS if (at := instant(dig(row, name))) is not None), None)
    if start is None:
        return None
    end = next((at for name in _ENDS if (at := instant(dig(row, name))) is not None), start + step)
    if not start < end <= start + step:
        return None
    hours = (end - start) / _HOUR
    return {
        quantity: Interval(start, end, round(watts * hours / 1000, 6), end <= now, estimated=True)
        for quantity, watts in average_flows(dig(row, "data"), kind).items()
    }


@dataclass(frozen=True, slots=True)
class Charged:
    """The charges of a time: those that are over, and when those that still run began.

    `unknown` are those whose energy nobody knows.
    """

    over: Sequence[Interval]
    running: Sequence[datetime]
    unknown: Sequence[tuple[datetime, datetime]] = ()
    dropped: int = 0

    def known_until(self, end: datetime, now: datetime) -> datetime:
        """Return up to when an hour that is not told of had no energy.

        Charges follow each other: what came before one that is there is there too. After the last
        one another may be under way of which nothing is told yet.
        """
        told = [now - LONGEST, *(one.end for one in self.over)]
        running = [at for at in self.running if at > now - LONGEST]
        return min([end, max(told), *running])


def parse_charges(listed: Iterable[Json]) -> Charged:
    """Return the charges of a list; one whose time nobody knows is dropped."""
    over: dict[datetime, Interval] = {}
    running: list[datetime] = []
    unknown: list[tuple[datetime, datetime]] = []
    dropped = 0
    for row in listed:
        charge = parse_session(row)
        if charge is not None and charge.end is None:
            running.append(charge.start)
        elif (
            charge is None
            or charge.end is None
            or not timedelta() < charge.end - charge.start <= LONGEST
        ):
            dropped += 1
        elif charge.energy is None or charge.unit is not None or charge.energy < 0:
            dropped += 1
            unknown.append((charge.start, charge.end))
        else:
            over[charge.start] = Interval(charge.start, charge.end, charge.energy)
    ordered = [over[start] for start in sorted(over)]
    return Charged([*ordered, *_pauses(ordered)], running, unknown, dropped)


def _pauses(charges: Sequence[Interval]) -> Iterator[Interval]:
    """Return what is left of the hours in which charges lie: nothing was charged then.

    Without these the hours would count as known in part.
    """
    until: datetime | None = None
    for charge in charges:
        begin = _hour_of(charge.start)
        if until is not None:
            if (stop := min(_hour_beyond(until), charge.start)) > until:
                yield Interval(until, stop, 0.0)
            begin = max(begin, until)
        if begin < charge.start and (until is None or begin >= _hour_beyond(until)):
            yield Interval(begin, charge.start, 0.0)
        until = charge.end if until is None else max(until, charge.end)
    if until is not None and (stop := _hour_beyond(until)) > until:
        yield Interval(until, stop, 0.0)


def _hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hour_beyond(at: datetime) -> datetime:
    """Return the end of the hour in which a time lies; a full hour is its own."""
    hour = _hour_of(at)
    return hour if hour == at else hour + _HOUR
