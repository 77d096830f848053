"""One reading: numbers by what the entity is, in canonical units, with the time of measuring."""

from datetime import UTC, datetime
import math
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_connect.core.model import Key, NumberKey, Position
from custom_components.energy_connect.core.payload import Json
from custom_components.energy_connect.core.vocabulary import Flag, Kind, Moment, Part, Quantity as Q
from custom_components.energy_connect.providers.traxes.metrics import (
    Measurement,
    detail,
    parse_measurement,
)
from custom_components.energy_connect.providers.traxes.parse import (
    parse_entity,
    parse_offers,
    parse_onboarding,
    parse_page,
    parse_sessions,
)

from .payloads import load

MEASURED = datetime(2026, 3, 4, 6, 10, tzinfo=UTC)


def measurement(body: Json, kind: Kind, **rest: Any) -> Measurement:
    parsed = parse_measurement(body, kind, **rest)
    assert parsed is not None
    return parsed


def values(parsed: Measurement) -> dict[NumberKey, float | None]:
    return {key: reading.value for key, reading in parsed.numbers.items()}


def values_of(
    kind: Kind, known: frozenset[str] = frozenset(), **metrics: Json
) -> dict[NumberKey, float | None]:
    return values(measurement({"data": metrics}, kind, known=known))


def test_meter() -> None:
    parsed = measurement(load("reading_meter"), Kind.METER)
    assert values(parsed) == {
        (Q.ENERGY_IMPORT, None): 11313.3,
        (Q.ENERGY_IMPORT, Part.T1): 5210.4,
        (Q.ENERGY_IMPORT, Part.T2): 6102.9,
        (Q.ENERGY_IMPORT, Part.L1): 4000.5,
        (Q.ENERGY_IMPORT, Part.L2): 4000,
        (Q.ENERGY_IMPORT, Part.L3): 3312.8,
        (Q.ENERGY_EXPORT, None): 1680.1,  # the sum of the tariffs
        (Q.ENERGY_EXPORT, Part.T1): 1200.1,
        (Q.ENERGY_EXPORT, Part.T2): 480,
        (Q.REACTIVE_ENERGY_IMPORT, None): 500,
        (Q.REACTIVE_ENERGY_IMPORT, Part.T1): 400,
        (Q.REACTIVE_ENERGY_IMPORT, Part.T2): 100,
        (Q.POWER_IMPORT, None): 315,  # the sum of the phases
        (Q.POWER_IMPORT, Part.L1): 210,
        (Q.POWER_IMPORT, Part.L2): 90,
        (Q.POWER_IMPORT, Part.L3): 15,
        (Q.POWER_EXPORT, None): 0,
        (Q.POWER_NET, None): 315,
        (Q.CURRENT, Part.L1): 0.9,
        (Q.CURRENT, Part.L2): 0.4,
        (Q.CURRENT, Part.L3): 0.1,
        (Q.VOLTAGE, Part.L1): 231.2,
        (Q.VOLTAGE, Part.L2): 229.8,
        (Q.VOLTAGE, Part.L3): 230.4,
        (Q.VOLTAGE, None): 230.5,
        (Q.GAS_CONSUMPTION, None): 2841.77,
        (Q.GAS_RETURNED, None): 0,
    }
    assert {reading.at for reading in parsed.numbers.values()} == {MEASURED}
    assert {reading.unit for reading in parsed.numbers.values()} == {None}
    assert parsed.measured == MEASURED
    assert parsed.entity_id == "1f0d6f0a-7a55-4b0e-9f5e-0c7e5b1d2a01"


def test_vehicle() -> None:
    parsed = measurement(load("reading_ev"), Kind.VEHICLE)
    assert values(parsed) == {
        (Q.STATE_OF_CHARGE, None): 64,
        (Q.RANGE, None): 160.9344,  # from miles
        (Q.ODOMETER, None): 30412,
    }
    assert parsed.flags == {Flag.CHARGING: False, Flag.PLUGGED_IN: True}
    assert not parsed.fraction


def test_the_position_is_taken_only_when_asked_for() -> None:
    assert measurement(load("reading_ev"), Kind.VEHICLE).position is None
    parsed = measurement(load("reading_ev"), Kind.VEHICLE, locate=True)
    assert parsed.position == Position(50.01, 15.02)


