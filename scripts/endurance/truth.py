"""What the simulated world really did, against what Home Assistant shows and keeps.

The truth is the generated house itself, pure functions of time, and neither the providers' JSON
nor the integration's parsers. A value that is shown has to be one that was true within the time
that a reading of this provider takes: the vendor's own cadence, its delay, and the polls.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
import datetime as dt
from functools import partial
from typing import Any, Final

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from custom_components.energy_connect.const import DOMAIN
from simulator import Simulator
from simulator.cars import Car
from simulator.enectiva.portfolio import Energy, Meter
from simulator.enode.frames import asset_id
from simulator.ev_energy.episodes import identifier
from simulator.house import Flow

from .accounts import Entry

LAG: Final = {
    "enectiva": 8100.0,
    "kostal": 21.0,
    "enode": 780.0,
    "traxes": 1500.0,
    "ev_energy": 900.0,
}
"""Seconds by which what is shown may be behind the house.

Enectiva: readings of each quarter of an hour that are visible an hour later, asked for every half
hour, two at a time. KOSTAL: a poll every 10 s. Enode reads a car that does nothing every seven minutes,
and is asked every five minutes. Traxes: cars report every 10 minutes, and are asked in turn.
ev.energy: samples every five minutes, which are asked for every five minutes.
"""

HOUR: Final = dt.timedelta(hours=1)
_SETTLED: Final = dt.timedelta(hours=30)
"""Hours before which all that was late or wrong is known, and asked for again once a day."""
_AS_EVER: Final = dt.timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A number that only grows: its entity's place, what it really was, and its last digit."""

    unique: str
    real: Callable[[dt.datetime], float]
    digit: float


def counters(simulator: Simulator, provider: str) -> Iterator[Counter]:
    """Return one counter per device of a provider."""
    house = simulator.house
    match provider:
        case "enectiva":
            for meter in simulator.enectiva.portfolio.meters:
                yield Counter(
                    unique=_consumption(meter),
                    real=partial(meter.counter, house),
                    digit=0.11,  # as much as a wrong reading shows too much
                )
        case "kostal":
            yield Counter(
                unique="meter_energy_import",
                real=lambda at: house.energy(Flow.GRID_IMPORT, at),
                digit=0.001,
            )
        case _:
            name, number_of = _cars(simulator, provider)
            for number in range(number_of):
                car = house.car_park.car(number)
                yield Counter(
                    unique=f"{name(number)}_odometer",
                    real=partial(_odometer, car),
                    digit=1.0,
                )


def _odometer(car: Car, at: dt.datetime) -> float:
    return car.state(at).odometer


def _consumption(meter: Meter) -> str:
    """Return the place of what a meter counts."""
    energy = "energy" if meter.energy is Energy.ELECTRICITY else meter.energy.value
    return f"meter_{meter.id}_{energy}_consumption"


def _cars(simulator: Simulator, provider: str) -> tuple[Callable[[int], str], int]:
    match provider:
        case "enode":
            return (lambda number: asset_id(f"vehicle {number}")), simulator.enode.knobs.vehicles
        case "traxes":
            fleet = simulator.traxes.fleet
            return (lambda number: fleet.id(f"car-{number}")), simulator.traxes.knobs.cars
    return (lambda number: identifier("vhcl", number)), simulator.ev_energy.knobs.vehicles


@dataclass(slots=True)
class Shown:
    """What a look at an account's states found."""

    checked: int
    behind: float
    wrong: list[str]


def look(
    hass: HomeAssistant,
    simulator: Simulator,
    provider: str,
    entry: Entry,
    away: frozenset[str] = frozenset(),
) -> Shown:
    """Compare each counter of an account with the house, save those of devices that are away."""
    registry = er.async_get(hass)
    now = simulator.clock.now()
    oldest = now - dt.timedelta(seconds=LAG[provider])
    shown = Shown(0, 0.0, [])
    for one in counters(simulator, provider):
        if any(one.unique.startswith(f"{device}_") for device in away):
            continue
        entity_id = registry.async_get_entity_id(
            "sensor", DOMAIN, f"{entry.unique_id}_{one.unique}"
        )
        state = hass.states.get(entity_id) if entity_id is not None else None
        if entity_id is None:
            shown.wrong.append(f"{provider}: no entity {one.unique}")
            continue
        if state is None or state.state in {STATE_UNAVAILABLE, STATE_UNKNOWN}:
            shown.wrong.append(f"{entity_id}: {'no state' if state is None else state.state}")
            continue
        shown.checked += 1
        value = _in_unit(state.state, state.attributes.get("unit_of_measurement"))
        if not one.real(oldest) - one.digit <= value <= one.real(now) + one.digit:
            low, high = one.real(oldest), one.real(now)
            shown.wrong.append(f"{entity_id}: {value} is not within {low:.3f} and {high:.3f}")
        elif value < one.real(now) - one.digit:
            shown.behind = max(shown.behind, _age(one, value, now))
    return shown


def _in_unit(text: str, unit: str | None) -> float:
    return float(text) * {"MWh": 1000.0}.get(unit or "", 1.0)


def _age(one: Counter, value: float, now: dt.datetime) -> float:
    """Return for how long at least the counter has shown more than that."""
    low, high = 0.0, 7 * 24 * 3600.0
    while high - low > 1:
        middle = (low + high) / 2
        real = one.real(now - dt.timedelta(seconds=middle))
        low, high = (middle, high) if real - one.digit > value else (low, middle)
    return low


async def statistics(
    hass: HomeAssistant, simulator: Simulator, entry: Entry, since: dt.datetime, *, troubled: bool
) -> tuple[int, list[str]]:
    """Compare Enectiva's imported hours with the house, and every sum with its neighbours."""
    now = simulator.clock.now()
    settled = _SETTLED if troubled else _AS_EVER
    until = (now - settled).replace(minute=0, second=0, microsecond=0)
    account = str(entry.unique_id).replace("-", "_")
    wanted = {
        f"{DOMAIN}:{account}_{_consumption(meter)}": meter
        for meter in simulator.enectiva.portfolio.meters
    }
    found = await get_instance(hass).async_add_executor_job(
        statistics_during_period, hass, since, until, set(wanted), "hour", None,
        {"state", "sum", "change"},
    )  # fmt: skip
    compared, wrong = 0, []
    for statistic, meter in wanted.items():
        at = since
        shown = {row["start"]: row for row in found.get(statistic, ())}
        while at < until:
            real = meter.counter(simulator.house, at + HOUR) - meter.counter(simulator.house, at)
            row: Any = shown.get(at.timestamp())
            if row is None:
                wrong.append(f"{statistic}: no hour {at:%d %H:%M}")
            elif abs(row["change"] - real) > 0.0021 or abs(row["change"] - row["state"]) > 1e-4:
                wrong.append(f"{statistic}: {at:%d %H:%M} {row['change']} instead of {real:.3f}")
            compared += 1
            at += HOUR
    return compared, wrong
