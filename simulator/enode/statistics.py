"""What Enode remembers of the house: charging, inverter and HEM statistics.

Source: Enode's OpenAPI document of version 2024-10-01 (vendor), save where it says otherwise.
"""

from collections.abc import Iterator
import datetime as dt
import re

from simulator.cars import Car, ChargeSession
from simulator.enode.assets import LISTS, Assets
from simulator.enode.frames import LINKED, PLACE, ZONE, written
from simulator.enode.knobs import OWNER, EnodeKnobs
from simulator.enode.problems import Refused
from simulator.house import Flow, House
from simulator.payload import JsonObject, JsonValue

INSTALLED = dt.date(2023, 6, 1)
"""Local day since which inverter and HEM system are there."""

SHOWS_AFTER = dt.timedelta(minutes=15)
"""A session shows so long after its end."""

_QUARTERS_SINCE = LINKED - dt.timedelta(days=30)
_DAYS_SINCE = LINKED - dt.timedelta(days=92)
# For how long an inverter's day is still provisional, and when to ask again (assumed).
_SETTLES = dt.timedelta(hours=2)
_RETRY = dt.timedelta(minutes=15)
_QUARTER = dt.timedelta(minutes=15)
_HOUR = dt.timedelta(hours=1)
_DAY = dt.timedelta(days=1)

RESOLUTIONS = {
    "QUARTER_HOUR": _QUARTER,
    "HALF_HOUR": dt.timedelta(minutes=30),
    "HOUR": _HOUR,
    "DAY": _DAY,
}
"""Those of charging statistics that are simulated; longer ones are cut by the calendar."""

_FLOWS = {
    "generation": Flow.PV,
    "consumption": Flow.CONSUMPTION,
    "charge": Flow.BATTERY_CHARGE,
    "discharge": Flow.BATTERY_DISCHARGE,
    "import": Flow.GRID_IMPORT,
    "export": Flow.GRID_EXPORT,
}


def price(at: dt.datetime) -> float:
    """Return the price of a kWh in the currency of the client's own tariff."""
    return 0.3 if 6 <= at.astimezone(dt.UTC).hour < 22 else 0.2