@pytest.mark.parametrize(
    "location",
    [{"latitude": 91, "longitude": 0}, {"latitude": 0, "longitude": -181}, {"latitude": 5}, "home"],
)
def test_a_place_that_is_none(location: Json) -> None:
    parsed = measurement({"data": {"location": location}}, Kind.VEHICLE, locate=True)
    assert parsed.position is None


def test_battery_power_is_positive_while_charging() -> None:
    parsed = measurement(load("reading_battery"), Kind.BATTERY)
    assert values(parsed) == {
        (Q.ENERGY_CHARGED, None): 1500,
        (Q.ENERGY_DISCHARGED, None): 1400,  # a minus sign says what the metric's name says
        (Q.CHARGE_POWER, None): -1250,
        (Q.CHARGE_POWER, Part.L1): -1250,
        (Q.STATE_OF_CHARGE, None): 0.8,  # never scaled by guess
    }
    assert parsed.fraction


def test_inverter_produces_what_it_gives() -> None:
    parsed = measurement(load("reading_inverter"), Kind.INVERTER)
    assert values(parsed) == {
        (Q.ENERGY_CONSUMPTION, None): 12.5,
        (Q.ENERGY_PRODUCTION, None): 300,
        (Q.ENERGY_PRODUCTION, Part.L1): 100,
        (Q.ENERGY_PRODUCTION, Part.L2): 100.5,
        (Q.ENERGY_PRODUCTION, Part.L3): 99.5,
        (Q.POWER_CONSUMPTION, None): 0,
        (Q.POWER_PRODUCTION, None): 3000,
        (Q.POWER_PRODUCTION, Part.L1): 1000,
        (Q.POWER_PRODUCTION, Part.L2): 1100,
        (Q.POWER_PRODUCTION, Part.L3): 900,
    }


def test_odd_values_are_unknown_and_odd_units_are_shown() -> None:
    parsed = measurement(load("reading_odd"), Kind.METER, locate=True)
    assert parsed.measured is None
    assert values(parsed) == {
        (Q.ENERGY_IMPORT, None): None,  # one tariff is unknown, and so is the sum
        (Q.ENERGY_IMPORT, Part.T1): 1,
        (Q.ENERGY_IMPORT, Part.T2): None,
        (Q.ENERGY_EXPORT, None): None,
        (Q.POWER_IMPORT, None): 5,
        (Q.POWER_EXPORT, None): 7,
        (Q.POWER_NET, None): None,  # horse powers less watts
        (Q.VOLTAGE, Part.L1): None,
        (Q.VOLTAGE, Part.L2): None,
        # Reactive energy without a unit is left out: its documented unit contradicts its name.
        (Q.GAS_CONSUMPTION, None): 12.5,
        (Q.STATE_OF_CHARGE, None): None,
        (Q.RANGE, None): 12,
    }
    units = {key: reading.unit for key, reading in parsed.numbers.items() if reading.unit}
    assert units == {
        (Q.POWER_IMPORT, None): "hp",
        (Q.GAS_CONSUMPTION, None): "kWh",
        (Q.RANGE, None): "leagues",
    }
    assert parsed.flags == {Flag.CHARGING: None}
    assert parsed.position is None


@pytest.mark.parametrize("kind", [Kind.HVAC, Kind.OTHER])
def test_anything_else_consumes_and_produces(kind: Kind) -> None:
    found = values_of(
        kind,
        positiveActiveEnergy={"total": 5},
        negativeActiveEnergy={"total": 6},
        positiveActiveInstantaneousPower={"total": 7},
        negativeActiveInstantaneousPower={"total": 8},
    )
    assert found == {
        (Q.ENERGY_CONSUMPTION, None): 5,
        (Q.ENERGY_PRODUCTION, None): 6,
        (Q.POWER_CONSUMPTION, None): 7,
        (Q.POWER_PRODUCTION, None): 8,
    }


@pytest.mark.parametrize("kind", [Kind.VEHICLE, Kind.CHARGER])
def test_a_charger_that_never_reports_giving_only_takes(kind: Kind) -> None:
    found = values_of(kind, positiveActiveInstantaneousPower={"total": 11, "unit": "kW"})
    assert found == {(Q.CHARGE_POWER, None): 11000}


