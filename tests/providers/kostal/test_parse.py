"""Payloads of the meter, as files, become readings."""

from contextlib import suppress
from datetime import UTC, datetime
import json
from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_connect.core.errors import Reason, UnexpectedResponse
from custom_components.energy_connect.core.model import Reading
from custom_components.energy_connect.core.vocabulary import MeterStatus, Moment, Part, Quantity
from custom_components.energy_connect.providers.kostal.extras import (
    Nameplate,
    parse_flow,
    parse_settings,
    parse_usage,
)
from custom_components.energy_connect.providers.kostal.parse import integer, moment, parse_record
from custom_components.energy_connect.providers.kostal.registers import DETAIL, REGISTERS, SIGNALS

Q = Quantity
L1, L2, L3 = Part.L1, Part.L2, Part.L3


def payload(name: str) -> Any:
    return json.loads((Path(__file__).parent / "payloads" / f"{name}.json").read_bytes())


def values(name: str) -> dict[Any, float | None]:
    return {key: reading.value for key, reading in parse_record(payload(name)).numbers.items()}


def test_exporting_meter_gives_every_number_in_its_unit() -> None:
    assert values("exporting") == {
        (Q.POWER_NET, None): -1173.8,
        (Q.POWER_NET, L1): -812.3,
        (Q.POWER_NET, L2): 140.2,
        (Q.POWER_NET, L3): -501.7,
        (Q.POWER_IMPORT, None): 0.0,
        (Q.POWER_IMPORT, L1): 0.0,
        (Q.POWER_IMPORT, L2): 140.2,
        (Q.POWER_IMPORT, L3): 0.0,
        (Q.POWER_EXPORT, None): 1173.8,
        (Q.POWER_EXPORT, L1): 812.3,
        (Q.POWER_EXPORT, L2): 0.0,
        (Q.POWER_EXPORT, L3): 501.7,
        (Q.ENERGY_IMPORT, None): 8412.3456,
        (Q.ENERGY_IMPORT, L1): 2911.2064,
        (Q.ENERGY_IMPORT, L2): 3004.5519,
        (Q.ENERGY_IMPORT, L3): 2496.5873,
        (Q.ENERGY_EXPORT, None): 15230.1182,
        (Q.ENERGY_EXPORT, L1): 5301.8773,
        (Q.ENERGY_EXPORT, L2): 4875.5401,
        (Q.ENERGY_EXPORT, L3): 5052.7008,
        (Q.REACTIVE_POWER_NET, None): 213.3,
        (Q.REACTIVE_POWER_NET, L1): 172.9,
        (Q.REACTIVE_POWER_NET, L2): -97.9,
        (Q.REACTIVE_POWER_NET, L3): 138.3,
        (Q.REACTIVE_ENERGY_IMPORT, None): 1204.4103,
        (Q.REACTIVE_ENERGY_EXPORT, None): 873.3027,
        (Q.APPARENT_POWER_NET, None): -1193.0,
        (Q.APPARENT_POWER_NET, L1): -830.5,
        (Q.APPARENT_POWER_NET, L2): 171.0,
        (Q.APPARENT_POWER_NET, L3): -520.4,
        (Q.APPARENT_ENERGY_IMPORT, None): 8760.1149,
        (Q.APPARENT_ENERGY_EXPORT, None): 15544.1206,
        (Q.CURRENT, L1): 3.589,
        (Q.CURRENT, L2): 0.737,
        (Q.CURRENT, L3): 2.255,
        (Q.VOLTAGE, L1): 231.4,
        (Q.VOLTAGE, L2): 232.1,
        (Q.VOLTAGE, L3): 230.8,
        (Q.POWER_FACTOR, None): 0.984,
        (Q.POWER_FACTOR, L1): 0.978,
        (Q.POWER_FACTOR, L2): 0.82,
        (Q.POWER_FACTOR, L3): 0.964,
        (Q.FREQUENCY, None): 49.987,
    }


