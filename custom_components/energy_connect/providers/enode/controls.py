"""What Enode's assets can be told: payload -> controls.

A control needs the capability and the owner's scope, both said outright: unlike a value, a command
that is refused is no harmless gap. Source: Enode's OpenAPI document of version 2024-10-01 (vendor);
the range of currents is assumed, the document only asks for more than 0.
"""

from collections.abc import Mapping
from datetime import time
import math
import re
from typing import Final

from ...core.controls import (
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
from ...core.payload import Json, boolean, dig, mapping, number
from ...core.vocabulary import Action, HoldType, HvacMode, Kind, OperationMode
from .assets import Section, can

type Controls = dict[Action, Control]

VEHICLE_DETAIL: Final = frozenset(
    {
        Action.MAX_CURRENT,
        Action.SMART_CHARGING,
        Action.READY_BY,
        Action.MINIMUM_CHARGE,
        Action.CHARGE_NOW,
        Action.END_CHARGE_NOW,
    }
)
"""What only few owners of a vehicle want."""

MODE_CAPABILITIES: Final[Mapping[str, OperationMode]] = {
    "exportFocus": OperationMode.EXPORT_FOCUS,
    "importFocus": OperationMode.IMPORT_FOCUS,
    "timeOfUse": OperationMode.TIME_OF_USE,
    "selfReliance": OperationMode.SELF_RELIANCE,
    "idle": OperationMode.IDLE,
}
"""By capability, the operation mode that it stands for."""

HVAC_MODES: Final = {mode.name: mode for mode in HvacMode}
HOLD_TYPES: Final = {hold.name: hold for hold in HoldType}

_LEAST_CURRENT: Final = 6.0  # below it IEC 61851 knows no charging
_MOST_CURRENT: Final = 32.0
_HEAT: Final = frozenset({HvacMode.HEAT, HvacMode.AUTO})
_COOL: Final = frozenset({HvacMode.COOL, HvacMode.AUTO})
# No range of setpoints is wider, so that this is no bound at all.
_WIDEST_GAP: Final = 50.0
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def vehicle_controls(row: Mapping[str, Json], charge: Section) -> Controls:
    """Return what a vehicle can be told."""
    controls = _charging(row, charge, Kind.VEHICLE)
    if can(row, "smartCharging", f"{Kind.VEHICLE}:control:charging"):
        policy = mapping(row.get("smartChargingPolicy"))
        # Without a time of its own: it is Enode's, and true at once.
        controls |= {
            Action.SMART_CHARGING: Switch(value=boolean(policy.get("isEnabled"))),
            Action.READY_BY: TimeOfDay(value=_time_of_day(policy.get("deadline"))),
            Action.MINIMUM_CHARGE: Range(
                value=number(policy.get("minimumChargeLimit")), minimum=0, maximum=100, unit="%"
            ),
            Action.CHARGE_NOW: Press(),
            Action.END_CHARGE_NOW: Press(),
        }
    return controls


def charger_controls(row: Mapping[str, Json], charge: Section) -> Controls:
    """Return what a charger can be told."""
    return _charging(row, charge, Kind.CHARGER)


def _charging(row: Mapping[str, Json], charge: Section, kind: Kind) -> Controls:
    controls: Controls = {}
    scope = f"{kind}:control:charging"
    if can(row, "startCharging", scope) and can(row, "stopCharging", scope):
        charging = boolean(charge.fields.get("isCharging"))
        controls[Action.CHARGING] = Switch(value=charging, at=charge.at)
    if can(row, "setMaxCurrent", scope):
        current = number(charge.fields.get("maxCurrent"))
        controls[Action.MAX_CURRENT] = Range(
            value=current,
            minimum=_LEAST_CURRENT,
            # What it has now it evidently can have.
            maximum=max(_MOST_CURRENT, math.ceil(current or 0)),
            unit="A",
            at=charge.at,
        )
    return controls


def battery_controls(row: Mapping[str, Json], config: Section) -> Controls:
    """Return what a home battery can be told: the modes that can be set, and the one it has."""
    scope = "battery:control:operation_mode"
    settable = [mode for name, mode in MODE_CAPABILITIES.items() if can(row, name, scope)]
    if not settable:
        return {}
    word = config.fields.get("operationMode")
    present = next((mode for mode in OperationMode if mode.name == word), None)
    options = tuple(mode for mode in OperationMode if mode in settable or mode is present)
    return {Action.OPERATION_MODE: Options(value=present, options=options, at=config.at)}


def hvac_controls(row: Mapping[str, Json], temperature: Section, thermostat: Section) -> Controls:
    """Return what a heating or cooling appliance can be told."""
    scope = "hvac:control:mode"
    if not can(row, "setPermanentHold", scope):
        return {}
    state = thermostat.fields
    setting = ClimateSetting(
        mode=_word(HVAC_MODES, state.get("mode")),
        heat=number(state.get("heatSetpoint")),
        cool=number(state.get("coolSetpoint")),
        hold=_word(HOLD_TYPES, state.get("holdType")),
    )
    heat = _bounds(row, "heatSetpointRange")
    cool = _bounds(row, "coolSetpointRange")
    modes = _modes(row, setting.mode, heat=heat is not None, cool=cool is not None)
    if not modes:
        return {}
    return {
        Action.CLIMATE: Climate(
            value=setting,
            modes=modes,
            temperature=number(temperature.fields.get("currentTemperature")),
            heat_range=heat,
            cool_range=cool,
            difference=_difference(row),
            schedule=can(row, "setFollowSchedule", scope),
            active=boolean(temperature.fields.get("isActive")),
            at=thermostat.at,
        )
    }


def _modes(
    row: Mapping[str, Json], present: HvacMode | None, *, heat: bool, cool: bool
) -> tuple[HvacMode, ...]:
    """Return the modes that can be set.

    Not every maker tells them: then those for whose setpoints there is a range, and the one it has.
    """
    told = dig(row, "capabilities", "capableModes")
    if isinstance(told, list):
        words = {_word(HVAC_MODES, word) for word in told}
        return tuple(mode for mode in HvacMode if mode in words)
    possible = {present} - {None}
    if heat or cool:
        possible |= {
            mode for mode in HvacMode if (heat or mode not in _HEAT) and (cool or mode not in _COOL)
        }
    return tuple(mode for mode in HvacMode if mode in possible)


def _bounds(row: Mapping[str, Json], name: str) -> Bounds | None:
    """Return a range of setpoints; half of one is none, and Enode checks it itself."""
    low = number(dig(row, "capabilities", name, "min"))
    high = number(dig(row, "capabilities", name, "max"))
    return None if low is None or high is None else Bounds(low, high)


def _difference(row: Mapping[str, Json]) -> Bounds | None:
    low = number(dig(row, "capabilities", "setpointDifferenceRange", "min"))
    high = number(dig(row, "capabilities", "setpointDifferenceRange", "max"))
    if low is None and high is None:
        return None
    return Bounds(0.0 if low is None else low, _WIDEST_GAP if high is None else high)


def _word[E](options: Mapping[str, E], word: Json) -> E | None:
    """Return what a word stands for; Enode adds words without a new version."""
    return options.get(word) if isinstance(word, str) else None


def _time_of_day(value: Json) -> time | None:
    """Return a time "HH:MM"; "24:00" is midnight too (vendor)."""
    if value == "24:00":
        return time(0)
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    return time(int(found[1]), int(found[2])) if found else None