def test_one_direction_alone_is_no_balance() -> None:
    both = frozenset({"positiveActiveInstantaneousPower", "negativeActiveInstantaneousPower"})
    taking: Json = {"total": 400}
    # A grid meter's net power needs both; a battery's too, if it has reported both before.
    assert values_of(Kind.METER, positiveActiveInstantaneousPower=taking) == {
        (Q.POWER_IMPORT, None): 400
    }
    assert values_of(Kind.BATTERY, both, positiveActiveInstantaneousPower=taking) == {}
    assert values_of(Kind.BATTERY, both, negativeActiveInstantaneousPower=taking) == {}
    assert values_of(Kind.BATTERY, negativeActiveInstantaneousPower=taking) == {
        (Q.CHARGE_POWER, None): -400
    }


def test_currents_and_voltages_are_never_added_up() -> None:
    found = values_of(
        Kind.METER,
        instantaneousCurrent={"l1": 1, "l2": 2, "l3": 3},
        instantaneousVoltage={"l1": 230, "l2": 231, "l3": 232},
    )
    assert (Q.CURRENT, None) not in found
    assert (Q.VOLTAGE, None) not in found


@pytest.mark.parametrize("body", [None, [], "x", {}, {"data": None}, {"data": [1]}])
def test_no_metrics(body: Json) -> None:
    assert parse_measurement(body, Kind.METER) is None


@pytest.mark.parametrize("kind", [Kind.METER, Kind.BATTERY])
def test_numbers_too_large_to_add_or_convert_are_unknown(kind: Kind) -> None:
    found = values_of(
        kind,
        positiveActiveEnergy={"t1": 1e308, "t2": 1e308, "unit": "MWh"},
        negativeActiveEnergy={"t1": 1e308, "t2": 1e308},
        positiveActiveInstantaneousPower={"total": -1.5e308},
        negativeActiveInstantaneousPower={"total": 1.5e308},
    )
    assert all(value is None or math.isfinite(value) for value in found.values())
    assert None in found.values()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
METRICS = st.dictionaries(
    st.sampled_from(sorted({*load("reading_meter")["data"], *load("reading_ev")["data"]})),
    JSON
    | st.dictionaries(
        st.sampled_from(["total", "t1", "l1", "value", "unit", "latitude", "longitude"]), JSON
    ),
)


@given(data=METRICS, measured=JSON, kind=st.sampled_from(Kind))
def test_whatever_comes_becomes_finite_numbers_or_nothing(
    data: Json, measured: Json, kind: Kind
) -> None:
    parsed = measurement({"data": data, "measured": measured}, kind, locate=True)
    for reading in parsed.numbers.values():
        assert reading.value is None or math.isfinite(reading.value)
    detail([*parsed.numbers, *parsed.flags], kind)


@given(row=JSON | st.dictionaries(st.sampled_from(["id", "type", "data", "reference"]), JSON))
def test_no_row_breaks_a_list(row: Json) -> None:
    parse_entity(row)
    parse_onboarding({"data": {"entity": row}})
    parse_offers(row)
    parse_offers([row])
    parse_page(row)
    parse_sessions({"data": [row, {"data": row}]})


def test_what_starts_switched_off() -> None:
    keys: list[Key] = [
        (Q.ENERGY_IMPORT, None),
        (Q.ENERGY_IMPORT, Part.T1),
        (Q.ENERGY_IMPORT, Part.L1),
        (Q.POWER_IMPORT, None),
        (Q.POWER_IMPORT, Part.L3),
        (Q.CURRENT, None),
        (Q.VOLTAGE, Part.L1),
        (Q.REACTIVE_ENERGY_IMPORT, None),
        (Q.GAS_CONSUMPTION, None),
        (Q.GAS_RETURNED, None),
        Flag.ONLINE,
        Moment.LAST_SEEN,
        Moment.LAST_MEASURED,
    ]
    off = {
        (Q.ENERGY_IMPORT, Part.L1),
        (Q.POWER_IMPORT, Part.L3),
        (Q.CURRENT, None),
        (Q.VOLTAGE, Part.L1),
        (Q.REACTIVE_ENERGY_IMPORT, None),
        (Q.GAS_RETURNED, None),
        Moment.LAST_SEEN,
    }
    assert detail(keys, Kind.METER) == off
    # Tariffs matter to those who have a meter with them.
    assert detail(keys, Kind.CHARGER) == {*off, (Q.ENERGY_IMPORT, Part.T1)}