def test_record_says_when_and_how_well_it_was_measured() -> None:
    record = parse_record(payload("exporting"))
    measured = datetime(2026, 1, 1, 12, 0, 0, 412000, tzinfo=UTC)
    assert record.measured == measured
    assert {reading.at for reading in record.numbers.values()} == {measured}
    assert record.status is MeterStatus.OK
    assert record.measuring
    assert record.unknown == ()
    assert record.unreadable == 0
    assert "voltage_L1" in record.names


def test_obis_codes_and_lower_case_phases_are_the_same_registers() -> None:
    assert values("obis") == {
        (Q.POWER_NET, None): 2450.1,
        (Q.POWER_NET, L1): 2450.1,
        (Q.POWER_IMPORT, None): 2450.1,
        (Q.POWER_IMPORT, L1): 2450.1,
        (Q.POWER_EXPORT, None): 0.0,
        (Q.POWER_EXPORT, L1): 0.0,
        (Q.ENERGY_IMPORT, None): 8412.3456,
        (Q.ENERGY_EXPORT, L3): 5052.7008,
        (Q.CURRENT, L1): 10.65,
        (Q.VOLTAGE, L2): 232.1,
        (Q.VOLTAGE, L1): 230.1,
        (Q.POWER_FACTOR, None): -0.984,
        (Q.POWER_FACTOR, L3): 0.964,
        (Q.FREQUENCY, None): 50.012,
    }


def test_warning_keeps_the_values() -> None:
    record = parse_record(payload("obis"))
    assert record.status is MeterStatus.WARNING
    assert record.measuring


def test_odd_values_are_unknown_and_good_ones_beside_them_stay() -> None:
    assert values("odd") == {
        (Q.POWER_NET, None): None,
        (Q.POWER_NET, L1): 1.2,
        (Q.POWER_NET, L2): None,
        (Q.POWER_IMPORT, None): None,
        (Q.POWER_IMPORT, L1): 1.2,
        (Q.POWER_IMPORT, L2): None,
        (Q.POWER_EXPORT, None): 0.1,
        (Q.POWER_EXPORT, L1): 0.0,
        (Q.POWER_EXPORT, L2): 0.0,
        (Q.POWER_EXPORT, L3): 7.0,
        (Q.ENERGY_IMPORT, None): None,
        (Q.ENERGY_IMPORT, L1): 1000.0,
        (Q.ENERGY_EXPORT, None): None,
        (Q.VOLTAGE, L1): None,
        (Q.VOLTAGE, L2): None,
        (Q.VOLTAGE, L3): None,
        (Q.CURRENT, L1): None,
        (Q.CURRENT, L2): None,
        (Q.POWER_FACTOR, None): -0.984,
        (Q.POWER_FACTOR, L1): None,
        (Q.FREQUENCY, None): 50.0,
    }


def test_odd_record_is_described_without_its_values() -> None:
    record = parse_record(payload("odd"))
    assert record.unreadable == 10
    assert record.unknown == ("tariff_register", "?")
    assert record.status is None
    assert record.states_status
    assert record.stamp is None
    assert record.measured is None
    assert record.measuring


def test_first_good_spelling_of_a_register_wins() -> None:
    spelled: dict[str, Any] = {"voltage_L1": 230000, "1-0:32.4.0*255": 231000, "voltage_l2": "x"}
    spelled["1-0:52.4.0*255"] = 232000
    record = parse_record({"smart-meter": {"values": spelled}})
    assert record.numbers == {
        (Q.VOLTAGE, L1): Reading(230.0),
        (Q.VOLTAGE, L2): Reading(232.0),
    }


