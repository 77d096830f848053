"""What Enode's assets can be told, out of payload files."""

from datetime import UTC, datetime, time
import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.energy_connect.core.controls import (
    Bounds,
    Climate,
    ClimateSetting,
    Control,
    Options,
    Press,
    Range,
    Switch,
    TimeOfDay,
)
from custom_components.energy_connect.core.model import Device
from custom_components.energy_connect.core.vocabulary import (
    Action,
    HoldType,
    HvacMode,
    OperationMode,
    Quantity,
)
from custom_components.energy_connect.providers.enode.parse import ASSETS

PAYLOADS = Path(__file__).parent / "payloads"


def row(name: str, place: int = 0, **changed: Any) -> Any:
    """Return a row of a payload file with other fields."""
    rows = json.loads((PAYLOADS / f"{name}.json").read_bytes())["data"]
    return rows[place] | changed


def device(name: str, row: Any) -> Device:
    asset = ASSETS[name][1](row)
    assert asset is not None
    return asset.device


def control(name: str, row: Any, action: Action) -> Any:
    found: Control | None = device(name, row).controls.get(action)
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def able(row: Any, **capabilities: bool) -> Any:
    """Let a row be capable of something, or not."""
    for name, capable in capabilities.items():
        row["capabilities"][name] = {"isCapable": capable, "interventionIds": []}
    return row


# Vehicles and chargers


def test_vehicle() -> None:
    car = device("vehicles", row("vehicles"))

    assert car.controls == {
        Action.CHARGING: Switch(value=True, at=at("2025-11-02T18:03:52")),
        Action.SMART_CHARGING: Switch(value=False),
        Action.READY_BY: TimeOfDay(value=None),
        Action.MINIMUM_CHARGE: Range(value=0, minimum=0, maximum=100, unit="%"),
        Action.CHARGE_NOW: Press(),
        Action.END_CHARGE_NOW: Press(),
        Action.REFRESH: Press(),
    }
    # Only charging and the early reading are for everybody.
    assert car.detail_controls == car.controls.keys() - {Action.CHARGING, Action.REFRESH}


def test_maximum_current_of_a_vehicle_is_a_control_where_it_can_be_set() -> None:
    car = device("vehicles", able(row("vehicles"), setMaxCurrent=True))

    assert car.controls[Action.MAX_CURRENT] == Range(
        value=16, minimum=6, maximum=32, unit="A", at=at("2025-11-02T18:03:52")
    )
    assert Action.MAX_CURRENT in car.detail_controls
    assert (Quantity.MAX_CURRENT, None) not in car.numbers


def test_charger() -> None:
    box = device("chargers", row("chargers"))

    assert box.controls == {
        Action.CHARGING: Switch(value=False, at=at("2025-11-02T17:58:00")),
        Action.MAX_CURRENT: Range(
            value=20, minimum=6, maximum=32, unit="A", at=at("2025-11-02T17:58:00")
        ),
        Action.REFRESH: Press(),
    }
    assert box.detail_controls == frozenset()


@pytest.mark.parametrize(("current", "most"), [(None, 32), (32, 32), (39.5, 40), (63, 63)])
def test_current_that_a_charger_has_is_one_that_it_takes(
    current: float | None, most: float
) -> None:
    box = row("chargers")
    box["chargeState"]["maxCurrent"] = current

    assert control("chargers", box, Action.MAX_CURRENT).maximum == most


@pytest.mark.parametrize("missing", ["startCharging", "stopCharging"])
def test_charging_needs_both_capabilities(missing: str) -> None:
    assert control("vehicles", able(row("vehicles"), **{missing: False}), Action.CHARGING) is None


@pytest.mark.parametrize("name", ["vehicles", "chargers", "batteries", "hvacs"])
@pytest.mark.parametrize("scopes", [[], None, "all"])
def test_without_the_scope_only_an_early_reading_is_left(name: str, scopes: Any) -> None:
    assert device(name, row(name, scopes=scopes)).controls == {Action.REFRESH: Press()}


@pytest.mark.parametrize("name", ["inverters", "meters"])
def test_what_only_measures_takes_no_commands(name: str) -> None:
    assert device(name, row(name)).controls == {Action.REFRESH: Press()}


@pytest.mark.parametrize("capabilities", [None, {}, "all"])
def test_capability_that_is_not_told_is_none(capabilities: Any) -> None:
    told = row("vehicles", capabilities=capabilities)

    assert device("vehicles", told).controls == {Action.REFRESH: Press()}


@pytest.mark.parametrize(
    ("deadline", "value"),
    [
        ("07:05", time(7, 5)),
        ("24:00", time(0)),
        ("24:30", None),
        ("7:05", None),
        ("07:65", None),
        (None, None),
        (7, None),
    ],
)
def test_deadline(deadline: Any, value: time | None) -> None:
    policy = {"isEnabled": True, "deadline": deadline, "minimumChargeLimit": 20}
    car = row("vehicles", smartChargingPolicy=policy)

    assert control("vehicles", car, Action.READY_BY) == TimeOfDay(value=value)
    assert control("vehicles", car, Action.SMART_CHARGING).value is True
    assert control("vehicles", car, Action.MINIMUM_CHARGE).value == 20


