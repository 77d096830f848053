"""What a device can be told, as data: each control carries its present value and its bounds.

`value` is what was read, None if that is not known now; `at` is when it was measured, as the
provider says (UTC), None to go by the device's `Moment.LAST_MEASURED`. What somebody wants and has
not been read back yet is no part of a control: `commands.Orders` knows that.
"""

from dataclasses import dataclass, replace
from datetime import datetime, time
from enum import StrEnum

from .errors import CommandRefused, Refusal
from .vocabulary import HoldType, HvacMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """On or off."""

    value: bool | None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A number between two others, both included, in `unit`.

    `readable` is False where the provider takes the number but never gives it back: what was
    confirmed last is then shown as long as the account is open.
    """

    value: float | None
    minimum: float
    maximum: float
    step: float = 1.0
    unit: str | None = None
    readable: bool = True
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One of several words."""

    value: StrEnum | None
    options: tuple[StrEnum, ...]
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Something that is done once and has no state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOfDay:
    """A time of the day, where the device is (no zone)."""

    value: time | None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest that is allowed, both included."""

    minimum: float
    maximum: float

    def allow(self, value: float) -> bool:
        """Tell whether the value is between them."""
        return self.minimum <= value <= self.maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimateSetting:
    """What a thermostat is set to; `heat` and `cool` are its setpoints in °C.

    As the value of a command: with `HoldType.PERMANENT` the whole of what is wanted, with
    `HoldType.SCHEDULED` nothing else counts.
    """

    mode: HvacMode | None = None
    heat: float | None = None
    cool: float | None = None
    hold: HoldType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Climate:
    """A thermostat; all temperatures are in °C.

    `difference` is the allowed gap between the cooling and the heating setpoint in `HvacMode.AUTO`.
    A range of None is not known and not checked. `active` is whether it heats or cools just now.
    `climate.set_climate` makes the command's value and knows the rules.
    """

    value: ClimateSetting
    modes: tuple[HvacMode, ...]
    temperature: float | None = None
    heat_range: Bounds | None = None
    cool_range: Bounds | None = None
    difference: Bounds | None = None
    schedule: bool = False
    """Whether it can be told to follow its schedule."""
    active: bool | None = None
    at: datetime | None = None


type Control = Switch | Range | Options | Press | TimeOfDay | Climate
type Value = bool | float | StrEnum | time | ClimateSetting | None
"""What a command carries: that of its control, None for `Press`."""


def check(control: Control, value: Value) -> None:
    """Refuse what a control can't take, before anything is sent.

    Raises:
        CommandRefused: out of range.
        TypeError: a value of another control.

    """
    match control, value:
        case Range(), int() | float() if not isinstance(value, bool):
            # `not` catches "not a number" too, which no comparison does.
            if not control.minimum <= value <= control.maximum:
                limits = (control.minimum, control.maximum)
                raise CommandRefused(Refusal.OUT_OF_RANGE, limits=limits)
        case Options(), StrEnum():
            if value not in control.options:
                raise CommandRefused(Refusal.NOT_OFFERED)
        case (Switch(), bool()) | (Press(), None) | (TimeOfDay(), time()):
            pass
        case Climate(), ClimateSetting():
            if value.hold is HoldType.SCHEDULED:
                possible = control.schedule
            else:
                possible = value.mode in control.modes
            if not possible:
                raise CommandRefused(Refusal.NOT_OFFERED)
        case _:
            raise TypeError(f"{type(value).__name__} for {type(control).__name__}")


def wanted(control: Control, value: Value) -> Control:
    """Return the control as it would read if the value had been taken over already."""
    match control, value:
        case Climate(value=setting), ClimateSetting(hold=HoldType.SCHEDULED):
            # The schedule decides about the rest; until it is read the old one is the best guess.
            return replace(control, value=replace(setting, hold=HoldType.SCHEDULED))
        case Climate(value=setting), ClimateSetting():
            heat = setting.heat if value.heat is None else value.heat
            cool = setting.cool if value.cool is None else value.cool
            return replace(control, value=replace(value, heat=heat, cool=cool))
        case Switch(), bool():
            return replace(control, value=value)
        case Range(), int() | float():
            return replace(control, value=value)
        case Options(), StrEnum():
            return replace(control, value=value)
        case TimeOfDay(), time():
            return replace(control, value=value)
        case _:
            return control