@pytest.mark.parametrize(
    ("status", "expected", "measuring"),
    [
        ("STATUS_OK", MeterStatus.OK, True),
        ("STATUS_WARNING", MeterStatus.WARNING, True),
        ("STATUS_ERROR", MeterStatus.ERROR, False),
        ("STATUS_UNKNOWN", MeterStatus.UNKNOWN, False),
        (2, None, True),
        (["STATUS_ERROR"], None, True),
    ],
)
def test_status(status: Any, expected: MeterStatus | None, measuring: bool) -> None:
    record = parse_record({"smart-meter": {"status": status, "values": {"voltage_L1": 1}}})
    assert record.status is expected
    assert record.measuring is measuring


def test_dead_meter_may_give_no_values() -> None:
    record = parse_record({"smart-meter": {"status": "STATUS_ERROR"}})
    assert record.numbers == {}


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (None, "smart-meter"),
        ([], "smart-meter"),
        ({}, "smart-meter"),
        ({"a": {}, "b": {}}, "smart-meter"),
        ({"smart-meter": 5}, "smart-meter"),
        ({"other": None}, "smart-meter"),
        ({"smart-meter": {}}, "values"),
        ({"smart-meter": {"values": []}}, "values"),
        ({"smart-meter": {"values": {}}}, "values"),
        ({"smart-meter": {"values": {"nothing known": 1}}}, "values"),
    ],
)
def test_another_shape_is_refused_and_names_the_missing_key(body: Any, missing: str) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        parse_record(body)
    assert caught.value.reason is Reason.UNEXPECTED_SHAPE
    assert caught.value.detail == missing


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        (-5, -5),
        ("5", 5),
        ("+5", 5),
        ("-5", -5),
        (5.0, 5),
        (2**63 - 1, 2**63 - 1),
        (2**63, -(2**63)),
        (2**64 - 984, -984),
        (2**64, None),
        (-(2**63) - 1, None),
        (1e300, None),
        (5.5, None),
        (float("nan"), None),
        (float("inf"), None),
        (True, None),
        (False, None),
        (None, None),
        ("", None),
        ("5.0", None),
        ("1e3", None),
        ("0x10", None),
        ("9" * 21, None),
        ("٣", None),
        ({}, None),
    ],
)
def test_only_whole_numbers_count(value: Any, expected: int | None) -> None:
    assert integer(value) == expected


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ({"seconds": 1767268800, "nanos": 1_500}, datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC)),
        ({"seconds": 1767268800}, datetime(2026, 1, 1, 12, tzinfo=UTC)),
        ({"seconds": 1767268800, "nanos": "x"}, datetime(2026, 1, 1, 12, tzinfo=UTC)),
        ({"seconds": 90, "nanos": 0}, datetime(1970, 1, 1, 0, 1, 30, tzinfo=UTC)),
        ({"seconds": 0, "nanos": 0}, None),
        ({"seconds": 2**62}, None),
        ({"seconds": True}, None),
        ({}, None),
        (1767268800, None),
    ],
)
def test_time_of_the_measurement(stamp: Any, expected: datetime | None) -> None:
    record = parse_record({"smart-meter": {"timestamp": stamp, "values": {"voltage_L1": 1}}})
    assert record.measured == expected


def test_no_stamp_is_no_moment() -> None:
    assert moment(None) is None


def test_no_two_registers_share_a_name() -> None:
    assert len(REGISTERS) == 2 * sum(len(signal.parts) for signal in SIGNALS)


@pytest.mark.parametrize(
    ("name", "obis"),
    [
        ("reactive_power_-_L2", "1-0:44.4.0*255"),
        ("apparent_power_+_L1", "1-0:29.4.0*255"),
        ("apparent_energy_-_L3", "1-0:70.8.0*255"),
        ("reactive_energy_+", "1-0:3.8.0*255"),
        ("current_L3", "1-0:71.4.0*255"),
        ("voltage_L1", "1-0:32.4.0*255"),
        ("power_factor_L3", "1-0:73.4.0*255"),
        ("supply_frequency", "1-0:14.4.0*255"),
    ],
)
def test_names_and_obis_codes_agree(name: str, obis: str) -> None:
    assert REGISTERS[name.lower()] == REGISTERS[obis]


