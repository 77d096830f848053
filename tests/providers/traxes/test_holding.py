"""A value stays while readings leave it out, for a day."""

from typing import Any

from custom_components.energy_connect.core.model import Position
from custom_components.energy_connect.core.vocabulary import Flag, Kind, Quantity as Q
from custom_components.energy_connect.providers.traxes.holding import KEPT, Holding
from custom_components.energy_connect.providers.traxes.metrics import Measurement, parse_measurement

LEVEL = (Q.STATE_OF_CHARGE, None)
RANGE = (Q.RANGE, None)
HERE = {"latitude": 50, "longitude": 15}


def reading(minute: int | None, **metrics: Any) -> Measurement:
    body = {
        "measured": None if minute is None else f"2026-03-04T06:{minute:02}:00Z",
        "data": metrics,
    }
    parsed = parse_measurement(body, Kind.VEHICLE, locate=True)
    assert parsed is not None
    return parsed


def test_a_metric_that_one_reading_leaves_out_stays_with_its_own_time() -> None:
    holding = Holding()
    both = reading(0, stateOfCharge={"value": 60}, range={"value": 200}, isCharging=True)
    holding.take(both, 0)
    version = holding.version
    holding.take(reading(5, stateOfCharge={"value": 61}), 300)
    assert holding.numbers[LEVEL].value == 61
    assert holding.numbers[RANGE] is both.numbers[RANGE]
    assert holding.charging
    assert holding.version is not version
    assert holding.metrics == {"stateOfCharge", "range", "isCharging"}


def test_after_a_day_it_is_unknown_and_a_new_value_brings_it_back() -> None:
    holding = Holding()
    holding.take(reading(0, stateOfCharge={"value": 60}, range={"value": 200}, isCharging=True), 0)
    without = reading(5, stateOfCharge={"value": 61})
    holding.take(without, 300)
    holding.expire(KEPT)
    assert holding.numbers[RANGE].value == 200
    version = holding.version
    holding.take(without, KEPT)
    holding.expire(KEPT + 1)
    assert holding.version is not version
    assert (holding.numbers[RANGE].value, holding.flags) == (None, {Flag.CHARGING: None})
    assert not holding.charging
    assert holding.numbers[LEVEL].value == 61
    holding.take(reading(10, range={"value": 150}), KEPT + 300)
    assert holding.numbers[RANGE].value == 150


def test_an_unchanged_reading_is_seen_anew_each_time() -> None:
    holding = Holding()
    same = reading(0, stateOfCharge={"value": 60})
    for hour in range(49):
        holding.take(same, hour * 3600)
        version = holding.version
        holding.expire(hour * 3600)
        assert holding.version is version
    # Left out only since the last time that it was there, two days on.
    holding.take(reading(5, range={"value": 9}), 49 * 3600)
    holding.expire(49 * 3600)
    assert holding.numbers[LEVEL].value == 60


def test_an_older_reading_is_not_taken() -> None:
    holding = Holding()
    holding.take(reading(10, stateOfCharge={"value": 60}), 0)
    holding.take(reading(5, stateOfCharge={"value": 50}), 300)
    assert holding.numbers[LEVEL].value == 60
    holding.take(reading(None, stateOfCharge={"value": 40}), 600)
    assert holding.numbers[LEVEL].value == 40
    holding.take(reading(5, stateOfCharge={"value": 30}), 900)
    assert holding.numbers[LEVEL].value == 30


def test_the_position_stays_for_a_day() -> None:
    holding = Holding()
    assert not holding.located
    holding.take(reading(0, location=HERE), 0)
    holding.take(reading(5, stateOfCharge={"value": 60}), 300)
    holding.expire(KEPT)
    assert holding.position == Position(50, 15)
    holding.expire(KEPT + 1)
    assert holding.position is None
    assert holding.located  # it still offers one
