"""Statistics of charging, inverters and HEM systems: payload -> intervals.

Source: Enode's OpenAPI document of version 2024-10-01 (vendor). Energy in kWh; costs in a currency
that the answers do not name. What is null is not known and left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from ...core.errors import Reason, UnexpectedResponse
from ...core.history import Interval
from ...core.payload import Json, dig, instant, mapping, number, rows, text
from ...core.vocabulary import Quantity

FLOWS: Final[Mapping[str, Quantity]] = {
    "generation": Quantity.ENERGY_PRODUCTION,
    "consumption": Quantity.ENERGY_CONSUMPTION,
    "import": Quantity.ENERGY_IMPORT,
    "export": Quantity.ENERGY_EXPORT,
    "charge": Quantity.ENERGY_CHARGED,
    "discharge": Quantity.ENERGY_DISCHARGED,
}
"""What a HEM system's series measure. The battery's level is no amount."""

_HOUR: Final = timedelta(hours=1)
_QUARTER: Final = timedelta(minutes=15)
_DAY: Final = timedelta(days=1)
# A session shows 15 minutes after its end (vendor), and idle devices are read every 7 (vendor):
# before that long an hour may still grow.
_SETTLED: Final = 2 * _HOUR
# Nothing was measured before; it keeps sums of times within what a time can be.
_EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
_BUCKETS: Final = {
    "PT5M": timedelta(minutes=5),
    "PT10M": timedelta(minutes=10),
    "PT15M": _QUARTER,
    "PT30M": timedelta(minutes=30),
    "PT1H": _HOUR,
    "P1D": _DAY,
}


@dataclass(slots=True, kw_only=True)
class Told:
    """What one answer tells: intervals by quantity, and how many rows were malformed.

    `unknown` are times in which there was something that is not told.
    `retry` is until when the same question should not be asked again, if the answer is provisional.
    """

    intervals: dict[Quantity, list[Interval]] = field(
        default_factory=dict[Quantity, list[Interval]]
    )
    unknown: list[tuple[datetime, datetime]] = field(
        default_factory=list[tuple[datetime, datetime]]
    )
    dropped: int = 0
    retry: datetime | None = None

    @property
    def empty(self) -> bool:
        """Whether it tells of no amount."""
        return not any(self.intervals.values())


def parse_charging(answer: Json, quantity: Quantity, now: datetime, *, costed: bool) -> Told:
    """Read charging statistics of hours (UTC).

    Hours without energy are left out, whether the answer has them or not (assumed: either): the
    series is a sparse one, and an hour of 0 may only be one that is not known yet.

    Raises:
        UnexpectedResponse: the answer is no list.

    """
    told = Told()
    intervals = told.intervals[quantity] = []
    for row in _rows(answer):
        start, amount = _past(dig(row, "date"), now), number(dig(row, "kwhSum"))
        if start is None:
            told.dropped += 1
        elif amount is None or amount < 0:
            told.dropped += 1
            told.unknown.append((start, start + _HOUR))
        elif amount > 0:
            cost = number(dig(row, "costSum")) if costed else None
            end = start + _HOUR
            intervals.append(Interval(start, end, amount, _settled(end, now), cost))
    return told


def parse_sessions(answer: Json, quantity: Quantity, now: datetime, *, costed: bool) -> Told:
    """Read charging sessions; the rest of the hours in which they lie has an amount of 0.

    Raises:
        UnexpectedResponse: the answer is no list.

    """
    told = Told()
    sessions: list[Interval] = []
    for row in _rows(answer):
        start, end = _past(dig(row, "from"), now), _past(dig(row, "to"), now)
        amount = number(dig(row, "kwhSum"))
        if start is None or end is None or end <= start:
            told.dropped += 1
        elif amount is None or amount < 0:
            told.dropped += 1
            told.unknown.append((start, end))
        else:
            cost = number(dig(row, "costSum")) if costed else None
            final = _settled(_hour_beyond(end), now)
            sessions.append(Interval(start, end, amount, final, cost))
    told.intervals[quantity] = [*sessions, *_pauses(sessions)]
    return told


def _pauses(sessions: Iterable[Interval]) -> Iterator[Interval]:
    """Return what is left of the hours in which sessions lie: a device has one at a time."""
    busy_until: Interval | None = None
    ordered = sorted(sessions, key=lambda session: session.start)
    for session in ordered:
        begin = _hour_of(session.start)
        if busy_until is not None and busy_until.end >= begin:
            begin = busy_until.end
        elif busy_until is not None:
            yield from _pause(busy_until.end, _hour_beyond(busy_until.end), busy_until.final)
        yield from _pause(begin, session.start, session.final)
        if busy_until is None or session.end > busy_until.end:
            busy_until = session
    if busy_until is not None:
        yield from _pause(busy_until.end, _hour_beyond(busy_until.end), busy_until.final)


def _pause(start: datetime, end: datetime, final: bool) -> Iterator[Interval]:
    if start < end:
        yield Interval(start, end, 0.0, final)


def parse_inverter_statistics(answer: Json, now: datetime, zone: tzinfo, *, final: bool) -> Told:
    """Read an inverter's production: quarter hours of a day, or days of a month, as asked.

    `final` is False for an answer of status 202. `zone` tells how long a day is.

    Raises:
        UnexpectedResponse: the answer has no resolutions.

    """
    resolutions = dig(answer, "resolutions")
    if not isinstance(resolutions, Mapping):
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
    told = Told(retry=None if final else instant(dig(answer, "retryAfter")))
    for name, length in (("QUARTER_HOUR", _QUARTER), ("DAY", _DAY)):
        series = mapping(resolutions.get(name))
        # It is always kWh (vendor); another unit would be another version.
        factor = 1.0 if text(series.get("unit")) == "kWh" else None
        scale = _Scale(length, factor, zone)
        intervals = told.intervals.setdefault(Quantity.ENERGY_PRODUCTION, [])
        for row in rows(series.get("data")):
            known = _known(dig(row, "date"), dig(row, "value"), scale, now, told)
            if known is not None:
                intervals.append(Interval(*known, final))
    return told


def parse_site_statistics(answer: Json, now: datetime, zone: tzinfo) -> Told:
    """Read a HEM system's series: buckets of a day, or days of a month, as asked.

    A bucket in kW holds average power, one in kWh energy (vendor).

    Raises:
        UnexpectedResponse: the answer has no series.

    """
    listed = dig(answer, "timeseries")
    if not isinstance(listed, Mapping):
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
    told = Told()
    for name, quantity in FLOWS.items():
        series = listed.get(name)
        if dig(series, "isAvailable") is not True:
            continue
        length = _BUCKETS.get(text(dig(series, "sampling", "resolution")) or "")
        if length is None:
            told.dropped += len(rows(dig(series, "data")))
            continue
        hours = {"kWh": 1.0, "kW": length / _HOUR if length < _DAY else None}
        factor = hours.get(text(dig(series, "unit")) or "")
        scale = _Scale(length, factor, zone)
        intervals = told.intervals[quantity] = []
        for row in rows(dig(series, "data")):
            known = _known(dig(row, "t"), dig(row, "v"), scale, now, told)
            if known is not None:
                intervals.append(Interval(*known, _settled(known[1], now)))
    return told


def zone_name(answer: Json) -> str | None:
    """Return the time zone that statistics name (IANA)."""
    places = [answer, *mapping(dig(answer, "timeseries")).values()]
    return next(filter(None, (text(dig(place, "timezone")) for place in places)), None)


def on_day(intervals: Iterable[Interval], day: date, zone: tzinfo) -> list[Interval]:
    """Return the intervals that begin on a local day."""
    return [each for each in intervals if each.start.astimezone(zone).date() == day]


@dataclass(frozen=True, slots=True)
class _Scale:
    """How long a series' buckets are and by what they become kWh; None: nobody knows."""

    length: timedelta
    factor: float | None
    zone: tzinfo

    def end(self, start: datetime) -> datetime:
        """Return the end of a bucket; a day is as long as it is in the zone."""
        if self.length < _DAY:
            return start + self.length
        return (start.astimezone(self.zone) + self.length).astimezone(UTC)


