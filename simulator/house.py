"""The generated house: power, counters, media and temperatures as pure functions of time.

Power is constant within a quarter hour (UTC) and all sums are made of integers, so a counter is
exactly the integral of its power. The house repeats itself every 364 days (52 weeks: weekdays
stay weekdays), so a counter years from the start costs no more than one today.
"""

from array import array
from dataclasses import dataclass
import datetime as dt
from enum import StrEnum
import functools
from itertools import accumulate
import math
import random

from simulator.cars import QUARTER, START, WINTER_TIME, Car, CarPark

LATITUDE = 50.0
LONGITUDE = 15.0
"""A round place in the middle of nowhere."""

BATTERY_CAPACITY = 10.0
"""Usable energy of the home battery in kWh."""

PV_PEAK = 9_600
"""Peak power of the photovoltaic system in W."""

_DAYS = 364
_COUNT = _DAYS * 96
_BATTERY_POWER = 4_000
_BATTERY_WH = BATTERY_CAPACITY * 1000
# What is drawn to charge is not all stored.
_BATTERY_EFFICIENCY = 0.94
_MS = 900_000
_SHARES = (0.42, 0.33, 0.25)


class Flow(StrEnum):
    """What flows through the house. Never negative; unit of the rate and of its counter."""

    PV = "pv"
    """Production of the photovoltaic system: W, kWh."""
    BASE_LOAD = "base_load"
    """Lights, fridge, cooking, everything without an own name: W, kWh."""
    HEAT_PUMP = "heat_pump"
    """Electricity into the heat pump: W, kWh."""
    WALLBOX_1 = "wallbox_1"
    """Electricity into car 0, three phases: W, kWh."""
    WALLBOX_2 = "wallbox_2"
    """Electricity into car 1, phase 2: W, kWh."""
    CONSUMPTION = "consumption"
    """All loads together, without the battery: W, kWh."""
    BATTERY_CHARGE = "battery_charge"
    """Into the home battery: W, kWh."""
    BATTERY_DISCHARGE = "battery_discharge"
    """Out of the home battery: W, kWh."""
    GRID_IMPORT = "grid_import"
    """From the grid, balanced over the phases, or of one phase: W, kWh."""
    GRID_EXPORT = "grid_export"
    """Into the grid, as import."""
    REACTIVE_IMPORT = "reactive_import"
    """Inductive reactive power at the grid, total or of one phase: var, kvarh."""
    REACTIVE_EXPORT = "reactive_export"
    """Capacitive reactive power at the grid: var, kvarh."""
    APPARENT_IMPORT = "apparent_import"
    """Apparent power while importing, total or of one phase: VA, kVAh."""
    APPARENT_EXPORT = "apparent_export"
    """Apparent power while exporting: VA, kVAh."""
    HEAT = "heat"
    """Heat from the heat pump: W, kWh."""
    COLD = "cold"
    """Cold on summer afternoons: W, kWh."""
    GAS = "gas"
    """Gas: l/h, m3."""
    WATER = "water"
    """Cold water: l/h, m3."""
    WATER_HOT = "water_hot"
    """Hot water: l/h, m3."""


type Series = array[int]
"""Thousandths of the rate's unit, one value per quarter hour of a cycle."""