def test_policy_that_is_not_there_is_unknown() -> None:
    car = row("vehicles", smartChargingPolicy=None)

    assert control("vehicles", car, Action.SMART_CHARGING).value is None
    assert control("vehicles", car, Action.MINIMUM_CHARGE).value is None


def test_charge_state_that_is_not_granted_is_unknown() -> None:
    car = row("vehicles", scopes=["vehicle:control:charging"])

    assert control("vehicles", car, Action.CHARGING) == Switch(value=None)


# Batteries


def test_battery() -> None:
    assert control("batteries", row("batteries"), Action.OPERATION_MODE) == Options(
        value=OperationMode.SELF_RELIANCE,
        options=(
            OperationMode.IMPORT_FOCUS,
            OperationMode.TIME_OF_USE,
            OperationMode.SELF_RELIANCE,
        ),
        at=at("2025-11-01T07:00:00"),
    )


def test_mode_that_can_only_be_read_is_an_option_while_it_is_there() -> None:
    battery = row("batteries")
    battery["config"]["operationMode"] = "IDLE"

    mode = control("batteries", battery, Action.OPERATION_MODE)

    assert mode.value is OperationMode.IDLE
    assert OperationMode.IDLE in mode.options
    assert OperationMode.EXPORT_FOCUS not in mode.options


def test_unknown_mode_is_no_option() -> None:
    mode = control("batteries", row("batteries", 1), Action.OPERATION_MODE)

    assert mode.value is None
    assert len(mode.options) == 3


def test_battery_without_a_mode_that_can_be_set_has_no_control() -> None:
    assert control("batteries", row("batteries", 2), Action.OPERATION_MODE) is None


# Heating and cooling


def thermostat(**capabilities: Any) -> Climate | None:
    """Return the control of a heat pump whose capabilities say this; None leaves one out."""
    hvac = row("hvacs")
    hvac["capabilities"].update(capabilities)
    found: Climate | None = control("hvacs", hvac, Action.CLIMATE)
    return found


def modes(**capabilities: Any) -> tuple[HvacMode, ...]:
    found = thermostat(**capabilities)
    assert found is not None
    return found.modes


def test_thermostat() -> None:
    assert thermostat() == Climate(
        value=ClimateSetting(mode=HvacMode.HEAT, heat=21.5, cool=None, hold=HoldType.PERMANENT),
        modes=(HvacMode.OFF, HvacMode.AUTO, HvacMode.COOL, HvacMode.HEAT),
        temperature=20.4,
        heat_range=Bounds(10, 30),
        cool_range=Bounds(18, 30),
        difference=Bounds(2, 50),
        schedule=False,
        active=True,
        at=at("2025-11-02T15:00:00"),
    )


def test_thermostat_that_can_not_be_held_is_not_offered() -> None:
    assert thermostat(setPermanentHold={"isCapable": False, "interventionIds": []}) is None


def test_thermostat_with_a_schedule() -> None:
    found = thermostat(setFollowSchedule={"isCapable": True, "interventionIds": []})

    assert found is not None
    assert found.schedule


NO_RANGE = {"min": None, "max": None}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"capableModes": ["HEAT", "OFF", "UNKNOWN", "DRY"]}, {HvacMode.OFF, HvacMode.HEAT}),
        ({"capableModes": None}, set(HvacMode)),
        ({"capableModes": None, "coolSetpointRange": None}, {HvacMode.OFF, HvacMode.HEAT}),
        (
            {"capableModes": None, "heatSetpointRange": NO_RANGE},
            {HvacMode.OFF, HvacMode.COOL, HvacMode.HEAT},
        ),
        (
            {"capableModes": None, "heatSetpointRange": None, "coolSetpointRange": NO_RANGE},
            {HvacMode.HEAT},
        ),
    ],
)
def test_modes_are_those_that_are_told_or_follow_from_the_ranges(
    told: dict[str, Any], expected: set[HvacMode]
) -> None:
    assert set(modes(**told)) == expected


def test_thermostat_of_which_no_mode_is_known_is_not_offered() -> None:
    hvac = row("hvacs")
    hvac["thermostatState"]["mode"] = "UNKNOWN"
    hvac["capabilities"].update(capableModes=None, heatSetpointRange=None, coolSetpointRange=None)

    assert control("hvacs", hvac, Action.CLIMATE) is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"min": 2, "max": 8}, Bounds(2, 8)),
        ({"min": None, "max": 8}, Bounds(0, 8)),
        (NO_RANGE, None),
        (None, None),
    ],
)
def test_gap_of_setpoints(told: Any, expected: Bounds | None) -> None:
    found = thermostat(setpointDifferenceRange=told)

    assert found is not None
    assert found.difference == expected


@pytest.mark.parametrize("told", [{"min": 10, "max": None}, {"min": None, "max": 30}, None, 7])
def test_half_a_range_is_left_to_enode(told: Any) -> None:
    found = thermostat(heatSetpointRange=told)

    assert found is not None
    assert found.heat_range is None