def _known(
    begins: Json, measured: Json, scale: _Scale, now: datetime, told: Told
) -> tuple[datetime, datetime, float] | None:
    """Return start, end and kWh of a bucket; None of one that is malformed, unknown or to come."""
    start, amount = instant(begins), number(measured)
    if start is not None and (measured is None or start >= now):
        return None
    if start is None or start < _EARLIEST or amount is None or amount < 0 or scale.factor is None:
        told.dropped += 1
        return None
    end = scale.end(start)
    # What today has so far, spread over all of it, would be wrong for each of its hours.
    return None if scale.length >= _DAY and end > now else (start, end, amount * scale.factor)


def _rows(answer: Json) -> list[Json]:
    """Return the rows of an answer that is a bare list.

    Raises:
        UnexpectedResponse: it is none.

    """
    if not isinstance(answer, list):
        raise UnexpectedResponse(Reason.UNEXPECTED_SHAPE)
    return rows(answer)


def _past(value: Json, now: datetime) -> datetime | None:
    """Return a time at which something may have happened."""
    at = instant(value)
    return at if at is not None and _EARLIEST <= at <= now else None


def _settled(end: datetime, now: datetime) -> bool:
    """Tell whether it is so long since the end that nothing more is to be expected."""
    return end <= now - _SETTLED


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _hour_beyond(at: datetime) -> datetime:
    """Return when the hour ends in which something ended."""
    begin = _hour_of(at)
    return begin if begin == at else begin + _HOUR
