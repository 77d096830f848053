"""The generated house: exact counters, the same every time, and believable."""

import datetime as dt
from itertools import pairwise

import pytest

from simulator.cars import QUARTER, START, CarPark
from simulator.house import BATTERY_CAPACITY, PV_PEAK, Flow, House, noise

HOUSE = House(1)
CYCLE = 364 * 96
PHASED = (
    Flow.GRID_IMPORT,
    Flow.GRID_EXPORT,
    Flow.REACTIVE_IMPORT,
    Flow.REACTIVE_EXPORT,
    Flow.APPARENT_IMPORT,
    Flow.APPARENT_EXPORT,
)
COUNTERS = [(flow, None) for flow in Flow] + [
    (flow, phase) for flow in PHASED for phase in (1, 2, 3)
]
DAYS = (dt.datetime(2026, 1, 14, tzinfo=dt.UTC), dt.datetime(2026, 6, 20, tzinfo=dt.UTC))


def quarters(day: dt.datetime, count: int = 96) -> list[dt.datetime]:
    return [day + number * QUARTER for number in range(count)]


@pytest.mark.parametrize(("flow", "phase"), COUNTERS)
def test_a_counter_is_the_integral_of_its_power(flow: Flow, phase: int | None) -> None:
    start = START + dt.timedelta(days=363, hours=5)  # runs across the seam of two cycles
    times = quarters(start, 3 * 96)
    expected = HOUSE.milli_count(flow, times[0], phase=phase) * 4
    before = HOUSE.milli_count(flow, times[0], phase=phase)
    for earlier, later in pairwise(times):
        expected += HOUSE.milli_rate(flow, earlier, phase=phase)
        counted = HOUSE.milli_count(flow, later, phase=phase)
        assert abs(counted * 4 - expected) <= 4  # what is less than a thousandth is cut
        assert counted >= before
        before = counted


def test_a_counter_grows_evenly_within_a_quarter_hour() -> None:
    at = dt.datetime(2026, 6, 20, 11, tzinfo=dt.UTC)
    power = HOUSE.power(Flow.PV, at)
    assert power > 1000
    for seconds in (1, 60, 600, 899):
        later = at + dt.timedelta(seconds=seconds)
        gained = HOUSE.energy(Flow.PV, later) - HOUSE.energy(Flow.PV, at)
        assert gained == pytest.approx(power * seconds / 3.6e6, abs=2e-6)
        assert HOUSE.power(Flow.PV, later) == power


def test_years_are_counted() -> None:
    first, later = START + dt.timedelta(days=364), START + dt.timedelta(days=5 * 364)
    assert HOUSE.milli_count(Flow.CONSUMPTION, later) == 5 * HOUSE.milli_count(
        Flow.CONSUMPTION, first
    )
    year = HOUSE.energy(Flow.CONSUMPTION, first)
    assert 10_000 < year < 30_000
    assert 7_000 < HOUSE.energy(Flow.PV, first) < 12_000


def test_nothing_was_there_before_the_start() -> None:
    before = START - dt.timedelta(seconds=1)
    assert HOUSE.start == START
    assert HOUSE.power(Flow.CONSUMPTION, before) == 0
    assert HOUSE.energy(Flow.CONSUMPTION, before) == 0
    assert HOUSE.energy(Flow.CONSUMPTION, START) == 0
    assert HOUSE.battery_level(before) == 0


def test_the_same_seed_is_the_same_house() -> None:
    at = DAYS[1] + dt.timedelta(hours=19)
    same, other = House(1), House(2)
    assert same.power(Flow.BASE_LOAD, at) == HOUSE.power(Flow.BASE_LOAD, at)
    assert same.energy(Flow.GRID_IMPORT, at) == HOUSE.energy(Flow.GRID_IMPORT, at)
    assert same.voltage(1, at) == HOUSE.voltage(1, at)
    assert other.energy(Flow.GRID_IMPORT, at) != HOUSE.energy(Flow.GRID_IMPORT, at)


@pytest.mark.parametrize("day", DAYS)
def test_power_is_balanced(day: dt.datetime) -> None:
    for at in quarters(day):
        inside = HOUSE.milli_rate(Flow.CONSUMPTION, at) + HOUSE.milli_rate(Flow.BATTERY_CHARGE, at)
        made = HOUSE.milli_rate(Flow.PV, at) + HOUSE.milli_rate(Flow.BATTERY_DISCHARGE, at)
        assert HOUSE.net_power(at) * 1000 == pytest.approx(inside - made)
        phases = sum(HOUSE.net_power(at, phase=phase) for phase in (1, 2, 3))
        assert phases == pytest.approx(HOUSE.net_power(at))
        loads = (Flow.BASE_LOAD, Flow.HEAT_PUMP, Flow.WALLBOX_1, Flow.WALLBOX_2)
        assert sum(HOUSE.milli_rate(load, at) for load in loads) == HOUSE.milli_rate(
            Flow.CONSUMPTION, at
        )


@pytest.mark.parametrize("phase", [None, 1, 2, 3])
def test_power_goes_one_way_at_a_time(phase: int | None) -> None:
    for at in (at for day in DAYS for at in quarters(day)):
        imported = HOUSE.milli_rate(Flow.GRID_IMPORT, at, phase=phase)
        exported = HOUSE.milli_rate(Flow.GRID_EXPORT, at, phase=phase)
        assert min(imported, exported) == 0
        apparent = HOUSE.milli_rate(Flow.APPARENT_IMPORT, at, phase=phase)
        apparent += HOUSE.milli_rate(Flow.APPARENT_EXPORT, at, phase=phase)
        assert apparent >= max(imported, exported) - 100


