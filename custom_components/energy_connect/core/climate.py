"""The rules of a thermostat: what a wish for a mode or a temperature means as a command."""

from dataclasses import dataclass
from typing import Final

from .controls import Bounds, Climate, ClimateSetting
from .errors import CommandRefused, Refusal
from .vocabulary import HoldType, HvacMode

FOLLOW_SCHEDULE: Final = ClimateSetting(hold=HoldType.SCHEDULED)
"""The command's value that gives the thermostat back to its schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks for; None keeps what is set. Temperatures in °C."""

    mode: HvacMode | None = None
    heat: float | None = None
    cool: float | None = None


def set_climate(control: Climate, wish: Wish) -> ClimateSetting:
    """Return the permanent hold that a wish asks for.

    Source: Enode's reference of permanent holds. A command sets mode and setpoints together;
    in `HvacMode.AUTO` both setpoints are needed and have to keep their distance.

    Raises:
        CommandRefused: a temperature while it is off, a missing setpoint, out of range, too close.

    """
    mode = wish.mode or control.value.mode
    if mode is None or (mode is HvacMode.OFF and (wish.heat, wish.cool) != (None, None)):
        raise CommandRefused(Refusal.OFF_NEEDS_MODE)
    heat = cool = None
    if mode in {HvacMode.HEAT, HvacMode.AUTO}:
        heat = _setpoint(wish.heat, control.value.heat, control.heat_range)
    if mode in {HvacMode.COOL, HvacMode.AUTO}:
        cool = _setpoint(wish.cool, control.value.cool, control.cool_range)
    gap = control.difference
    if heat is not None and cool is not None and gap is not None and not gap.allow(cool - heat):
        raise CommandRefused(Refusal.SETPOINT_GAP, limits=(gap.minimum, gap.maximum))
    return ClimateSetting(mode=mode, heat=heat, cool=cool, hold=HoldType.PERMANENT)


def _setpoint(wish: float | None, present: float | None, bounds: Bounds | None) -> float:
    """Return the setpoint to send: what is wished for, else what is set."""
    value = present if wish is None else wish
    if value is None:
        raise CommandRefused(Refusal.BOTH_SETPOINTS)
    if bounds is not None and not bounds.allow(value):
        raise CommandRefused(Refusal.OUT_OF_RANGE, limits=(bounds.minimum, bounds.maximum))
    return value
