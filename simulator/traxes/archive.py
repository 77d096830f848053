"""What Traxes remembers: readings and aggregations of years, and what befalls them."""

from collections.abc import Mapping
import datetime as dt

from simulator.clock import Clock
from simulator.enectiva.past import Past
from simulator.payload import JsonObject, JsonValue
from simulator.traxes.fleet import Metrics, Unit, stamp

_COUNTERS = frozenset(
    {
        "positiveActiveEnergy",
        "negativeActiveEnergy",
        "positiveActiveEnergyPhases",
        "negativeActiveEnergyPhases",
        "positiveGasVolume",
    }
)
_WHOLES = ("total", "value")
_KILO = {"MWh": 0.001}
AGGREGATED = frozenset({"Meter", "Inverter", "SolarPlant", "HeatPump", "Battery"})
"""Only some types of entities have aggregations (vendor); which ones is not documented."""


class Archive:
    """The past of all entities. `past` befalls every counter alike; its amounts are in kWh or m³.

    Entities in `without_counters` only ever told their power.
    """

    def __init__(self, clock: Clock) -> None:
        """Remember everything as it was."""
        self._clock = clock
        self.past = Past()
        self.without_counters: frozenset[str] = frozenset()

    def times(self, unit: Unit, start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
        """Return when an entity measured, from `start` to before `end`, as it is known now."""
        now = self._clock.now()
        missing = self.past.missing(now)
        times = [
            at
            for at in unit.measurings(start, min(end, now))
            if not any(first <= at < last for first, last in missing)
        ]
        return sorted([*times, *times], reverse=True) if self.past.twice else times

    def amended(self, unit: Unit, at: dt.datetime, metrics: Metrics) -> Metrics:
        """Return what an entity measured as it is told now."""
        if unit.id in self.without_counters:
            return {name: value for name, value in metrics.items() if name not in _COUNTERS}
        if self.past == Past():
            return metrics
        amended = dict(metrics)
        swap = self.past.swap_before(at)
        before = unit.measure(swap.at) if swap is not None else {}
        for name in _COUNTERS & metrics.keys():
            counter = _numbers(metrics[name])
            factor = _KILO.get(_unit(metrics[name]), 1.0)
            if swap is not None:
                counter = {
                    part: value - shown
                    for part, value in counter.items()
                    for shown in [_numbers(before[name])[part]]
                }
            for part in _WHOLES:
                if part in counter:
                    shows = swap.shows if swap is not None else 0.0
                    wrong = self.past.too_much(at, self._clock.now())
                    counter[part] += (shows + wrong) * factor
            rounded = {part: round(value, 6) for part, value in counter.items()}
            amended[name] = {**rounded, "unit": _unit(metrics[name])}
        return amended

    def buckets(
        self, unit: Unit, start: dt.datetime, end: dt.datetime, step: dt.timedelta
    ) -> list[tuple[dt.datetime, list[dt.datetime]]]:
        """Return the times of measurement by bucket, oldest first; empty ones are left out."""
        found: dict[dt.datetime, list[dt.datetime]] = {}
        for at in sorted(set(self.times(unit, start, end))):
            first = start + (at - start) // step * step
            found.setdefault(first, []).append(at)
        return list(found.items())

    def aggregation(
        self, unit: Unit, start: dt.datetime, step: dt.timedelta, times: list[dt.datetime]
    ) -> JsonObject:
        """Return the averages of one bucket."""
        measured = [self.amended(unit, at, unit.measure(at)) for at in times]
        data: dict[str, JsonValue] = {}
        for name, shown in measured[0].items():
            each = [_numbers(metrics[name]) for metrics in measured]
            if not each[0]:
                continue
            average = {
                part: round(sum(one[part] for one in each) / len(each), 6) for part in each[0]
            }
            data[name] = {**average, "unit": _unit(shown)}
        return {
            "entityId": unit.id,
            "start": stamp(start),
            "end": stamp(start + step),
            "data": data,
        }


def _numbers(metric: JsonValue) -> dict[str, float]:
    if not isinstance(metric, Mapping):
        return {}
    return {
        part: float(value)
        for part, value in metric.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _unit(metric: JsonValue) -> str:
    return str(metric.get("unit")) if isinstance(metric, Mapping) else ""