class Statistics:
    """The statistics at one moment."""

    def __init__(self, house: House, knobs: EnodeKnobs, now: dt.datetime, assets: Assets) -> None:
        """Look back at `now`, at what the assets that are there then did."""
        self._house = house
        self._knobs = knobs
        self._now = now
        self._assets = assets

    # Charging

    def hours(
        self,
        user: str,
        kind: str,
        device: str | None,
        span: tuple[dt.datetime, dt.datetime],
        step: dt.timedelta,
    ) -> list[JsonValue]:
        """Return rows of buckets (UTC) that begin from the start of a span to its end."""
        start, end = span
        totals: dict[dt.datetime, float] = {}
        for one in self._drawn(user, kind, device, start - step, end + step):
            at = _floor(one.start, step)
            while at < one.end:
                totals[at] = totals.get(at, 0.0) + _part(one, at, at + step)
                at += step
        if self._knobs.empty_hours:
            at = _floor(max(start, LINKED), step)
            while at <= min(end, self._now):
                totals.setdefault(at, 0.0)
                at += step
        return self._arranged(
            [
                {"date": written(at), **_drawing(round(totals[at], 6), at, step)}
                for at in sorted(totals)
                if start <= at <= end
            ]
        )

    def sessions(
        self, user: str, kind: str, device: str | None, span: tuple[dt.datetime, dt.datetime]
    ) -> list[JsonValue]:
        """Return rows of the sessions that intersect a span."""
        start, end = span
        return self._arranged(
            [
                {
                    "id": found,
                    "locationId": None if kind == "hvac" else PLACE,
                    "from": written(one.start),
                    "to": written(one.end),
                    **_drawing(round(one.energy, 6), one.start, one.end - one.start),
                }
                for found in self._found(user, kind, device)
                for one in self._drawn(user, kind, found, start, end)
                if one.end > start and one.start < end
            ]
        )

    def _found(self, user: str, kind: str, device: str | None) -> list[str]:
        """Return the ids of a user's devices of a kind, or of the one that is asked for."""
        entries = reversed(self._assets.lists()[LISTS[kind]])
        ids = [entry.id for entry in entries if entry.user == user]
        if device is not None and device not in ids:
            raise Refused(404, "Asset not found")
        return ids if device is None else [device]

    def _drawn(
        self, user: str, kind: str, device: str | None, start: dt.datetime, end: dt.datetime
    ) -> list[ChargeSession]:
        """Return what showed by now of what the devices drew."""
        found = self._found(user, kind, device)
        if kind == "hvac":
            # The neighbour's does not tell its power.
            found = found if user == OWNER else []
            return [each for _ in found for each in self._heating(max(start, LINKED), end)]
        cars = [self._house.car_park.car(self._assets.number(kind, one)) for one in found]
        return [each for car in cars for each in self._charges(car, start, end)]

    def _charges(self, car: Car, start: dt.datetime, end: dt.datetime) -> list[ChargeSession]:
        return [
            self._as_known(one)
            for one in car.sessions(max(start, LINKED), end)
            if one.end + SHOWS_AFTER <= self._now
            and one.start >= LINKED
            and _local_day(one.start) not in self._knobs.late
        ]

    def _heating(self, start: dt.datetime, end: dt.datetime) -> Iterator[ChargeSession]:
        """Yield the heat pump's quarter hours as if each were a session."""
        at = _floor(start, _QUARTER)
        while at < min(end, self._now - _QUARTER - SHOWS_AFTER):
            energy = self._energy(Flow.HEAT_PUMP, at, at + _QUARTER)
            if _local_day(at) not in self._knobs.late:
                power = round(energy * 4000)
                yield self._as_known(
                    ChargeSession(start=at, end=at + _QUARTER, power=power, energy=energy)
                )
            at += _QUARTER

    def _as_known(self, one: ChargeSession) -> ChargeSession:
        energy = one.energy * self._correction(one.start)
        return ChargeSession(start=one.start, end=one.end, power=one.power, energy=energy)

    # Inverters and HEM systems

    def inverter(self, year: int, month: int, day: int | None) -> tuple[int, JsonObject]:
        """Return status and answer for a local day or month of the inverter."""
        first, beyond = _period(year, month, day)
        if beyond <= INSTALLED:
            raise Refused(
                400, "No data available for dates before the installation date of the inverter"
            )
        name, step, since = (
            ("DAY", _DAY, _DAYS_SINCE)
            if day is None
            else ("QUARTER_HOUR", _QUARTER, _QUARTERS_SINCE)
        )
        data: list[JsonValue] = []
        for start, end in _buckets(first, beyond, step):
            known = start >= since and self._tells(start, end, step)
            value = round(self._known_energy(Flow.PV, start, end), 6) if known else None
            data.append({"date": start.isoformat(), "value": value})
        days = _days(first, beyond)
        late = any(one.isoformat() in self._knobs.late for one in days)
        final = not late and _midnight(beyond) + _SETTLES <= self._now
        answer: dict[str, JsonValue] = {
            "timezone": ZONE.key,
            "resolutions": {name: {"unit": "kWh", "data": self._arranged(data)}},
        }
        if not final:
            answer["retryAfter"] = written(_floor(self._now, _RETRY) + _RETRY)
        return 200 if final else 202, answer

    def site(self, interval: str) -> JsonObject:
        """Return a local day or month of the HEM system."""
        named = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", interval)
        if named is None:
            raise Refused(400, "interval is no day or month.")
        day = None if named[3] is None else int(named[3])
        first, beyond = _period(int(named[1]), int(named[2]), day)
        if beyond <= INSTALLED:
            installed = written(_midnight(INSTALLED))
            raise Refused(
                400,
                f"Request Interval {interval} is before the installation of the HEM system "
                f"{installed}",
            )
        if _midnight(first) > self._now:
            raise Refused(400, f"Request Interval {interval} is in the future")
        daily = day is None
        series = {
            name: self._series(flow, first, beyond, daily=daily) for name, flow in _FLOWS.items()
        }
        level: JsonValue = {"isAvailable": False, "reason": "Data not available"}
        return {"timeseries": {**series, "batteryLevel": level}}

    def _series(self, flow: Flow, first: dt.date, beyond: dt.date, *, daily: bool) -> JsonValue:
        """Return energy of days, or average power of quarter hours."""
        step = _DAY if daily else _QUARTER
        if not daily and not self._knobs.quarter_hours:
            return {"isAvailable": False, "reason": "Data not available for the requested interval"}
        data: list[JsonValue] = []
        for start, end in _buckets(first, beyond, step):
            value: JsonValue = None
            if self._tells(start, end, step):
                energy = self._known_energy(flow, start, end)
                value = round(energy if daily else energy * 4, 6)
            data.append({"t": start.isoformat(), "v": value})
        return {
            "isAvailable": True,
            "unit": "kWh" if daily else "kW",
            "unitType": "Energy" if daily else "Power",
            "sampling": {"mode": "bucketed", "resolution": "P1D" if daily else "PT15M"},
            "timezone": ZONE.key,
            "data": self._arranged(data),
        }

    def _tells(self, start: dt.datetime, end: dt.datetime, step: dt.timedelta) -> bool:
        """Tell whether a bucket's value is known by now; a running one is, so far."""
        day = _local_day(start)
        if start >= self._now or day in self._knobs.late:
            return False
        if step is _DAY:
            return True
        morning = start.astimezone(ZONE).hour < 6
        return self._knobs.quarter_hours and not (day in self._knobs.gaps and morning)

    def _known_energy(self, flow: Flow, start: dt.datetime, end: dt.datetime) -> float:
        return self._energy(flow, start, min(end, self._now)) * self._correction(start)

    def _energy(self, flow: Flow, start: dt.datetime, end: dt.datetime) -> float:
        return self._house.energy(flow, end) - self._house.energy(flow, start)

    def _correction(self, at: dt.datetime) -> float:
        return 1.1 if _local_day(at) in self._knobs.corrected else 1.0

    def _arranged(self, rows: list[JsonValue]) -> list[JsonValue]:
        return [row for row in reversed(rows) for _ in range(2)] if self._knobs.repeats else rows


