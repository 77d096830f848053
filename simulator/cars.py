"""The car park: cars that drive by day and charge by night, as pure functions of time."""

from dataclasses import dataclass
import datetime as dt
import functools
from itertools import accumulate
import random

START = dt.datetime(2020, 1, 6, tzinfo=dt.UTC)
"""When everything began: a Monday. All counters are 0 here."""

WINTER_TIME = dt.timedelta(hours=1)
"""Habits follow local time; the house never learned of summer time."""

QUARTER = dt.timedelta(minutes=15)
_DAY = dt.timedelta(days=1)
# A car repeats itself every four weeks, so that its counters need no long sums.
_ROUND = 28
_KWH_PER_KM = 0.18


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeSession:
    """One charge: power is constant from start to end. `energy` in kWh, `power` in W."""

    start: dt.datetime
    end: dt.datetime
    power: int
    energy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CarState:
    """What a car would report. `level` in %, `power` in W, `odometer` and `distance` in km."""

    level: float
    plugged_in: bool
    charging: bool
    at_home: bool
    power: int
    odometer: float
    range: float
    charged: float
    charge_end: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """A day's habits, in quarter hours since local midnight; `quarters` of charging after it."""

    leave: int
    arrive: int
    charge: int
    quarters: int


class Car:
    """One car. Its numbers follow from the seed and its place in the car park."""

    def __init__(self, seed: int, number: int) -> None:
        """Take place `number` (from 0) of the car park of `seed`."""
        dice = random.Random(f"car:{seed}:{number}")
        self.number = number
        self.capacity = dice.choice((40.0, 52.0, 58.0, 77.0, 82.0))
        self.limit = dice.choice((80, 90, 100))
        # The first cars of the house hang on its two wallboxes: 11 kW and 3.7 kW.
        self.charge_power = (11_000, 3_680)[number] if number < 2 else dice.choice((7_360, 11_000))
        self._first_odometer = dice.randrange(500, 60_000)
        self._days = tuple(self._habits(dice, day) for day in range(_ROUND))
        per_day = [day.quarters for day in self._days]
        self._quarters_before = tuple(accumulate(per_day, initial=0))

    def _habits(self, dice: random.Random, day: int) -> _Day:
        weekend = day % 7 >= 5
        leave = dice.randrange(36, 44) if weekend else dice.randrange(27, 36)
        arrive = leave + (dice.randrange(8, 24) if weekend else dice.randrange(32, 40))
        usable = self.capacity * 0.6
        most = min(22, int(usable * 4000 / self.charge_power))
        stays = weekend and dice.random() < 0.3
        quarters = 0 if stays else dice.randrange(2, most + 1)
        charge = dice.randrange(88, 98)
        if day == _ROUND - 1:  # ends within its own round, so that rounds can be added up
            charge, quarters = 88, min(quarters, 12)
        return _Day(leave=leave, arrive=arrive, charge=charge, quarters=quarters)

    def _energy(self, quarters: float) -> float:
        return quarters * self.charge_power / 4000

    def _day(self, day: int) -> _Day:
        return self._days[day % _ROUND]

    def _midnight(self, day: int) -> dt.datetime:
        return START - WINTER_TIME + day * _DAY

    def _quarters_until(self, day: int) -> int:
        """Return the charged quarter hours of all days before `day`."""
        rounds, rest = divmod(day, _ROUND)
        return rounds * self._quarters_before[_ROUND] + self._quarters_before[rest]

    def session(self, day: int) -> ChargeSession | None:
        """Return the charge after day `day` (counted from `START`), if there was one."""
        habits = self._day(day)
        if day < 0 or not habits.quarters:
            return None
        start = self._midnight(day) + habits.charge * QUARTER
        return ChargeSession(
            start=start,
            end=start + habits.quarters * QUARTER,
            power=self.charge_power,
            energy=self._energy(habits.quarters),
        )

    def sessions(self, start: dt.datetime, end: dt.datetime) -> list[ChargeSession]:
        """Return the charges that overlap `start` to `end`, oldest first."""
        first = max((start - self._midnight(0)) // _DAY - 1, 0)
        last = (end - self._midnight(0)) // _DAY
        found = (self.session(day) for day in range(first, last + 1))
        return [one for one in found if one and one.end > start and one.start < end]

    def state(self, at: dt.datetime) -> CarState:
        """Return what the car would report at `at`."""
        at = max(at, START)
        day = (at - self._midnight(0)) // _DAY
        today = self._day(day)
        quarter = (at - self._midnight(day)) / QUARTER
        driven, charged = self._progress(day, quarter)
        # Yesterday's charge reaches into this morning.
        missing = driven - charged
        level = self.limit - 100 * self._energy(missing) / self.capacity
        session = next(iter(self.sessions(at, at + dt.timedelta.resolution)), None)
        away = today.quarters > 0 and today.leave <= quarter < today.arrive
        return CarState(
            level=level,
            plugged_in=not away,
            charging=session is not None,
            at_home=not away,
            power=self.charge_power if session else 0,
            odometer=self._first_odometer + self._energy(driven) / _KWH_PER_KM,
            range=level / 100 * self.capacity / _KWH_PER_KM,
            charged=self._energy(charged),
            charge_end=session.end if session else None,
        )

    def _progress(self, day: int, quarter: float) -> tuple[float, float]:
        """Return driven and charged quarter hours since `START`."""
        today, yesterday = self._day(day), self._day(day - 1)
        way = (quarter - today.leave) / (today.arrive - today.leave)
        driven = self._quarters_until(day) + today.quarters * min(max(way, 0.0), 1.0)
        before = self._quarters_until(max(day - 1, 0))
        late = quarter + 96 - yesterday.charge
        charged = float(before)
        if day > 0:
            charged += min(max(late, 0.0), yesterday.quarters)
        charged += min(max(quarter - today.charge, 0.0), today.quarters)
        return driven, charged

    def power(self, at: dt.datetime) -> int:
        """Return the charging power in W."""
        return self.state(at).power

    def quarters(self, count: int) -> list[int]:
        """Return the charging power in W of the first `count` quarter hours since `START`."""
        power = [0] * count
        # START is 01:00 local: the quarter-hour 0 is local quarter 4.
        for day in range(count // 96 + 1):
            habits = self._day(day)
            first = day * 96 + habits.charge - 4
            for index in range(first, min(first + habits.quarters, count)):
                power[index] = self.charge_power
        return power


class CarPark:
    """As many cars as somebody asks for."""

    def __init__(self, seed: int) -> None:
        """Open the car park of `seed`."""
        self.seed = seed

    def car(self, number: int) -> Car:
        """Return the car at place `number`, from 0; 0 and 1 belong to the house."""
        return _car(self.seed, number)

    def cars(self, count: int) -> list[Car]:
        """Return the first `count` cars."""
        return [self.car(number) for number in range(count)]


@functools.lru_cache(maxsize=4096)
def _car(seed: int, number: int) -> Car:
    return Car(seed, number)
