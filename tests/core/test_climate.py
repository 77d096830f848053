"""The rules of thermostats."""

from dataclasses import replace

import pytest

from custom_components.energy_connect.core.climate import FOLLOW_SCHEDULE, Wish, set_climate
from custom_components.energy_connect.core.controls import Bounds, Climate, ClimateSetting
from custom_components.energy_connect.core.errors import CommandRefused, Refusal
from custom_components.energy_connect.core.vocabulary import HoldType, HvacMode

PERMANENT = HoldType.PERMANENT


def thermostat(
    mode: HvacMode | None, heat: float | None = None, cool: float | None = None
) -> Climate:
    return Climate(
        value=ClimateSetting(mode=mode, heat=heat, cool=cool),
        modes=tuple(HvacMode),
        heat_range=Bounds(5, 28),
        cool_range=Bounds(16, 32),
        difference=Bounds(2, 10),
    )


@pytest.mark.parametrize(
    ("control", "wish", "setting"),
    [
        (thermostat(HvacMode.HEAT, 20), Wish(heat=22), (HvacMode.HEAT, 22, None)),
        (thermostat(HvacMode.COOL, 20, 25), Wish(cool=24), (HvacMode.COOL, None, 24)),
        (thermostat(HvacMode.AUTO, 20, 25), Wish(heat=21), (HvacMode.AUTO, 21, 25)),
        (thermostat(HvacMode.HEAT, 20, 25), Wish(mode=HvacMode.OFF), (HvacMode.OFF, None, None)),
        (thermostat(HvacMode.OFF, 20, 25), Wish(mode=HvacMode.AUTO), (HvacMode.AUTO, 20, 25)),
        (thermostat(HvacMode.OFF), Wish(mode=HvacMode.HEAT, heat=19), (HvacMode.HEAT, 19, None)),
        (thermostat(HvacMode.HEAT, 20), Wish(), (HvacMode.HEAT, 20, None)),
    ],
)
def test_a_wish_becomes_a_permanent_hold(
    control: Climate, wish: Wish, setting: tuple[HvacMode, float | None, float | None]
) -> None:
    mode, heat, cool = setting

    assert set_climate(control, wish) == ClimateSetting(
        mode=mode, heat=heat, cool=cool, hold=PERMANENT
    )


@pytest.mark.parametrize(
    ("control", "wish", "reason"),
    [
        (thermostat(HvacMode.OFF, 20), Wish(heat=22), Refusal.OFF_NEEDS_MODE),
        (thermostat(HvacMode.HEAT, 20), Wish(mode=HvacMode.OFF, cool=9), Refusal.OFF_NEEDS_MODE),
        (thermostat(None, 20), Wish(heat=22), Refusal.OFF_NEEDS_MODE),
        (thermostat(HvacMode.OFF), Wish(mode=HvacMode.HEAT), Refusal.BOTH_SETPOINTS),
        (thermostat(HvacMode.AUTO, 20), Wish(heat=21), Refusal.BOTH_SETPOINTS),
        (thermostat(HvacMode.HEAT, 20), Wish(heat=28.5), Refusal.OUT_OF_RANGE),
        (thermostat(HvacMode.COOL, None, 25), Wish(cool=15), Refusal.OUT_OF_RANGE),
        (thermostat(HvacMode.AUTO, 20, 25), Wish(heat=24), Refusal.SETPOINT_GAP),
        (thermostat(HvacMode.AUTO, 20, 25), Wish(heat=14), Refusal.SETPOINT_GAP),
    ],
)
def test_what_a_thermostat_would_refuse_is_refused_in_words(
    control: Climate, wish: Wish, reason: Refusal
) -> None:
    with pytest.raises(CommandRefused) as refused:
        set_climate(control, wish)

    assert refused.value.reason is reason


def test_the_limits_are_told() -> None:
    with pytest.raises(CommandRefused) as refused:
        set_climate(thermostat(HvacMode.AUTO, 20, 25), Wish(heat=24))
    assert refused.value.limits == (2, 10)

    with pytest.raises(CommandRefused) as refused:
        set_climate(thermostat(HvacMode.HEAT, 20), Wish(heat=2))
    assert refused.value.limits == (5, 28)


def test_ranges_that_nobody_knows_are_left_to_the_provider() -> None:
    control = replace(
        thermostat(HvacMode.AUTO, 20, 25), heat_range=None, cool_range=None, difference=None
    )

    assert set_climate(control, Wish(heat=40, cool=1)).heat == 40


def test_the_schedule_needs_nothing_else() -> None:
    assert ClimateSetting(hold=HoldType.SCHEDULED) == FOLLOW_SCHEDULE
