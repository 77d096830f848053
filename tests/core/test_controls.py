"""What a control takes, and how it reads when that was taken over."""

from dataclasses import replace
from datetime import time
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
    check,
    wanted,
)
from custom_components.energy_connect.core.errors import CommandRefused, Refusal
from custom_components.energy_connect.core.vocabulary import HoldType, HvacMode, OperationMode

CURRENT = Range(value=10, minimum=6, maximum=32, unit="A")
MODE = Options(value=OperationMode.IDLE, options=(OperationMode.IDLE, OperationMode.SELF_RELIANCE))
HEATING = ClimateSetting(mode=HvacMode.HEAT, heat=20, cool=26, hold=HoldType.SCHEDULED)
THERMOSTAT = Climate(value=HEATING, modes=(HvacMode.OFF, HvacMode.HEAT), schedule=True)
BY_SCHEDULE = ClimateSetting(hold=HoldType.SCHEDULED)


@pytest.mark.parametrize(
    ("control", "value"),
    [
        (Switch(value=None), True),
        (CURRENT, 6),
        (CURRENT, 32.0),
        (MODE, OperationMode.SELF_RELIANCE),
        (Press(), None),
        (TimeOfDay(value=None), time(7, 30)),
        (THERMOSTAT, ClimateSetting(mode=HvacMode.OFF)),
        (THERMOSTAT, BY_SCHEDULE),
    ],
)
def test_what_fits_is_taken(control: Control, value: Any) -> None:
    check(control, value)


@pytest.mark.parametrize("value", [5.9, 32.1, float("nan"), float("inf")])
def test_a_number_out_of_range_is_refused_with_the_range(value: float) -> None:
    with pytest.raises(CommandRefused) as refused:
        check(CURRENT, value)

    assert refused.value.reason is Refusal.OUT_OF_RANGE
    assert refused.value.limits == (6, 32)


@pytest.mark.parametrize(
    ("control", "value"),
    [
        (MODE, OperationMode.TIME_OF_USE),
        (THERMOSTAT, ClimateSetting(mode=HvacMode.COOL, cool=20)),
        (replace(THERMOSTAT, schedule=False), BY_SCHEDULE),
    ],
)
def test_a_word_that_the_device_does_not_know_is_refused(control: Control, value: Any) -> None:
    with pytest.raises(CommandRefused) as refused:
        check(control, value)

    assert refused.value.reason is Refusal.NOT_OFFERED


@pytest.mark.parametrize(
    ("control", "value"),
    [
        (Switch(value=None), 1.0),
        (Switch(value=None), None),
        (CURRENT, True),
        (CURRENT, None),
        (Press(), True),
        (TimeOfDay(value=None), "07:30"),
        (THERMOSTAT, 21.0),
    ],
)
def test_a_value_of_another_control_is_our_own_mistake(control: Control, value: Any) -> None:
    with pytest.raises(TypeError):
        check(control, value)


@pytest.mark.parametrize(
    ("control", "value"),
    [
        (Switch(value=False), True),
        (CURRENT, 16.0),
        (MODE, OperationMode.SELF_RELIANCE),
        (TimeOfDay(value=None), time(7, 30)),
    ],
)
def test_a_control_reads_as_if_the_value_were_there(control: Any, value: Any) -> None:
    assert wanted(control, value) == replace(control, value=value)


def test_a_press_leaves_nothing_to_read() -> None:
    assert wanted(Press(), None) == Press()


def test_a_thermostat_keeps_the_setpoint_that_the_command_does_not_name() -> None:
    command = ClimateSetting(mode=HvacMode.HEAT, heat=22, hold=HoldType.PERMANENT)

    assert wanted(THERMOSTAT, command) == replace(
        THERMOSTAT,
        value=ClimateSetting(mode=HvacMode.HEAT, heat=22, cool=26, hold=HoldType.PERMANENT),
    )
    off = wanted(THERMOSTAT, ClimateSetting(mode=HvacMode.OFF, hold=HoldType.PERMANENT))
    assert isinstance(off, Climate)
    assert (off.value.heat, off.value.cool) == (20, 26)


def test_a_thermostat_given_back_to_its_schedule_keeps_what_it_shows() -> None:
    held = replace(THERMOSTAT, value=replace(HEATING, hold=HoldType.PERMANENT))

    assert wanted(held, BY_SCHEDULE) == THERMOSTAT


@pytest.mark.parametrize(("value", "allowed"), [(5, True), (30, True), (4.9, False), (31, False)])
def test_bounds_include_both_ends(value: float, allowed: bool) -> None:
    assert Bounds(5, 30).allow(value) is allowed