def test_what_starts_switched_off() -> None:
    on = {key for key in parse_record(payload("exporting")).numbers if key not in DETAIL}
    phases = {(quantity, part) for quantity in (Q.POWER_NET, Q.VOLTAGE, Q.CURRENT) for part in Part}
    assert on <= phases | {
        (Q.POWER_NET, None),
        (Q.POWER_IMPORT, None),
        (Q.POWER_EXPORT, None),
        (Q.ENERGY_IMPORT, None),
        (Q.ENERGY_EXPORT, None),
    }
    assert len(on) == 14
    assert Moment.LAST_MEASURED in DETAIL
    assert {(Q.CPU_LOAD, None), (Q.CPU_TEMPERATURE, None), (Q.MEMORY_FREE, None)} <= DETAIL


def test_energy_flow() -> None:
    at = datetime(2026, 1, 1, 11, 59, 50, tzinfo=UTC)
    assert parse_flow(payload("energy_flow")) == {
        (Q.POWER_PRODUCTION, None): Reading(4231.5, at),
        (Q.POWER_CONSUMPTION, None): Reading(812.4, at),
        (Q.BATTERY_POWER, None): Reading(2245.3, at),
        (Q.CHARGER_POWER, None): Reading(0.0, at),
        (Q.STATE_OF_CHARGE, None): Reading(64.0, at),
    }


def test_energy_flow_at_night_is_no_negative_zero() -> None:
    (reading,) = parse_flow({"sumvalues": {"values": {"pvPowerTotal": 0}}}).values()
    assert str(reading.value) == "0.0"


@pytest.mark.parametrize("value", [101, -1, "many", None, True])
def test_implausible_energy_flow_is_unknown(value: Any) -> None:
    numbers = parse_flow({"sumvalues": {"values": {"systemStateOfCharge": value}}})
    assert numbers == {(Q.STATE_OF_CHARGE, None): Reading(None)}


def test_device_settings() -> None:
    assert parse_settings(payload("device_settings")) == Nameplate(
        serial="70000001",
        product="KOSTAL Smart Energy Meter",
        hardware="hw0100",
        firmware="2.6.2",
        mac="00:D0:93:00:00:01",
    )


def test_device_settings_in_part() -> None:
    assert parse_settings({"Serial": 70000001, "Mac": "none"}) == Nameplate(serial="70000001")


def test_device_usage() -> None:
    assert parse_usage(payload("device_usage")) == {
        (Q.CPU_LOAD, None): Reading(59.0),
        (Q.CPU_TEMPERATURE, None): Reading(48.5),
        (Q.MEMORY_FREE, None): Reading(118000.0),
    }


@pytest.mark.parametrize("parse", [parse_flow, parse_settings, parse_usage])
@pytest.mark.parametrize("body", [None, [], {}, {"x": {}}, {"x": {"values": {"y": 1}}}, "text"])
def test_useless_extras_are_refused(parse: Any, body: Any) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        parse(body)
    assert caught.value.reason is Reason.UNEXPECTED_SHAPE


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(status=_JSON, timestamp=_JSON, data=st.dictionaries(st.sampled_from(list(REGISTERS)), _JSON))
def test_no_record_breaks_the_parser(status: Any, timestamp: Any, data: dict[str, Any]) -> None:
    record = {"status": status, "timestamp": timestamp, "values": {"voltage_L1": 230000, **data}}
    numbers = parse_record({"smart-meter": record}).numbers
    assert numbers[Q.VOLTAGE, L1].value == 230.0
    assert all(abs(one.value) <= 1e9 for one in numbers.values() if one.value is not None)


@pytest.mark.parametrize("parse", [parse_record, parse_flow, parse_settings, parse_usage])
@given(body=_JSON)
def test_nothing_but_our_error_leaves_a_parser(parse: Any, body: Any) -> None:
    with suppress(UnexpectedResponse):
        parse(body)