def test_the_sun_shines_by_day_and_more_in_summer() -> None:
    winter, summer = ([HOUSE.power(Flow.PV, at) for at in quarters(day)] for day in DAYS)
    assert sum(summer) > 2 * sum(winter)
    assert max(summer) <= PV_PEAK
    for powers in (winter, summer):
        assert powers[:4] == powers[-4:] == [0.0] * 4  # midnight
        assert powers[44] > 0  # eleven o'clock UTC


def test_the_battery_stays_within_its_capacity_and_follows_its_power() -> None:
    start = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    moved = False
    for at in quarters(start, 7 * 96):
        level, after = HOUSE.battery_level(at), HOUSE.battery_level(at + QUARTER)
        assert 0 <= level <= 100
        charge = HOUSE.power(Flow.BATTERY_CHARGE, at)
        discharge = HOUSE.power(Flow.BATTERY_DISCHARGE, at)
        assert min(charge, discharge) == 0
        expected = (charge * 0.94 - discharge) / 4000 / BATTERY_CAPACITY * 100
        assert after - level == pytest.approx(expected, abs=1e-6)
        half = HOUSE.battery_level(at + QUARTER / 2)
        assert half == pytest.approx((level + after) / 2, abs=1e-6)
        moved = moved or charge > 1000
    assert moved


def test_the_battery_is_empty_where_cycles_meet() -> None:
    seam = START + CYCLE * QUARTER
    assert HOUSE.battery_level(seam - dt.timedelta(seconds=1)) == pytest.approx(0, abs=0.01)
    assert HOUSE.battery_level(seam) == pytest.approx(0, abs=0.01)


def test_weather_and_grid_are_believable() -> None:
    hours = [START + dt.timedelta(hours=number) for number in range(0, 365 * 24, 7)]
    outdoor = [HOUSE.outdoor_temperature(at) for at in hours]
    assert -20 < min(outdoor) < 0
    assert 22 < max(outdoor) < 38
    assert all(17 < HOUSE.indoor_temperature(at) < 25 for at in hours)
    assert all(45 < HOUSE.hot_water_temperature(at) < 55 for at in hours)
    assert all(215 < HOUSE.voltage(phase, at) < 245 for at in hours for phase in (1, 2, 3))
    assert all(49.9 < HOUSE.frequency(at) < 50.1 for at in hours)
    at = hours[0]
    assert HOUSE.frequency(at) != HOUSE.frequency(at + dt.timedelta(seconds=10))


def test_noise_is_even_and_repeatable() -> None:
    values = [noise(1, number) for number in range(10_000)]
    assert values == [noise(1, number) for number in range(10_000)]
    assert 0 <= min(values) < 0.01
    assert 0.99 < max(values) < 1
    assert sum(values) / len(values) == pytest.approx(0.5, abs=0.02)


def test_cars_hang_on_the_wallboxes() -> None:
    for at in quarters(dt.datetime(2026, 5, 30, tzinfo=dt.UTC), 14 * 96):
        first, second = HOUSE.cars
        assert first.power(at) == HOUSE.power(Flow.WALLBOX_1, at)
        assert second.power(at) == HOUSE.power(Flow.WALLBOX_2, at)


def test_cars_drive_by_day_and_charge_by_night() -> None:
    start = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    for car in CarPark(3).cars(25):
        before = car.state(start)
        for at in quarters(start + QUARTER, 29 * 96):
            now = car.state(at)
            assert 10 < now.level <= car.limit
            assert now.odometer >= before.odometer
            assert now.range == pytest.approx(now.level / 100 * car.capacity / 0.18)
            if now.charging:
                assert now.plugged_in
                assert now.at_home
                assert now.power == car.charge_power
                assert now.charge_end is not None
                assert now.charge_end > at
                assert at.hour >= 20 or at.hour < 6
            else:
                assert now.power == 0
                assert now.charge_end is None
            if before.charging:
                gained = now.charged - before.charged
                assert gained == pytest.approx(car.charge_power / 4000)
                assert now.level - before.level == pytest.approx(100 * gained / car.capacity)
            else:
                assert now.charged == before.charged
                assert now.level <= before.level + 1e-9
            before = now


def test_sessions_account_for_all_that_was_charged() -> None:
    car = CarPark(1).car(5)
    assert car.number == 5
    start, end = (
        dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC),
        dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC),
    )
    sessions = car.sessions(start, end)
    assert len(sessions) > 20
    assert sum(one.energy for one in sessions) == pytest.approx(
        car.state(end).charged - car.state(start).charged
    )
    for one in sessions:
        assert one.energy == pytest.approx(
            one.power / 1000 * (one.end - one.start).total_seconds() / 3600
        )
        assert car.state(one.start).charging
        assert not car.state(one.end).charging
    assert car.sessions(START - dt.timedelta(days=30), START) == []
    assert car.session(-1) is None


def test_a_car_before_the_start_stands_still() -> None:
    car = CarPark(1).car(0)
    state = car.state(START - dt.timedelta(days=100))
    assert state == car.state(START)
    assert state.charged == 0