def _part(one: ChargeSession, start: dt.datetime, end: dt.datetime) -> float:
    """Return the energy of a session in a bucket."""
    common = min(one.end, end) - max(one.start, start)
    return one.energy * max(dt.timedelta(), common) / (one.end - one.start)


def _drawing(energy: float, at: dt.datetime, length: dt.timedelta) -> dict[str, JsonValue]:
    """Return the fields that buckets and sessions share."""
    power = round(energy / (length / _HOUR), 3)
    each = price(at)
    return {
        "kw": {"min": 0, "max": power, "mean": power},
        "kwhSum": energy,
        "price": {"min": each, "max": each, "mean": each},
        "nonSmartPrice": {"min": None, "max": None, "mean": None},
        "costSum": round(energy * each, 6),
        "estimatedSavings": None,
    }


def _period(year: int, month: int, day: int | None) -> tuple[dt.date, dt.date]:
    """Return the first day of a period and the one after it."""
    try:
        first = dt.date(year, month, 1 if day is None else day)
        if day is not None:
            return first, first + _DAY
        return first, (first + 31 * _DAY).replace(day=1)
    except (ValueError, OverflowError) as error:
        raise Refused(400, "There is no such day.") from error


def _days(first: dt.date, beyond: dt.date) -> list[dt.date]:
    return [first + number * _DAY for number in range((beyond - first).days)]


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZONE)


def _buckets(
    first: dt.date, beyond: dt.date, step: dt.timedelta
) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Yield start and end of each bucket, in local time; days have 23 to 25 hours."""
    if step is _DAY:
        for day in _days(first, beyond):
            yield _midnight(day), _midnight(day + _DAY)
        return
    at, end = _midnight(first).astimezone(dt.UTC), _midnight(beyond).astimezone(dt.UTC)
    while at < end:
        yield at.astimezone(ZONE), (at + step).astimezone(ZONE)
        at += step


def _local_day(at: dt.datetime) -> str:
    return at.astimezone(ZONE).date().isoformat()


def _floor(at: dt.datetime, step: dt.timedelta) -> dt.datetime:
    seconds = step.total_seconds()
    return dt.datetime.fromtimestamp(at.timestamp() // seconds * seconds, dt.UTC)