type _Key = tuple[Flow, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cycle:
    """One cycle: the rates, and the battery's content in Wh at the start of each quarter hour."""

    rates: dict[_Key, Series]
    battery: tuple[float, ...]


def noise(*key: int) -> float:
    """Return a number from 0 up to 1 that follows from the key (splitmix64)."""
    mixed = 0x9E3779B97F4A7C15
    for part in key:
        mixed = (mixed ^ part) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        mixed ^= mixed >> 31
    return mixed / 2**64


class House:
    """One house with photovoltaics, battery, heat pump and two wallboxes."""

    def __init__(self, seed: int = 1) -> None:
        """Build the house of `seed`; the same seed is the same house."""
        self.seed = seed
        self.car_park = CarPark(seed)

    @property
    def start(self) -> dt.datetime:
        """When all counters were 0."""
        return START

    @property
    def cars(self) -> tuple[Car, Car]:
        """The two cars of the house."""
        return self.car_park.car(0), self.car_park.car(1)

    def power(self, flow: Flow, at: dt.datetime, *, phase: int | None = None) -> float:
        """Return the rate in W (var, VA, l/h) in the quarter hour of `at`; 0 before the start."""
        return self.milli_rate(flow, at, phase=phase) / 1000

    def net_power(self, at: dt.datetime, *, phase: int | None = None) -> float:
        """Return the power at the grid in W, positive while importing."""
        imported = self.milli_rate(Flow.GRID_IMPORT, at, phase=phase)
        return (imported - self.milli_rate(Flow.GRID_EXPORT, at, phase=phase)) / 1000

    def milli_rate(self, flow: Flow, at: dt.datetime, *, phase: int | None = None) -> int:
        """Return the rate in thousandths of its unit, exact."""
        if at < START:
            return 0
        return _cycle(self.seed).rates[flow, phase][(at - START) // QUARTER % _COUNT]

    def energy(self, flow: Flow, at: dt.datetime, *, phase: int | None = None) -> float:
        """Return the counter in kWh (kvarh, kVAh; m3 for gas and water) since the start."""
        return self.milli_count(flow, at, phase=phase) / 1e6

    def milli_count(self, flow: Flow, at: dt.datetime, *, phase: int | None = None) -> int:
        """Return the counter in thousandths of Wh (varh, VAh, l): the rate's exact integral."""
        if at < START:
            return 0
        rates, sums = (
            _cycle(self.seed).rates[flow, phase],
            _sums(self.seed, flow, phase),
        )
        cycles, rest = divmod((at - START) // dt.timedelta(milliseconds=1), _COUNT * _MS)
        index, within = divmod(rest, _MS)
        total = cycles * sums[_COUNT] + sums[index] + rates[index] * within
        return total // 3_600_000

    def battery_level(self, at: dt.datetime) -> float:
        """Return the home battery's state of charge in %."""
        if at < START:
            return 0.0
        index = (at - START) // QUARTER % _COUNT
        contents = _cycle(self.seed).battery
        part = (at - START) % QUARTER / QUARTER
        content = contents[index] + (contents[index + 1] - contents[index]) * part
        return 100 * content / _BATTERY_WH

    def outdoor_temperature(self, at: dt.datetime) -> float:
        """Return the outdoor temperature in degrees Celsius."""
        return _outdoor(at)

    def indoor_temperature(self, at: dt.datetime) -> float:
        """Return the living room's temperature in degrees Celsius."""
        hour = _hour(at)
        return 20.5 + 0.8 * math.sin((hour - 11) / 24 * math.tau) + 0.04 * _outdoor(at)

    def hot_water_temperature(self, at: dt.datetime) -> float:
        """Return the hot water tank's temperature in degrees Celsius."""
        return 50 + 4 * math.sin((_hour(at) - 3) / 12 * math.tau)

    def voltage(self, phase: int, at: dt.datetime) -> float:
        """Return a phase's voltage in V: changes every 10 seconds and sags under load."""
        slot = int(at.timestamp()) // 10
        sag = self.net_power(at, phase=phase) / 2500
        return 231.5 - sag + 1.6 * (noise(self.seed, phase, slot) - 0.5)

    def frequency(self, at: dt.datetime) -> float:
        """Return the grid's frequency in Hz; changes every 10 seconds."""
        return 50 + 0.06 * (noise(self.seed, 0, int(at.timestamp()) // 10) - 0.5)


def _hour(at: dt.datetime) -> float:
    local = at.astimezone(dt.UTC) + WINTER_TIME
    return local.hour + local.minute / 60 + local.second / 3600


def _day_of_year(at: dt.datetime) -> int:
    return (at + WINTER_TIME).timetuple().tm_yday


def _outdoor(at: dt.datetime) -> float:
    season = -10.5 * math.cos((_day_of_year(at) - 20) / 365 * math.tau)
    day = int(at.timestamp()) // 86_400
    part = at.timestamp() % 86_400 / 86_400
    weather = 6 * (noise(day) * (1 - part) + noise(day + 1) * part) - 3
    return 9.5 + season + weather + 4 * math.sin((_hour(at) - 9) / 24 * math.tau)


def _sunshine(day: int, quarter: int) -> float:
    """Return the sine of the sun's height in the middle of a UTC quarter hour, at least 0."""
    declination = -math.radians(23.44) * math.cos((day + 16) / 365.25 * math.tau)
    turn = math.radians((quarter + 0.5) * 3.75 - 180 + LONGITUDE)
    latitude = math.radians(LATITUDE)
    height = math.sin(latitude) * math.sin(declination)
    return max(0.0, height + math.cos(latitude) * math.cos(declination) * math.cos(turn))


def _base_load(quarter: int, dice: random.Random) -> int:
    """Return the base load in mW by local quarter: a morning and an evening with cooking."""
    hour = (quarter + 4) % 96 / 4
    morning = 450 * math.exp(-(((hour - 7.2) / 1.1) ** 2))
    noon = 350 * math.exp(-(((hour - 12.3) / 0.9) ** 2))
    evening = 950 * math.exp(-(((hour - 19.3) / 1.9) ** 2))
    cooking = 1800 if 11 < hour < 20 and dice.random() < 0.06 else 0
    level = 190 + morning + noon + evening + cooking
    return 100 * int(10 * level * (0.8 + 0.4 * dice.random()))


def _heat_pump(outdoor: float, hour: float, dice: random.Random) -> int:
    """Return the heat pump's power in mW: heating by the weather, hot water twice a day."""
    heating = max(0.0, 15.0 - outdoor) * 95
    hot_water = 1500 if 3 <= hour < 3.75 or 13 <= hour < 14 else 0
    power = (heating * (0.85 + 0.3 * dice.random())) if heating > 120 else 0.0
    return 100 * int(10 * min(power + hot_water, 4200)) + 8_000


# Room for all flows of two houses.
@functools.lru_cache(maxsize=100)
def _sums(seed: int, flow: Flow, phase: int | None) -> Series:
    rates = _cycle(seed).rates[flow, phase]
    return array("q", accumulate((rate * _MS for rate in rates), initial=0))


@functools.lru_cache(maxsize=4)
def _cycle(seed: int) -> _Cycle:
    """Compute one cycle of the house."""
    rates = _loads(seed)
    battery = _run_battery(rates)
    _connect(rates)
    return _Cycle(rates=rates, battery=battery)


def _loads(seed: int) -> dict[_Key, Series]:
    """Return production, loads and media: everything that does not depend on the battery."""
    dice = random.Random(f"house:{seed}")
    pv, base, pump = array("q"), array("q"), array("q")
    heat, cold, gas = array("q"), array("q"), array("q")
    water, hot = array("q"), array("q")
    for day in range(_DAYS):
        clear = 0.15 + 0.85 * dice.random() ** 0.6
        for quarter in range(96):
            at = START + (day * 96 + quarter) * QUARTER
            hour, outdoor = (quarter + 4) % 96 / 4, _outdoor(at)
            sun = _sunshine(day, quarter) ** 1.15 * clear * (0.85 + 0.15 * dice.random())
            pv.append(100 * int(10 * PV_PEAK * 0.92 * sun))
            base.append(_base_load(quarter, dice))
            pump.append(_heat_pump(outdoor, hour, dice))
            heat.append(int((pump[-1] - 8_000) * max(2.2, 3.4 + outdoor * 0.06)))
            cold.append(int(max(0.0, outdoor - 23) * 650_000) if 12 < hour < 20 else 0)
            awake = 6 <= hour < 23
            gas.append(1000 * dice.randrange(80, 400) if awake and dice.random() < 0.12 else 0)
            water.append(1000 * dice.randrange(4, 90) if awake and dice.random() < 0.4 else 0)
            hot.append(1000 * dice.randrange(4, 60) if awake and dice.random() < 0.2 else 0)
    cars = CarPark(seed).cars(2)
    boxes = [array("q", (power * 1000 for power in car.quarters(_COUNT))) for car in cars]
    used = array("q", map(sum, zip(base, pump, *boxes, strict=True)))
    return {
        (Flow.PV, None): pv,
        (Flow.BASE_LOAD, None): base,
        (Flow.HEAT_PUMP, None): pump,
        (Flow.WALLBOX_1, None): boxes[0],
        (Flow.WALLBOX_2, None): boxes[1],
        (Flow.CONSUMPTION, None): used,
        (Flow.HEAT, None): heat,
        (Flow.COLD, None): cold,
        (Flow.GAS, None): gas,
        (Flow.WATER, None): water,
        (Flow.WATER_HOT, None): hot,
    }


def _run_battery(rates: dict[_Key, Series]) -> tuple[float, ...]:
    """Run the battery on the surplus, add its flows, and return its content in Wh."""
    charge, discharge, contents = array("q"), array("q"), [0.0]
    content = 0.0
    produced, used = rates[Flow.PV, None], rates[Flow.CONSUMPTION, None]
    boxes = zip(rates[Flow.WALLBOX_1, None], rates[Flow.WALLBOX_2, None], strict=True)
    # Empty again at the end of the cycle, so that cycles can follow each other.
    last_charge = _COUNT - 3 * 96
    for index, (pv, load, box) in enumerate(zip(produced, used, boxes, strict=True)):
        surplus = (pv - load) / 1000
        need = -surplus - sum(box) / 1000  # cars are not charged from the battery
        taken = given = 0
        if surplus > 0 and index < last_charge:
            room = (_BATTERY_WH - content) * 4 / _BATTERY_EFFICIENCY
            taken = 100 * int(10 * min(surplus, _BATTERY_POWER, room))
            content += taken / 4000 * _BATTERY_EFFICIENCY
        elif need > 0:
            given = 100 * int(10 * min(need, _BATTERY_POWER, content * 4))
            content -= given / 4000
        charge.append(taken)
        discharge.append(given)
        contents.append(content)
    rates[Flow.BATTERY_CHARGE, None] = charge
    rates[Flow.BATTERY_DISCHARGE, None] = discharge
    return tuple(contents)


def _connect(rates: dict[_Key, Series]) -> None:
    """Add what the meter at the grid sees, in total and per phase."""
    symmetric = (
        rates[Flow.HEAT_PUMP, None],
        rates[Flow.WALLBOX_1, None],
        rates[Flow.BATTERY_CHARGE, None],
        rates[Flow.BATTERY_DISCHARGE, None],
        rates[Flow.PV, None],
    )
    active: list[Series] = [array("q"), array("q"), array("q")]
    reactive: list[Series] = [array("q"), array("q"), array("q")]
    single = zip(rates[Flow.BASE_LOAD, None], rates[Flow.WALLBOX_2, None], strict=True)
    for (base, box_2), (pump, box_1, charge, discharge, pv) in zip(
        single, zip(*symmetric, strict=True), strict=True
    ):
        even = (pump + box_1 + charge - discharge - pv) // 300 * 100
        first = int(base * _SHARES[0]) // 100 * 100 + even
        second = int(base * _SHARES[1]) // 100 * 100 + even + box_2
        active[0].append(first)
        active[1].append(second)
        active[2].append(base + pump + box_1 + box_2 + charge - discharge - pv - first - second)
        lag, lead = pump // 1500 * 100, (pv + base // 3) // 6000 * 100
        for phase, share in enumerate(_SHARES):
            reactive[phase].append(int(lag * share - lead * (1 - share) / 2) // 100 * 100)
    total_active = array("q", map(sum, zip(*active, strict=True)))
    total_reactive = array("q", map(sum, zip(*reactive, strict=True)))
    for part, net, swing in zip(
        (None, 1, 2, 3),
        (total_active, *active),
        (total_reactive, *reactive),
        strict=True,
    ):
        _split(rates, part, net, swing)


def _split(rates: dict[_Key, Series], phase: int | None, net: Series, swing: Series) -> None:
    """Split net active and reactive power into the two directions, and add apparent power."""
    apparent = [100 * round(math.hypot(p, q) / 100) for p, q in zip(net, swing, strict=True)]
    rates[Flow.GRID_IMPORT, phase] = array("q", (max(p, 0) for p in net))
    rates[Flow.GRID_EXPORT, phase] = array("q", (max(-p, 0) for p in net))
    rates[Flow.REACTIVE_IMPORT, phase] = array("q", (max(q, 0) for q in swing))
    rates[Flow.REACTIVE_EXPORT, phase] = array("q", (max(-q, 0) for q in swing))
    both = list(zip(apparent, net, strict=True))
    rates[Flow.APPARENT_IMPORT, phase] = array("q", (s if p >= 0 else 0 for s, p in both))
    rates[Flow.APPARENT_EXPORT, phase] = array("q", (s if p < 0 else 0 for s, p in both))
