"""What rows of the past tell."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.energy_connect.core.history import CounterReading, Interval
from custom_components.energy_connect.core.model import Reading
from custom_components.energy_connect.core.series import Certainty, hour_of, hours_of_intervals
from custom_components.energy_connect.core.vocabulary import Kind, Part, Quantity as Q
from custom_components.energy_connect.providers.traxes.past import (
    is_counted,
    parse_averages,
    parse_charges,
    parse_counted,
    unit_of,
)

from .payloads import load

DAY = datetime(2026, 3, 3, tzinfo=UTC)
NOW = DAY + timedelta(days=2)
HOUR = timedelta(hours=1)
ENTITY = "1f0d6f0a-7a55-4b0e-9f5e-0c7e5b1d2a01"


def at(hour: float) -> datetime:
    return DAY + hour * HOUR


def stamp(hour: float) -> str:
    return at(hour).isoformat()


# Counters


def test_the_counters_of_a_meter() -> None:
    counted = parse_counted(load("reading_meter"), ENTITY, Kind.METER)
    assert counted is not None
    assert set(counted.shown) == {
        (Q.ENERGY_IMPORT, None),
        (Q.ENERGY_IMPORT, Part.T1),
        (Q.ENERGY_IMPORT, Part.T2),
        (Q.ENERGY_EXPORT, None),
        (Q.ENERGY_EXPORT, Part.T1),
        (Q.ENERGY_EXPORT, Part.T2),
        (Q.GAS_CONSUMPTION, None),
        (Q.GAS_RETURNED, None),
    }
    assert counted.reading((Q.GAS_CONSUMPTION, None), "m³") == CounterReading(
        counted.at, counted.shown[Q.GAS_CONSUMPTION, None][0]
    )
    # Not in another unit, not another counter, and not where nobody knows the unit.
    assert counted.reading((Q.GAS_CONSUMPTION, None), "kWh") is None
    assert counted.reading((Q.ENERGY_CHARGED, None), "kWh") is None
    assert counted.reading((Q.ENERGY_CHARGED, None), None) is None


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        {"measured": stamp(1)},
        {"data": {"positiveGasVolume": {"value": 1}}},
        {"measured": "yesterday", "data": {"positiveGasVolume": {"value": 1}}},
        {"entityId": "another", "measured": stamp(1), "data": {"positiveGasVolume": {"value": 1}}},
    ],
)
def test_rows_that_tell_nothing(row: Any) -> None:
    assert parse_counted(row, ENTITY, Kind.METER) is None


def test_unknown_values_and_units_are_left_out() -> None:
    row = {
        "measured": stamp(1),
        "data": {
            "positiveActiveEnergy": {"total": None, "t1": 5, "unit": "kWh"},
            "negativeActiveEnergy": {"total": 7, "unit": "furlong"},
            "positiveGasVolume": {"value": 3, "unit": "kWh"},
        },
    }
    counted = parse_counted(row, ENTITY, Kind.METER)
    assert counted is not None
    assert counted.shown == {
        (Q.ENERGY_IMPORT, None): (5, "kWh"),
        (Q.ENERGY_IMPORT, Part.T1): (5, "kWh"),
        (Q.GAS_CONSUMPTION, None): (3, "kWh"),
    }


@pytest.mark.parametrize(
    ("quantity", "unit", "known"),
    [
        (Q.GAS_CONSUMPTION, None, "m³"),
        (Q.GAS_CONSUMPTION, "KWH", "kWh"),
        (Q.GAS_CONSUMPTION, "furlong", None),
        (Q.ENERGY_IMPORT, None, "kWh"),
        (Q.ENERGY_IMPORT, "ft³", None),
    ],
)
def test_units(quantity: Q, unit: str | None, known: str | None) -> None:
    assert unit_of(Reading(1.0, unit=unit), quantity) == known


@pytest.mark.parametrize(
    ("quantity", "part", "kind", "counted"),
    [
        (Q.ENERGY_IMPORT, None, Kind.METER, True),
        (Q.ENERGY_IMPORT, Part.T3, Kind.METER, True),
        (Q.ENERGY_IMPORT, Part.L1, Kind.METER, False),
        (Q.ENERGY_CHARGED, Part.T1, Kind.CHARGER, False),
        (Q.ENERGY_PRODUCTION, None, Kind.INVERTER, True),
        (Q.GAS_RETURNED, None, Kind.METER, True),
        (Q.ODOMETER, None, Kind.VEHICLE, False),
        (Q.POWER_NET, None, Kind.METER, False),
        (Q.REACTIVE_ENERGY_IMPORT, None, Kind.METER, False),
    ],
)
def test_what_is_counted(quantity: Q, part: Part | None, kind: Kind, counted: bool) -> None:
    assert is_counted((quantity, part), kind) is counted


# Averages


def power(taken: Any = None, given: Any = None, unit: str = "W") -> dict[str, Any]:
    names = {
        "positiveActiveInstantaneousPower": taken,
        "negativeActiveInstantaneousPower": given,
    }
    return {
        name: {"total": value, "unit": unit} for name, value in names.items() if value is not None
    }


@pytest.mark.parametrize(
    ("row", "amounts"),
    [
        ({"start": stamp(1), "data": power(500, 250)}, {Q.ENERGY_IMPORT: 0.5, Q.ENERGY_EXPORT: 0.25}),
        ({"from": stamp(1), "data": power(0.5, -0.25, "kW")}, {Q.ENERGY_IMPORT: 0.5, Q.ENERGY_EXPORT: 0.25}),
        ({"measured": stamp(1), "data": power(given=100)}, {Q.ENERGY_EXPORT: 0.1}),
        ({"timestamp": stamp(1), "data": power(0)}, {Q.ENERGY_IMPORT: 0}),
        ({"start": stamp(1), "end": stamp(1.5), "data": power(500)}, {Q.ENERGY_IMPORT: 0.25}),
        ({"start": stamp(1), "to": stamp(2), "data": power(500)}, {Q.ENERGY_IMPORT: 0.5}),
        # What can't be meant.
        ({"start": stamp(1), "data": power(-500)}, {}),
        ({"start": stamp(1), "data": power(500, unit="furlong")}, {}),
        ({"start": stamp(1), "data": power("much")}, {}),
        ({"start": stamp(1), "data": None}, {}),
        ({"start": stamp(1), "end": stamp(1), "data": power(500)}, None),
        ({"start": stamp(1), "end": stamp(9), "data": power(500)}, None),
        ({"data": power(500)}, None),
        ({"start": "early", "data": power(500)}, None),
        (None, None),
    ],
)  # fmt: skip
def test_averages(row: Any, amounts: dict[Q, float] | None) -> None:
    flowed = parse_averages(row, Kind.METER, HOUR, NOW)
    if amounts is None:
        assert flowed is None
        return
    assert flowed is not None
    assert {quantity: one.amount for quantity, one in flowed.items()} == amounts
    assert {(one.start, one.final) for one in flowed.values()} <= {(at(1), True)}


def test_the_hour_that_runs_is_provisional() -> None:
    row = {"start": stamp(1), "data": power(500)}
    flowed = parse_averages(row, Kind.HVAC, HOUR, at(1.5))
    assert flowed == {
        Q.ENERGY_CONSUMPTION: Interval(at(1), at(2), 0.5, final=False, estimated=True)
    }


# Charges


def charge(start: Any, end: Any, total: Any = 1.0, unit: str = "kWh") -> dict[str, Any]:
    times = {
        name: stamp(value) if isinstance(value, int | float) else value
        for name, value in (("start", start), ("end", end))
    }
    return {"id": "s", "data": {**times, "charge": {"total": {"total": total, "unit": unit}}}}


def hours(intervals: Sequence[Interval]) -> dict[int, tuple[float, Certainty]]:
    """Return amounts by hour of the day."""
    return {
        hour - hour_of(DAY): (each.amount, each.certainty)
        for hour, each in hours_of_intervals(intervals).items()
    }


def final(**amounts: float) -> dict[int, tuple[float, Certainty]]:
    return {int(hour[1:]): (amount, Certainty.FINAL) for hour, amount in amounts.items()}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([charge(1, 2)], final(h1=1)),
        ([charge(1.5, 2.5)], final(h1=0.5, h2=0.5)),
        ([charge(1.25, 1.75)], final(h1=1)),
        # Two in an hour, and with hours between them.
        ([charge(1.25, 1.5), charge(1.75, 2)], final(h1=2)),
        ([charge(1.5, 1.75), charge(2.25, 2.5)], final(h1=1, h2=1)),
        ([charge(1.5, 1.75), charge(5.25, 5.5)], final(h1=1, h5=1)),
        ([charge(1, 2), charge(2, 3)], final(h1=1, h2=1)),
        ([charge(1, 2), charge(2.5, 3)], final(h1=1, h2=1)),
        # In any order, and repeated.
        ([charge(5.25, 5.5), charge(1.5, 1.75), charge(5.25, 5.5)], final(h1=1, h5=1)),
        ([charge(1.5, 2.5, 3000, "Wh")], final(h1=1.5, h2=1.5)),
        ([charge(1, 2, 0)], final(h1=0)),
    ],
)  # fmt: skip
def test_charges_fill_their_hours(
    rows: list[Any], expected: dict[int, tuple[float, Certainty]]
) -> None:
    charged = parse_charges(rows)
    assert charged.dropped == 0
    assert hours(charged.over) == expected


def test_charges_that_overlap_are_no_reason_to_invent_pauses() -> None:
    charged = parse_charges([charge(1, 3, 2), charge(2.5, 4.5, 2)])
    assert [(one.start, one.end) for one in charged.over if not one.amount] == [(at(4.5), at(5))]


def test_of_a_repeated_charge_the_later_row_counts() -> None:
    charged = parse_charges([charge(1, 2, 1), charge(1, 2, 4)])
    assert hours(charged.over) == final(h1=4)


@pytest.mark.parametrize(
    "row",
    [
        None,
        {},
        charge(None, 2),
        charge(2, 2),
        charge(2, 1),
        charge(1, 40),
        charge(1, 2, None),
        charge(1, 2, -1),
        charge(1, 2, 1, "furlong"),
    ],
)
def test_charges_that_are_none(row: Any) -> None:
    charged = parse_charges([row, charge(5, 6)])
    assert charged.dropped == 1
    assert hours(charged.over) == final(h5=1)


@pytest.mark.parametrize(
    ("rows", "now", "known"),
    [
        ([], 100, 64),  # a day and a half back
        ([], 20, -16),
        ([charge(10, 12)], 20, 12),
        ([charge(10, 11.5)], 20, 12),  # the pause after it is known as well
        ([charge(10, 12), charge(15, None)], 20, 12),
        ([charge(15, None), charge(16, 17)], 20, 15),  # two plugs
        ([charge(-40, None), charge(10, 12)], 20, 12),  # one that nobody ever ended
        ([charge(10, 12)], 1000, 72),  # never beyond the end that was asked for
    ],
)
def test_up_to_when_all_charges_are_known(rows: list[Any], now: float, known: float) -> None:
    assert parse_charges(rows).known_until(at(72), at(now)) == at(known)
